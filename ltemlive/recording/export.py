"""The result of a series as files that the user's other tools open calibrated."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.formats.aside import disk_error, written_aside
from ltemlive.formats.images import write_map_tiff
from ltemlive.physics.induction import phase_gradient, projected_induction
from ltemlive.recording.nexus import write_nexus
from ltemlive.recording.plain import json_text
from ltemlive.recording.summary import write_summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ltemlive.results import Reconstruction, Report

REPORT_FILE = "report.json"
PHASE_FILE = "phase.tif"

INDUCTION_NOTE = "contains the electrostatic phase"
"""The induction comes from the whole phase as long as nothing separates the two."""


def write_results(
    folder: Path, result: Reconstruction, *, clock: Callable[[], float] = time.perf_counter
) -> Report:
    """Write the result files of a finished series and return the report as written.

    Each file appears whole or not at all, ``report.json`` last: where it is, the others
    are, too.

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
    except OSError as error:
        raise disk_error(folder, error) from error
    _write_maps(folder, result)
    write_summary(folder / "summary.png", result)
    seconds = replace(result.report.seconds, export=clock() - started)
    report = replace(result.report, seconds=seconds)
    text = json_text(report.as_document(), indent=2)
    write_nexus(folder / "result.nxs", result, report_json=text)
    with written_aside(folder / REPORT_FILE) as aside:
        aside.write_text(text + "\n", encoding="ascii")
    return report


def _write_maps(folder: Path, result: Reconstruction) -> None:
    phase_rad = result.phase_rad
    pixel_nm = result.microscope.pixel_nm
    write_map_tiff(
        folder / PHASE_FILE, phase_rad, pixel_nm=pixel_nm, unit="rad", labels=("phase",)
    )
    write_map_tiff(
        folder / "gradient.tif",
        phase_gradient(phase_rad, pixel_nm=pixel_nm),
        pixel_nm=pixel_nm,
        unit="rad/nm",
        labels=("d/dy", "d/dx"),
    )
    write_map_tiff(
        folder / "induction.tif",
        projected_induction(phase_rad, pixel_nm=pixel_nm, beam=result.microscope.beam),
        pixel_nm=pixel_nm,
        unit="T nm",
        labels=(f"B_y t ({INDUCTION_NOTE})", f"B_x t ({INDUCTION_NOTE})"),
    )
    write_map_tiff(
        folder / "amplitude.tif",
        result.amplitude,
        pixel_nm=pixel_nm,
        unit="1",
        labels=("amplitude",),
    )
