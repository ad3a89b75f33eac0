"""The summary of a series on one page: what was found, and from which frames."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from ltemlive.formats.aside import written_aside
from ltemlive.physics.colour import colour_wheel, induction_rgb, induction_scale_t_nm
from ltemlive.physics.induction import projected_induction
from ltemlive.recording.summary_text import (
    frame_table,
    key_figures,
    notes_line,
    shown,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ltemlive.results import Reconstruction, Report

INK = "#1b1f24"
FAINT = "#646d76"
ALARM = "#b3261e"

_PAGE_INCH = 12.6
_MAP_INCH = 4.9
"""Longer side of the phase and the induction."""
_HEADING_INCH = 1.65
_EVIDENCE_INCH = 4.0
_MAX_ROWS = 12
_MAX_SIDE_PX = 1600
"""Maps are thinned to this: the page has no more pixels for them."""
_PERCENTILES = (0.1, 99.9)
_WHEEL_PX = 240


def write_summary(path: Path, result: Reconstruction) -> None:
    """Draw the summary page as PNG, aside and renamed.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    figure = summary_figure(result)
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=140)


def summary_figure(result: Reconstruction) -> Figure:
    """Return the page: phase and induction on top, the evidence for them below."""
    ny, nx = result.phase_rad.shape
    map_inch = min(_MAP_INCH / nx, _MAP_INCH / ny)
    width, height = map_inch * nx, map_inch * ny
    page = _Page(Figure(facecolor="white"), _HEADING_INCH + height + _EVIDENCE_INCH)
    _write_heading(page, result)
    top = _HEADING_INCH
    _draw_phase(page.axes(0.4, top, width, height), result)
    legend = page.axes(6.42 + width, top + height - 1.0, 1.0, 1.0)
    _draw_induction(page.axes(6.3, top, width, height), legend, result)
    top += height + 0.75
    shrunk = 2.2 / _MAP_INCH
    _draw_amplitude(page.axes(0.4, top, shrunk * width, shrunk * height), result)
    _draw_objective(page.axes(4.2, top, 2.4, 2.1), result.report)
    _draw_frames(page.axes(7.3, top, 4.9, 2.3), result.report)
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


def _write_heading(page: _Page, result: Reconstruction) -> None:
    page.write(0.28, shown(result.title, 70), size=20, weight="bold")
    page.write(0.75, key_figures(result), size=10.5, color=FAINT, linespacing=1.5)
    notes = textwrap.wrap(notes_line(result.report), 165, max_lines=2, placeholder=" ...")
    lines = "\n".join(notes)
    page.write(page.height - 0.55, lines, size=9, color=FAINT, linespacing=1.5)


def _draw_phase(axes: Axes, result: Reconstruction) -> None:
    phase, pixel_nm = _thinned(result.phase_rad, result.microscope.pixel_nm)
    low, high = _levels(phase)
    image = axes.imshow(phase, cmap="viridis", vmin=low, vmax=high)
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.025, 0.0, 0.035, 1.0)))
    bar.set_label("rad", color=FAINT)
    bar.ax.tick_params(labelsize=9, colors=FAINT)
    bar.outline.set_visible(False)
    _title(axes, "Phase")
    _draw_scale_bar(axes, pixel_nm)


def _draw_induction(axes: Axes, legend: Axes, result: Reconstruction) -> None:
    phase, pixel_nm = _thinned(result.phase_rad, result.microscope.pixel_nm)
    beam = result.microscope.beam
    induction = projected_induction(phase, pixel_nm=pixel_nm, beam=beam)
    scale = induction_scale_t_nm(induction)
    axes.imshow(induction_rgb(induction, scale_t_nm=scale))
    _title(axes, "Induction \N{MULTIPLICATION SIGN} thickness")
    _draw_scale_bar(axes, pixel_nm)
    legend.imshow(colour_wheel(_WHEEL_PX))
    legend.set_axis_off()
    legend.set_title(f"{scale:.3g} T nm\nat the rim", size=9, color=FAINT, pad=6)


def _draw_amplitude(axes: Axes, result: Reconstruction) -> None:
    amplitude, _ = _thinned(result.amplitude, result.microscope.pixel_nm)
    low, high = _levels(amplitude)
    image = axes.imshow(amplitude, cmap="gray", vmin=low, vmax=high)
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.ax.tick_params(labelsize=8, colors=FAINT)
    bar.outline.set_visible(False)
    axes.set_axis_off()
    _title(axes, "Amplitude")


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
    axes.plot(steps[finite], values[finite], color="#0b5fa5", linewidth=1.6)
    if values[finite].min() > 0.0 and np.ptp(values[finite]) > 0.0:
        axes.set_yscale("log")
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
    columns: tuple[dict[str, Any], ...] = (
        {"x": 0.0, "ha": "left"},
        {"x": 0.62, "ha": "right"},
        {"x": 1.0, "ha": "right"},
    )
    for row, line in enumerate(frame_table(report, max_rows=_MAX_ROWS)):
        colour = ALARM if line.is_alarm else INK if row else FAINT
        for cell, column in zip(line.cells, columns, strict=False):
            axes.text(
                y=row + 0.5, s=cell, size=9, color=colour, va="center",
                parse_math=False, **column,
            )  # fmt: skip


def _draw_scale_bar(axes: Axes, pixel_nm: float) -> None:
    axes.set_axis_off()
    nx = axes.get_xlim()[1] - axes.get_xlim()[0]
    ny = axes.get_ylim()[0] - axes.get_ylim()[1]
    bar_nm = _round_length_nm(0.25 * nx * pixel_nm)
    left, bottom = 0.05 * nx, 0.94 * ny
    outline = [withStroke(linewidth=5.0, foreground="black", alpha=0.55)]
    axes.plot(
        [left, left + bar_nm / pixel_nm],
        [bottom, bottom],
        color="white",
        linewidth=3.0,
        solid_capstyle="butt",
        path_effects=outline,
    )
    axes.text(
        left,
        bottom - 0.02 * ny,
        f"{bar_nm:g} nm",
        color="white",
        size=10,
        va="bottom",
        path_effects=[withStroke(linewidth=2.5, foreground="black", alpha=0.55)],
    )


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", size=12, weight="bold", color=INK, pad=7)


def _thinned(
    image: NDArray[np.float32], pixel_nm: float
) -> tuple[NDArray[np.float32], float]:
    step = math.ceil(max(image.shape) / _MAX_SIDE_PX)
    return image[::step, ::step], pixel_nm * step


def _levels(image: NDArray[np.float32]) -> tuple[float, float]:
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(level) for level in np.percentile(finite, _PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _round_length_nm(length_nm: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(length_nm))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= length_nm)
