"""The result as NeXus: one HDF5 file that plots itself in any NeXus viewer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ltemlive.formats.aside import written_aside
from ltemlive.physics.induction import phase_gradient, projected_induction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.results import Reconstruction

_UNITS = {
    "voltage_kv": "kV",
    "pixel_nm": "nm",
    "spherical_aberration_nm": "nm",
    "convergence_mrad": "mrad",
    "defocus_spread_nm": "nm",
    "astigmatism_nm": "nm",
    "astigmatism_deg": "deg",
}


def write_nexus(path: Path, result: Reconstruction, *, report_json: str) -> None:
    """Write phase, amplitude, gradient and induction with axes in nm.

    ``/entry`` is an NXentry whose default plot is ``phase``. Each quantity is an NXdata
    with axes y and x (y down); the components of a vector are signals of their own.
    The report stands in ``/entry/report`` as JSON, the microscope in an NXcollection.

    Parameters
    ----------
    path
        The file to make or replace, aside and renamed.
    result
        What was reconstructed.
    report_json
        The text of ``report.json``.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    pixel_nm = result.microscope.pixel_nm
    gradient = phase_gradient(result.phase_rad, pixel_nm=pixel_nm)
    induction = projected_induction(
        result.phase_rad, pixel_nm=pixel_nm, beam=result.microscope.beam
    )
    # HDF5 cannot close a file on a full disk, so it is made in memory.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        entry = _group(file, "entry", "NXentry", default="phase")
        entry["title"] = result.title
        entry["program_name"] = "ltemlive"
        entry["report"] = report_json
        _write_data(entry, "phase", {"phase": result.phase_rad}, "rad", pixel_nm)
        _write_data(entry, "amplitude", {"amplitude": result.amplitude}, "1", pixel_nm)
        _write_data(
            entry,
            "gradient",
            {"phase_along_y": gradient[0], "phase_along_x": gradient[1]},
            "rad/nm",
            pixel_nm,
        )
        _write_data(
            entry,
            "induction",
            {"induction_y": induction[0], "induction_x": induction[1]},
            "T nm",
            pixel_nm,
        )
        _write_microscope(entry, result)
    with written_aside(path) as aside:
        aside.write_bytes(buffer.getbuffer())


def _write_data(
    entry: h5py.Group,
    name: str,
    signals: Mapping[str, NDArray[np.float32]],
    unit: str,
    pixel_nm: float,
) -> None:
    first, *others = signals
    group = _group(entry, name, "NXdata", signal=first, axes=["y", "x"])
    if others:
        group.attrs["auxiliary_signals"] = others
    for axis, size in zip(("y", "x"), signals[first].shape, strict=True):
        group[axis] = np.arange(size) * pixel_nm
        group[axis].attrs["units"] = "nm"
        group.attrs[f"{axis}_indices"] = 0 if axis == "y" else 1
    for signal, values in signals.items():
        group.create_dataset(signal, data=np.asarray(values, np.float32))
        group[signal].attrs.update({"units": unit, "interpretation": "image"})


def _write_microscope(entry: h5py.Group, result: Reconstruction) -> None:
    group = _group(entry, "microscope", "NXcollection")
    for key, value in result.microscope.model_dump().items():
        if value is None or value == ():
            continue  # which HyperSpy cannot read
        group[key] = value
        if key in _UNITS:
            group[key].attrs["units"] = _UNITS[key]


def _group(
    parent: h5py.Group, name: str, nexus_class: str, **attributes: Any
) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs.update({"NX_class": nexus_class, **attributes})
    return group
