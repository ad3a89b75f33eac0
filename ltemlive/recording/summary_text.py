"""The words and figures of the summary page."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltemlive.recording.findings import Findings
    from ltemlive.results import Report

MAX_SMALL_LINES = 8
_SMALL_PRINT = 205
"""Letters on a line of it."""
_DOT = "  \N{MIDDLE DOT}  "


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of the table of frames."""

    cells: tuple[str, ...]
    """Name, defocus, shift; or name and reason of a rejected frame."""
    is_alarm: bool = False


def key_figures(findings: Findings) -> str:
    """Return what a microscopist asks first, on two lines."""
    report, microscope = findings.report, findings.microscope
    ny, nx = findings.shape
    data = [
        f"{len(report.frames_used)} frames of {ny} \N{MULTIPLICATION SIGN} {nx} px",
        f"{findings.pixel_nm:.4g} nm per pixel",
    ]
    if microscope is not None:
        data.append(f"{microscope.voltage_kv:g} kV")
    if report.noise_sigma is not None:
        data.append(f"noise {100.0 * report.noise_sigma:.2g} % of the amplitude")
    if report.frames_rejected:
        data.append(f"{len(report.frames_rejected)} rejected")
    # A window does not know the method.
    method = f"{report.method.upper()}, " if report.method else ""
    work = [f"{method}{report.steps} steps"]
    if report.seconds.solve is not None:
        work.append(f"{report.seconds.solve:.3g} s on {shown(report.device, 30)}")
    for each in findings.maps[:1]:
        low, high = each.values.min(), each.values.max()
        work.append(_with_minus(f"{each.name} {low:.3g} to {high:.3g} {each.unit}"))
    if report.uncertainty is not None:
        sigmas = report.uncertainty
        work[-1] += f" \N{PLUS-MINUS SIGN} {sigmas.phase_rad:.2g} rad"
        work.append(
            f"induction \N{PLUS-MINUS SIGN} {sigmas.induction_t_nm:.2g} T nm per pixel"
        )
    if report.truth:
        figures = [f"{shown(name, 30)} {value:.4f}" for name, value in report.truth.items()]
        work.append(f"against the truth: {', '.join(figures)}")
    return _DOT.join(data) + "\n" + _DOT.join(work)


def notes_line(report: Report) -> str:
    """Return the notes of the report, one after the other."""
    sentences = [note.strip().rstrip(".") + "." for note in report.notes if note.strip()]
    return shown(" ".join(sentences), 1000)


def settings_lines(findings: Findings) -> list[str]:
    """Return how it was done, in small print: origin, optics, solver and versions."""
    report, microscope = findings.report, findings.microscope
    not_optics = {"pixel_nm", "voltage_kv", "camera", "lens_table"}
    optics = microscope.model_dump(exclude=not_optics) if microscope else {}
    told = {
        "from": findings.origin,
        "optics": optics,
        "camera": report.camera and report.camera.model_dump(exclude_defaults=True),
        "solver": report.solver,
        "versions": report.versions,
    }
    lines: list[str] = []
    for name, values in told.items():
        words = ", ".join(_pair(key, value) for key, value in (values or {}).items())
        if words:
            lines += textwrap.wrap(f"{name}: {shown(words, 1000)}", _SMALL_PRINT)
    return lines[:MAX_SMALL_LINES]


def _pair(key: str, value: object) -> str:
    return f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"


def frame_table(report: Report, *, max_rows: int) -> list[TableLine]:
    """Return heading, frames used and frames rejected, at most ``max_rows`` + 1 lines."""
    heading = ["file or seq", "defocus [\N{MICRO SIGN}m]"]
    columns = [
        [shown(name, 30) for name in report.frames_used],
        _defocus_cells(report),
    ]
    if report.shift_px:
        heading.append("shift y, x [px]")
        columns.append([_with_minus(f"{dy:+.2f}, {dx:+.2f}") for dy, dx in report.shift_px])
    turns = list(zip(report.rotation_deg or (), report.magnification or (), strict=True))
    if any(turn != (0.0, 1.0) for turn in turns):
        heading.append("turn [\N{DEGREE SIGN}, %]")
        columns.append(
            [
                _with_minus(f"{degrees:+.2f}, {100.0 * (factor - 1.0):+.2f}")
                for degrees, factor in turns
            ]
        )
    if report.holdout:
        heading.append("fit")
        columns.append(
            [f"{fit:.2f}" if math.isfinite(fit) else "-" for fit in report.holdout]
        )
    used = [TableLine(cells) for cells in zip(*columns, strict=True)]
    rejected = [
        TableLine((f"{shown(bad.frame, 24)}: {shown(bad.reason, 60)}",), is_alarm=True)
        for bad in report.frames_rejected
    ]
    return [TableLine(tuple(heading)), *_at_most(max_rows, used, rejected)]


def _defocus_cells(report: Report) -> list[str]:
    deviations: Sequence[float | None] = [None] * len(report.defocus_nm)
    if report.deviations is not None and report.deviations.defocus_nm is not None:
        deviations = report.deviations.defocus_nm
    return [
        _with_minus(f"{defocus_nm * 1e-3:+,.1f}")
        + (f" ± {sigma_nm * 1e-3:.1f}" if sigma_nm is not None else "")
        for defocus_nm, sigma_nm in zip(report.defocus_nm, deviations, strict=True)
    ]


def shown(text: str, max_length: int) -> str:
    """Return ``text`` on one line, cut to length, without what the font cannot draw."""
    line = " ".join(text.split()).encode("latin-1", "replace").decode("latin-1")
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= max_length else line[: max_length - 3] + "..."


def _at_most(
    max_rows: int, used: list[TableLine], rejected: list[TableLine]
) -> list[TableLine]:
    """Return as many lines as fit, of both kinds, and a word about those left out."""
    if len(used) + len(rejected) <= max_rows:
        return used + rejected
    room_rejected = min(len(rejected), max(3, max_rows - len(used) - 1))
    room_used = min(len(used), max_rows - room_rejected - 1)
    left_out = len(used) + len(rejected) - room_used - room_rejected
    word = TableLine((f"and {left_out} more in report.json",))
    return [*used[:room_used], *rejected[:room_rejected], word]


def _with_minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
