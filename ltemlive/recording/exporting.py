"""Findings as files to take home, in any of the formats that users' tools read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ltemlive.errors import ConfigError
from ltemlive.formats.aside import disk_error
from ltemlive.formats.dm4 import require_dm4, write_map_dm4
from ltemlive.formats.hspy import require_hspy, write_map_hspy
from ltemlive.formats.images import write_map_tiff
from ltemlive.recording.nexus import write_nexus
from ltemlive.recording.pictures import write_picture
from ltemlive.recording.provenance import provenance_of_map
from ltemlive.recording.summary import write_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.formats.facts import Facts
    from ltemlive.recording.findings import Findings, QuantityMap

    class MapWriter(Protocol):
        """Writes one map whole or not at all."""

        def __call__(
            self,
            path: Path,
            pages: NDArray[np.float32],
            *,
            pixel_nm: float,
            unit: str,
            labels: tuple[str, ...],
            facts: Facts,
        ) -> None:
            """Write ``pages`` to ``path``."""


_MAP_WRITERS: Mapping[str, MapWriter] = {
    "tif": write_map_tiff,
    "hspy": write_map_hspy,
    "dm4": write_map_dm4,
}
_REQUIRED: Mapping[str, Callable[[], object]] = {"hspy": require_hspy, "dm4": require_dm4}

FORMATS = ("tif", "nxs", "png", "hspy", "dm4", "pdf")
"""What ``write_export`` can write."""

_FILES_OF_ALL = {"nxs": "result.nxs", "pdf": "summary.pdf"}


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """Return the formats, each once, if all of them can be written here.

    Raises
    ------
    ConfigError
        If one is unknown or lacks its library, or there is none; the line says what helps.
    """
    wanted = tuple(dict.fromkeys(formats))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown or not wanted:
        raise ConfigError(
            f"expected formats of {' '.join(FORMATS)}, got {' '.join(unknown) or 'none'}"
        )
    for name in wanted:
        if name in _REQUIRED:
            _REQUIRED[name]()
    return wanted


def write_export(
    findings: Findings, folder: Path, formats: Iterable[str], *, stem: str = ""
) -> tuple[Path, ...]:
    """Write findings in each of the formats, and return the files.

    One file for each map and format, for example ``phase.tif``; formats that hold
    everything have one. Each appears whole or not at all, and replaces an older one.

    Parameters
    ----------
    findings
        Those of a finished series (``read_findings``), or of arrays in memory.
    folder
        Made if it is missing.
    formats
        Of ``FORMATS``.
    stem
        What names begin with, where findings of several series share a folder.

    Raises
    ------
    ConfigError
        If a format is unknown or lacks its library; nothing is written then.
    RecordingError
        If the disk refuses.
    """
    wanted = check_formats(formats)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    prefix = f"{stem}-" if stem else ""
    written: list[Path] = []
    for name in wanted:
        if name in _FILES_OF_ALL:
            path = folder / f"{prefix}{_FILES_OF_ALL[name]}"
            _write_all(path, findings, name)
            written.append(path)
            continue
        for quantity in findings.maps:
            path = folder / f"{prefix}{quantity.name}.{name}"
            _write_map(path, findings, quantity, name)
            written.append(path)
    return tuple(written)


def _write_all(path: Path, findings: Findings, name: str) -> None:
    if name == "pdf":
        write_summary(path, findings, "pdf")
    else:
        write_nexus(path, findings)


def _write_map(path: Path, findings: Findings, quantity: QuantityMap, name: str) -> None:
    if name == "png":
        write_picture(path, findings, quantity)
        return
    _MAP_WRITERS[name](
        path,
        quantity.values,
        pixel_nm=findings.pixel_nm,
        unit=quantity.unit,
        labels=quantity.labels,
        facts=provenance_of_map(findings, quantity),
    )
