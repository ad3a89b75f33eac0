"""The result of a series as files that the user's other tools open calibrated."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.formats.aside import disk_error, written_aside
from ltemlive.formats.images import write_map_tiff
from ltemlive.recording.findings import findings_of
from ltemlive.recording.nexus import write_nexus
from ltemlive.recording.origin import recorded_origin
from ltemlive.recording.plain import json_text
from ltemlive.recording.provenance import provenance_of_map
from ltemlive.recording.summary import write_summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ltemlive.results import Reconstruction, Report

REPORT_FILE = "report.json"
PHASE_FILE = "phase.tif"
UNCERTAINTY_FILE = "uncertainty.tif"
NEXUS_FILE = "result.nxs"


def write_results(
    folder: Path, result: Reconstruction, *, clock: Callable[[], float] = time.perf_counter
) -> Report:
    """Write the result files of a finished series and return the report as written.

    Each file appears whole or not at all, ``report.json`` last: where it is, the others
    are, too. In the folder of a session's series they say which session, and how its solver
    was set, where the result itself does not.

    Parameters
    ----------
    folder
        Made if it is missing.
    result
        What was reconstructed.
    clock
        Seconds, for the time that the export took.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    started = clock()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT_FILE).unlink(missing_ok=True)
        # One of an earlier result would stand beside another phase.
        (folder / UNCERTAINTY_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    origin, solver = recorded_origin(folder)
    report = replace(result.report, solver=result.report.solver or solver)
    findings = findings_of(replace(result, report=report, origin=result.origin or origin))
    for quantity in findings.maps:
        write_map_tiff(
            folder / f"{quantity.name}.tif",
            quantity.values,
            pixel_nm=findings.pixel_nm,
            unit=quantity.unit,
            labels=quantity.labels,
            facts=provenance_of_map(findings, quantity),
        )
    write_summary(folder / "summary.png", findings)
    report = replace(report, seconds=replace(report.seconds, export=clock() - started))
    write_nexus(folder / NEXUS_FILE, replace(findings, report=report))
    with written_aside(folder / REPORT_FILE) as aside:
        text = json_text(report.as_document(), indent=2)
        aside.write_text(text + "\n", encoding="ascii")
    return report
