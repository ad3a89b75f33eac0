"""Maps as HyperSpy's own files, by RosettaSciIO (``pip install ltemlive[formats]``)."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ltemlive.errors import ConfigError
from ltemlive.formats.aside import written_aside

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.formats.facts import Facts


def require_hspy() -> Any:
    """Return what writes such files.

    Raises
    ------
    ConfigError
        If it is not installed; the line says how to get it.
    """
    try:
        return importlib.import_module("rsciio.hspy")
    except ImportError as error:
        raise ConfigError(
            "hspy: writing it needs RosettaSciIO; pip install 'ltemlive[formats]'"
        ) from error


def write_map_hspy(
    path: Path,
    pages: NDArray[np.float32],
    *,
    pixel_nm: float,
    unit: str,
    labels: tuple[str, ...],
    facts: Facts,
) -> None:
    """Write a calibrated float32 map, or a stack of them, aside, fsynced and renamed.

    HyperSpy opens it as a ``Signal2D``; a stack has its pages along ``component``.

    Parameters
    ----------
    path, pages, pixel_nm, unit, labels
        As of ``write_map_tiff``.
    facts
        Where the values come from; they stand in ``original_metadata.ltemlive``.

    Raises
    ------
    ConfigError
        If RosettaSciIO is not installed.
    RecordingError
        If the disk refuses.
    """
    writer = require_hspy()
    values = np.ascontiguousarray(pages, np.float32)
    axes = [_axis("y", "nm", pixel_nm), _axis("x", "nm", pixel_nm)]
    if values.ndim == 3:
        axes.insert(0, _axis("component", "", 1.0, navigate=True))
    for index, (axis, size) in enumerate(zip(axes, values.shape, strict=True)):
        axis |= {"index_in_array": index, "size": size}
    signal = {
        "data": values,
        "axes": axes,
        "metadata": _metadata(unit, labels, facts),
        "original_metadata": {"ltemlive": dict(facts)},
        "attributes": {"_lazy": False, "ragged": False},
        "package_info": {"package": "ltemlive", "package_version": ""},
        "tmp_parameters": {},
        "learning_results": {},
        "models": {},
    }
    # HDF5 crashes over a full disk, so the file is made in memory. Its writer takes such a
    # place for everything but the values.
    buffer = io.BytesIO()
    writer.file_writer(buffer, signal, write_dataset=False)
    with h5py.File(buffer, "r+") as file:
        (group,) = file["Experiments"].values()
        group.create_dataset("data", data=values, compression="gzip", shuffle=True)
    with written_aside(path) as aside:
        aside.write_bytes(buffer.getbuffer())


def _axis(name: str, unit: str, scale: float, *, navigate: bool = False) -> dict[str, Any]:
    return {
        "_type": "UniformDataAxis",
        "name": name,
        "units": unit,
        "scale": scale,
        "offset": 0.0,
        "navigate": navigate,
        "is_binned": False,
    }


def _metadata(unit: str, labels: tuple[str, ...], facts: Facts) -> dict[str, Any]:
    quantity = str(facts.get("quantity", labels[0]))
    metadata: dict[str, Any] = {
        "General": {"title": f"{facts.get('series', '')} {quantity}".strip()},
        "Signal": {"signal_type": "", "quantity": f"{quantity} ({unit})"},
        "_HyperSpy": {},
    }
    if len(labels) > 1:
        metadata["General"]["notes"] = "components: " + ", ".join(labels)
    if "voltage_kv" in facts:
        beam = {"beam_energy": float(facts["voltage_kv"])}
        metadata["Acquisition_instrument"] = {"TEM": beam}
    return metadata
