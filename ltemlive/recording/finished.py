"""The finished series below a folder, and their results read back as they were written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from ltemlive.formats.series import SERIES_FOLDER, SESSION_FILE
from ltemlive.recording.export import NEXUS_FILE, REPORT_FILE
from ltemlive.recording.nexus import read_nexus
from ltemlive.recording.origin import recorded_origin
from ltemlive.recording.reported import read_report

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.recording.findings import Findings

_MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class FinishedSeries:
    """The folders to export from."""

    folders: tuple[Path, ...]
    """In order; each has a result."""
    unfinished: tuple[Path, ...] = ()
    """Series that were asked for and have none yet."""
    share_a_folder: bool = False
    """Whether the session has several, which the names of files must tell apart."""


def finished_series(path: Path, ordinal: int | None = None) -> FinishedSeries:
    """Return what can be exported from a session, or from any folder with results.

    Parameters
    ----------
    path
        A session folder, or one with ``report.json``: that of a series, or what
        ``ltemlive reconstruct --out`` and ``ltemlive demo`` wrote to.
    ordinal
        Which series of a session; None: all of them.

    Raises
    ------
    ConfigError
        If there is no such folder, no such series, or none with a result.
    """
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; check the name and the share")
    if (path / SESSION_FILE).is_file():
        return _of_session(path, ordinal)
    if ordinal is not None:
        raise ConfigError(
            f"--series {ordinal}: expected a session folder, got {path}; leave it out"
        )
    if not (path / REPORT_FILE).is_file():
        raise ConfigError(
            f"{path}: expected a session, or a folder with results, got neither "
            f"{SESSION_FILE} nor {REPORT_FILE} in it; end the series, or run "
            "`ltemlive reconstruct`"
        )
    return FinishedSeries((path,))


def read_findings(folder: Path) -> Findings:
    """Return the result in a folder, its maps bit for bit as they were written.

    Raises
    ------
    ConfigError
        If ``report.json`` or ``result.nxs`` is missing or damaged.
    """
    findings = read_nexus(folder / NEXUS_FILE, read_report(folder / REPORT_FILE))
    # What an earlier version did not write down, the session may still know.
    origin, solver = recorded_origin(folder)
    report = replace(findings.report, solver=findings.report.solver or solver)
    return replace(findings, report=report, origin=findings.origin or origin)


def file_stem(folder: Path, title: str) -> str:
    """Return what names of files begin with, for example ``0001-vortex_disc``."""
    words = re.sub(r"[^\w.+-]+", "_", title).strip("_.")[:_MAX_NAME]
    return f"{folder.name}-{words}" if words else folder.name


def _of_session(session: Path, ordinal: int | None) -> FinishedSeries:
    series = sorted(
        folder for folder in (session / SERIES_FOLDER).glob("*") if folder.name.isdecimal()
    )
    chosen = [each for each in series if ordinal in (None, int(each.name))]
    if ordinal is not None and not chosen:
        known = " ".join(str(int(folder.name)) for folder in series) or "none"
        raise ConfigError(
            f"--series {ordinal}: {session} has no such series, only: {known}"
        )
    finished = tuple(each for each in chosen if (each / REPORT_FILE).is_file())
    if not finished:
        what = (
            "a finished series" if ordinal is None else f"series {ordinal} to be finished"
        )
        raise ConfigError(
            f"{session}: expected {what}, got {len(chosen)} without a result; end the "
            "series, or run `ltemlive reconstruct`"
        )
    unfinished = tuple(each for each in chosen if each not in finished)
    return FinishedSeries(finished, unfinished, share_a_folder=len(series) > 1)
