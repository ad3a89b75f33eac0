"""The summary of a series on one page: what was found, from which frames, and how."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ltemlive.formats.aside import written_aside
from ltemlive.physics.colour import induction_rgb, induction_scale_t_nm
from ltemlive.recording.drawing import (
    FAINT,
    INK,
    draw_colour_bar,
    draw_scale_bar,
    draw_wheel,
    levels,
)
from ltemlive.recording.provenance import as_pdf_information, as_png_text, provenance
from ltemlive.recording.summary_text import (
    frame_table,
    key_figures,
    notes_line,
    settings_lines,
    shown,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ltemlive.recording.findings import Findings
    from ltemlive.results import Report

ALARM = "#b3261e"

_PAGE_INCH = 12.6
_MAP_INCH = 4.9
"""Longer side of the phase and the induction."""
_HEADING_INCH = 1.65
_EVIDENCE_INCH = 3.7
_FOOT_INCH = 1.8
"""Notes and settings."""
_MAX_ROWS = 12
_MAX_SIDE_PX = 1600
"""Maps are thinned to this: the page has no more pixels for them."""
_DPI = 140


def write_summary(
    path: Path, findings: Findings, kind: Literal["png", "pdf"] = "png"
) -> None:
    """Draw the summary page, aside and renamed, with its provenance in the file.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    figure = summary_figure(findings)
    as_metadata = as_png_text if kind == "png" else as_pdf_information
    about = as_metadata(provenance(findings), findings.title)
    with written_aside(path) as aside:
        figure.savefig(aside, format=kind, dpi=_DPI, metadata=about)


def summary_figure(findings: Findings) -> Figure:
    """Return the page: phase and induction on top, the evidence for them below.

    A map that there is none of leaves its place empty.
    """
    ny, nx = findings.shape
    map_inch = min(_MAP_INCH / nx, _MAP_INCH / ny)
    width, height = map_inch * nx, map_inch * ny
    page = _Page(
        Figure(facecolor="white"), _HEADING_INCH + height + _EVIDENCE_INCH + _FOOT_INCH
    )
    maps = {each.name: _thinned(each.values) for each in findings.maps}
    pixel_nm = findings.pixel_nm * _step(findings.shape)
    _write_words(page, findings)
    top = _HEADING_INCH
    if "phase" in maps:
        axes = page.axes(0.4, top, width, height)
        _draw_values(axes, maps["phase"], "viridis", "rad", (1.025, 0.035))
        _title(axes, "Phase")
        draw_scale_bar(axes, pixel_nm)
    if "induction" in maps:
        legend = page.axes(6.42 + width, top + height - 1.0, 1.0, 1.0)
        axes = page.axes(6.3, top, width, height)
        _draw_induction(axes, legend, maps["induction"])
        draw_scale_bar(axes, pixel_nm)
    top += height + 0.75
    shrunk = 2.2 / _MAP_INCH
    if "amplitude" in maps:
        axes = page.axes(0.4, top, shrunk * width, shrunk * height)
        _draw_values(axes, maps["amplitude"], "gray", "1", (1.04, 0.05))
        axes.set_axis_off()
        _title(axes, "Amplitude")
    _draw_objective(page.axes(3.95, top, 2.2, 2.1), findings.report)
    _draw_frames(page.axes(6.6, top, 5.6, 2.4), findings.report)
    return page.figure


@dataclass(frozen=True, slots=True)
class _Page:
    """A figure whose places are given in inches from its top left corner."""

    figure: Figure
    height: float

    def __post_init__(self) -> None:
        FigureCanvasAgg(self.figure)
        self.figure.set_size_inches(_PAGE_INCH, self.height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self.height - top - height
        return self.figure.add_axes(
            (
                left / _PAGE_INCH,
                bottom / self.height,
                width / _PAGE_INCH,
                height / self.height,
            )
        )

    def write(self, top: float, text: str, **style: Any) -> None:
        place = (0.4 / _PAGE_INCH, 1.0 - top / self.height)
        # Names come from outside: a dollar sign in one is no formula.
        style = {"color": INK, "va": "top", "parse_math": False, **style}
        self.figure.text(*place, text, **style)


def _write_words(page: _Page, findings: Findings) -> None:
    page.write(0.28, shown(findings.title, 70), size=20, weight="bold")
    page.write(0.75, key_figures(findings), size=10.5, color=FAINT, linespacing=1.5)
    notes = textwrap.wrap(notes_line(findings.report), 165, max_lines=2, placeholder=" ...")
    top = page.height - _FOOT_INCH
    page.write(top, "\n".join(notes), size=9, linespacing=1.5)
    small = {"size": 7.5, "color": FAINT, "linespacing": 1.5}
    top += 0.1 + 0.2 * len(notes)
    page.write(top, "\n".join(settings_lines(findings)), **small)


def _draw_values(
    axes: Axes,
    values: NDArray[np.float32],
    colours: str,
    unit: str,
    bar: tuple[float, float],
) -> None:
    """Draw an image with a colour bar at its right: its left end and width."""
    low, high = levels(values)
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high)
    left, width = bar
    draw_colour_bar(axes.inset_axes((left, 0.0, width, 1.0)), image, unit, size=9.0)


def _draw_induction(axes: Axes, legend: Axes, induction: NDArray[np.float32]) -> None:
    scale = induction_scale_t_nm(induction)
    axes.imshow(induction_rgb(induction, scale_t_nm=scale))
    _title(axes, "Induction \N{MULTIPLICATION SIGN} thickness")
    draw_wheel(legend, scale, size=9.0)


def _draw_objective(axes: Axes, report: Report) -> None:
    _title(axes, "Objective")
    values = np.asarray(report.objective, np.float64)
    finite = np.isfinite(values)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if not finite.any():
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no iterations", ha="center", color=FAINT)
        return
    steps = np.arange(1, values.size + 1)
    last = values[finite][-1]
    if values[finite].min() > 0.0 and np.ptp(values[finite]) > 0.0:
        values = values / last
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        _title(axes, "Objective / its last")
    axes.plot(steps[finite], values[finite], color="#0b5fa5", linewidth=1.6)
    axes.set_xlabel("step", size=9, color=FAINT)
    axes.tick_params(which="both", labelsize=8, colors=FAINT)
    axes.grid(visible=True, color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)


def _draw_frames(axes: Axes, report: Report) -> None:
    """Write the table: frames used, then those rejected with their reason."""
    axes.set_axis_off()
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(_MAX_ROWS + 1.0, 0.0)
    _title(axes, "Frames")
    table = frame_table(report, max_rows=_MAX_ROWS)
    n_columns = len(table[0].cells)
    for row, line in enumerate(table):
        colour = ALARM if line.is_alarm else INK if row else FAINT
        for column, cell in enumerate(line.cells):
            # The name at the left, and the last column at the right end.
            x = 0.22 + 0.78 * column / (n_columns - 1) if column else 0.0
            axes.text(
                x, row + 0.5, cell, size=9, color=colour, va="center",
                ha="right" if column else "left", parse_math=False,
            )  # fmt: skip


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", size=12, weight="bold", color=INK, pad=7)


def _step(shape: tuple[int, ...]) -> int:
    return math.ceil(max(shape) / _MAX_SIDE_PX)


def _thinned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    step = _step(values.shape[-2:])
    return values[..., ::step, ::step]
