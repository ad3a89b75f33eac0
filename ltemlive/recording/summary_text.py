"""The words and figures of the summary page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ltemlive.results import Reconstruction, Report

_DOT = "  \N{MIDDLE DOT}  "


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of the table of frames."""

    cells: tuple[str, ...]
    """Name, defocus, shift; or name and reason of a rejected frame."""
    is_alarm: bool = False


def key_figures(result: Reconstruction) -> str:
    """Return what a microscopist asks first, on two lines."""
    report, microscope = result.report, result.microscope
    ny, nx = result.phase_rad.shape
    data = [
        f"{len(report.frames_used)} frames of {ny} \N{MULTIPLICATION SIGN} {nx} px",
        f"{microscope.pixel_nm:.4g} nm per pixel",
        f"{microscope.voltage_kv:g} kV",
    ]
    if report.noise_sigma is not None:
        data.append(f"noise {100.0 * report.noise_sigma:.2g} % of the amplitude")
    if report.frames_rejected:
        data.append(f"{len(report.frames_rejected)} rejected")
    work = [f"{report.method.upper()}, {report.steps} steps"]
    if report.seconds.solve is not None:
        work.append(f"{report.seconds.solve:.3g} s on {shown(report.device, 30)}")
    phase = result.phase_rad
    work.append(_with_minus(f"phase {phase.min():.3g} to {phase.max():.3g} rad"))
    if report.uncertainty is not None:
        work.append(f"uncertainty {report.uncertainty:.2g} rad")
    if report.truth:
        figures = [f"{shown(name, 30)} {value:.4f}" for name, value in report.truth.items()]
        work.append(f"against the truth: {', '.join(figures)}")
    return _DOT.join(data) + "\n" + _DOT.join(work)


def notes_line(report: Report) -> str:
    """Return the notes of the report, one after the other."""
    sentences = [note.strip().rstrip(".") + "." for note in report.notes if note.strip()]
    return shown(" ".join(sentences), 1000)


def frame_table(report: Report, *, max_rows: int) -> list[TableLine]:
    """Return heading, frames used and frames rejected, at most ``max_rows`` + 1 lines."""
    heading = ["file or seq", "defocus [\N{MICRO SIGN}m]"]
    columns = [
        [shown(name, 30) for name in report.frames_used],
        [_with_minus(f"{defocus_nm * 1e-3:+,.1f}") for defocus_nm in report.defocus_nm],
    ]
    if report.shift_px is not None:
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
    used = [TableLine(cells) for cells in zip(*columns, strict=True)]
    rejected = [
        TableLine((f"{shown(bad.frame, 24)}: {shown(bad.reason, 60)}",), is_alarm=True)
        for bad in report.frames_rejected
    ]
    return [TableLine(tuple(heading)), *_at_most(max_rows, used, rejected)]


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
