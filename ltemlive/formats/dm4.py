"""Maps as DigitalMicrograph's own files, by nionswift-io (``pip install ltemlive[dm]``)."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ltemlive.errors import ConfigError
from ltemlive.formats.aside import written_aside

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.formats.facts import Facts

_VERSION = 4


class DmLibrary(NamedTuple):
    """The modules of nionswift-io and its data model that write a file."""

    files: Any
    data: Any
    calibration: Any


def require_dm4() -> DmLibrary:
    """Return what writes such files.

    Raises
    ------
    ConfigError
        If it is not installed; the line says how to get it.
    """
    names = (
        "nionswift_plugin.DM_IO.dm3_image_utils",
        "nion.data.DataAndMetadata",
        "nion.data.Calibration",
    )
    try:
        return DmLibrary(*map(importlib.import_module, names))
    except ImportError as error:
        raise ConfigError(
            "dm4: writing it needs nionswift-io; pip install 'ltemlive[dm]'"
        ) from error


def write_map_dm4(
    path: Path,
    pages: NDArray[np.float32],
    *,
    pixel_nm: float,
    unit: str,
    labels: tuple[str, ...],
    facts: Facts,
) -> None:
    """Write a calibrated float32 map, or a stack of them, aside, fsynced and renamed.

    Parameters
    ----------
    path, pages, pixel_nm, unit
        As of ``write_map_tiff``.
    labels
        One for each page; they stand among the image's tags, for DigitalMicrograph shows no
        names of slices.
    facts
        Where the values come from; they stand in the image's tags, under ``ltemlive``.

    Raises
    ------
    ConfigError
        If nionswift-io is not installed.
    RecordingError
        If the disk refuses.
    """
    library = require_dm4()
    values = np.ascontiguousarray(pages, np.float32)
    calibration = library.calibration.Calibration
    axes = [calibration(0.0, pixel_nm, "nm"), calibration(0.0, pixel_nm, "nm")]
    if values.ndim == 3:
        axes.insert(0, calibration(0.0, 1.0, "page"))
    tags: dict[str, Any] = {"ltemlive": dict(facts) | {"labels": ", ".join(labels)}}
    if "voltage_kv" in facts:
        tags["Microscope Info"] = {"Voltage": 1e3 * float(facts["voltage_kv"])}
    image = library.data.new_data_and_metadata(
        values,
        data_descriptor=library.data.DataDescriptor(False, values.ndim - 2, 2),
        dimensional_calibrations=axes,
        intensity_calibration=calibration(0.0, 1.0, unit),
        metadata=tags,
    )
    # The writer goes back and forth in its file, which memory takes at once.
    buffer = io.BytesIO()
    library.files.save_image(image, buffer, _VERSION)
    with written_aside(path) as aside:
        aside.write_bytes(buffer.getbuffer())
