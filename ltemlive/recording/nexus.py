"""The result as NeXus: one HDF5 file that plots itself in any NeXus viewer."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ltemlive.errors import ConfigError
from ltemlive.formats.aside import written_aside
from ltemlive.formats.nexus_groups import nexus_group, write_pixel_axes
from ltemlive.recording.findings import Findings, QuantityMap
from ltemlive.recording.plain import json_text
from ltemlive.recording.provenance import provenance
from ltemlive.series import Microscope

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.results import Report

_UNITS = {
    "voltage_kv": "kV",
    "pixel_nm": "nm",
    "spherical_aberration_nm": "nm",
    "convergence_mrad": "mrad",
    "defocus_spread_nm": "nm",
    "astigmatism_nm": "nm",
    "astigmatism_deg": "deg",
}
_ORDER = {"phase": 0, "gradient": 1, "induction": 2, "amplitude": 3, "uncertainty": 4}
_GRADIENT = ("phase_along_y", "phase_along_x")


def write_nexus(path: Path, findings: Findings) -> None:
    """Write every map with axes in nm, the report, the microscope and the provenance.

    ``/entry`` is an NXentry whose default plot is the first map. Each quantity is an NXdata
    with axes y and x (y down); the components of a vector are signals of their own. An
    uncertainty is the ``phase_errors`` of the phase, too.
    The report stands in ``/entry/report`` as JSON, the microscope in an NXcollection, the
    provenance in an NXprocess, and the settings of the solver, where known, below it.

    Parameters
    ----------
    path
        The file to make or replace, aside and renamed.
    findings
        What to write.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    # HDF5 cannot close a file on a full disk, so it is made in memory.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        entry = nexus_group(file, "entry", "NXentry", default=findings.maps[0].name)
        entry["title"] = findings.title
        entry["program_name"] = "ltemlive"
        entry["report"] = json_text(findings.report.as_document(), indent=2)
        for quantity in findings.maps:
            _write_data(entry, quantity, findings.pixel_nm)
        if "uncertainty" in entry:
            # The same values, where NeXus looks for the errors of a signal.
            entry["phase/phase_errors"] = entry["uncertainty/uncertainty"]
        if findings.microscope is not None:
            _write_values(
                nexus_group(entry, "microscope", "NXcollection"),
                findings.microscope.model_dump(),
            )
        _write_process(entry, findings)
    with written_aside(path) as aside:
        aside.write_bytes(buffer.getbuffer())


def read_nexus(path: Path, report: Report) -> Findings:
    """Return what ``write_nexus`` wrote, its values as they are in the file.

    Parameters
    ----------
    path
        A ``result.nxs``; one of an earlier version says less of its origin.
    report
        What ``report.json`` beside it says.

    Raises
    ------
    ConfigError
        If the file is missing, damaged, or of another program.
    """
    try:
        with h5py.File(path, "r") as file:
            return _findings_in(file["entry"], report)
    # A damaged file makes HDF5 raise almost anything.
    except Exception as error:
        problem = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: expected a whole result of ltemlive, got none ({problem}); make it "
            "again with `ltemlive reconstruct`"
        ) from error


def _findings_in(entry: h5py.Group, report: Report) -> Findings:
    maps = [
        _map_in(group)
        for group in entry.values()
        if isinstance(group, h5py.Group) and group.attrs["NX_class"] == "NXdata"
    ]
    # HDF5 sorts by name: what the file shows by default comes first.
    first = entry.attrs["default"]
    maps.sort(key=lambda each: (each.name != first, _ORDER.get(each.name, len(_ORDER))))
    known = Microscope.model_validate(_values_in(entry["microscope"]))
    origin = json.loads(entry["process/origin"][()]) if "process/origin" in entry else {}
    shapes = {each.values.shape[-2:] for each in maps}
    if len(shapes) != 1 or any(
        each.values.ndim < 2 or not each.values.size for each in maps
    ):
        raise ValueError(f"expected maps of one shape, got {sorted(shapes)}")
    return Findings(
        title=entry["title"].asstr()[()],
        pixel_nm=known.pixel_nm,
        maps=tuple(maps),
        report=report,
        microscope=known,
        origin=dict(origin),
    )


def _map_in(group: h5py.Group) -> QuantityMap:
    signals = [group.attrs["signal"], *group.attrs.get("auxiliary_signals", [])]
    values = np.stack([np.asarray(group[name], np.float32) for name in signals])
    return QuantityMap(
        name=group.name.rpartition("/")[2],
        values=values if len(signals) > 1 else values[0],
        unit=str(group[signals[0]].attrs["units"]),
        labels=tuple(str(group[name].attrs.get("long_name", name)) for name in signals),
    )


def _values_in(group: h5py.Group) -> dict[str, Any]:
    values = {key: dataset[()] for key, dataset in group.items()}
    return {
        key: value.decode() if isinstance(value, bytes) else value.tolist()
        for key, value in values.items()
    }


def _write_data(entry: h5py.Group, quantity: QuantityMap, pixel_nm: float) -> None:
    components = quantity.components
    signals = _signals(quantity.name, len(components))
    group = nexus_group(entry, quantity.name, "NXdata", signal=signals[0], axes=["y", "x"])
    if len(signals) > 1:
        group.attrs["auxiliary_signals"] = signals[1:]
    write_pixel_axes(group, components.shape[1:], pixel_nm=pixel_nm)
    group.attrs.update({"y_indices": 0, "x_indices": 1})
    for signal, label, values in zip(signals, quantity.labels, components, strict=True):
        group.create_dataset(signal, data=np.asarray(values, np.float32))
        about = {"units": quantity.unit, "long_name": label, "interpretation": "image"}
        group[signal].attrs.update(about)


def _signals(name: str, n_components: int) -> tuple[str, ...]:
    if name == "gradient":
        return _GRADIENT
    return (name,) if n_components == 1 else (f"{name}_y", f"{name}_x")


def _write_process(entry: h5py.Group, findings: Findings) -> None:
    facts = provenance(findings)
    process = nexus_group(entry, "process", "NXprocess")
    process["program"], process["version"] = str(facts["program"]).split(" ", 1)
    process["origin"] = json_text(dict(findings.origin))
    process["provenance"] = json_text(dict(facts))
    if findings.report.solver:
        _write_values(
            nexus_group(process, "solver", "NXcollection"), findings.report.solver
        )


def _write_values(group: h5py.Group, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if value is None or value in ((), [], {}):
            continue  # which HyperSpy cannot read
        group[key] = json_text(value) if isinstance(value, dict) else value
        if key in _UNITS:
            group[key].attrs["units"] = _UNITS[key]
