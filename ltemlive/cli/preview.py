"""One page of what a scenario plays: phase and induction, and the image at each defocus."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ltemlive.errors import ConfigError
from ltemlive.formats.aside import written_aside
from ltemlive.physics.colour import induction_rgb, induction_scale_t_nm
from ltemlive.physics.induction import projected_induction
from ltemlive.recording.drawing import (
    FAINT,
    INK,
    NM_PER_UM,
    draw_colour_bar,
    draw_scale_bar,
    draw_wheel,
    length_text,
    levels,
)
from simulator.specimen_keys import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ltemlive.frames import Frame
    from simulator.acquisition import Acquisition
    from simulator.scenario import Scenario

MAX_IMAGES = 12
"""A longer series is shown by so many of its images, evenly chosen by their defocus."""

_PAGE_INCH = 12.6
_SIDE_INCH = 0.4
_MAP_INCH = 4.9
_HEADING_INCH = 1.5
_GAP_INCH = 0.45
"""Above an image, where its defocus stands."""
_DPI = 140


def write_preview(path: Path, scenario: Scenario, acquisition: Acquisition) -> None:
    """Draw the page as PNG, aside and renamed: the same bytes for the same scenario.

    Raises
    ------
    ConfigError
        If the name does not end in ``.png``.
    RecordingError
        If the disk refuses.
    """
    if path.suffix.lower() != ".png":
        raise ConfigError(f"--preview {path}: expected a name that ends in .png")
    figure = preview_figure(scenario, acquisition)
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=_DPI, metadata={"Software": "ltemlive"})


def preview_figure(scenario: Scenario, acquisition: Acquisition) -> Figure:
    """Return the page."""
    frames = _some_frames(acquisition, scenario.plan_nm)
    columns = _columns(len(frames))
    image_inch = (_PAGE_INCH - _SIDE_INCH) / columns - 0.3
    row_inch = image_inch + _GAP_INCH
    top = _HEADING_INCH + _MAP_INCH + 0.2
    page = _Page(top + row_inch * math.ceil(len(frames) / columns) + 0.3)
    _write_words(page, scenario, n_shown=len(frames))
    _draw_truth(page, acquisition)
    for count, frame in enumerate(frames):
        row, column = divmod(count, columns)
        left = _SIDE_INCH + column * (image_inch + 0.3)
        axes = page.axes(left, top + _GAP_INCH + row * row_inch, image_inch, image_inch)
        _draw_frame(axes, frame)
    return page.figure


class _Page:
    """A figure whose places are given in inches from its top left corner."""

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(_PAGE_INCH, height), facecolor="white")
        FigureCanvasAgg(self.figure)
        self._height = height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self._height - top - height
        return self.figure.add_axes(
            (
                left / _PAGE_INCH,
                bottom / self._height,
                width / _PAGE_INCH,
                height / self._height,
            )
        )

    def write(self, top: float, text: str, **style: Any) -> None:
        style = {"color": INK, "va": "top", "parse_math": False, **style}
        self.figure.text(_SIDE_INCH / _PAGE_INCH, 1.0 - top / self._height, text, **style)


def _some_frames(acquisition: Acquisition, plan_nm: Sequence[float]) -> list[Frame]:
    """Return the frames to show, in the order of their defocus."""
    # Pairs alternate, so that every second frame would be of one side.
    ranks = np.linspace(0, len(plan_nm) - 1, min(len(plan_nm), MAX_IMAGES))
    chosen = np.argsort(plan_nm, kind="stable")[ranks.round().astype(int)]
    frames = acquisition.frames(only=chosen.tolist())
    return sorted(frames, key=lambda frame: frame.meta.defocus_nm or 0.0)


def _columns(n_images: int) -> int:
    """Return how many stand side by side: in even rows, and neither huge nor tiny."""
    if n_images <= 5:
        return max(n_images, 3)
    return math.ceil(n_images / math.ceil(n_images / 5))


def _write_words(page: _Page, scenario: Scenario, *, n_shown: int) -> None:
    specimen, optics = scenario.specimen, scenario.microscope
    page.write(0.28, scenario.series[:70], size=20, weight="bold")
    tilts = [
        f"tilted by {angle:g}\N{DEGREE SIGN} about {axis}"
        for axis, angle in (("x", specimen.tilt_x_deg), ("y", specimen.tilt_y_deg))
        if angle
    ]
    side = length_text(specimen.size_px * optics.pixel_nm)
    facts = [
        f"{optics.voltage_kv:g} kV",
        f"{specimen.size_px} px of {optics.pixel_nm:g} nm, {side} wide",
        f"seed {scenario.seed}",
        *tilts,
    ]
    if n_shown < len(scenario.plan_nm):
        facts.append(f"{n_shown} of {len(scenario.plan_nm)} images")
    words = f"{specimen.kind}: {KINDS[specimen.kind]}\n" + "   ".join(facts)
    page.write(0.75, words, size=10.5, color=FAINT, linespacing=1.5)


def _draw_truth(page: _Page, acquisition: Acquisition) -> None:
    """Draw what is known exactly: the phase, and the induction that it encodes."""
    phase_rad = acquisition.truth_phase_rad
    pixel_nm = acquisition.microscope.pixel_nm
    axes = page.axes(_SIDE_INCH, _HEADING_INCH, _MAP_INCH, _MAP_INCH)
    low, high = levels(phase_rad)
    image = axes.imshow(phase_rad, cmap="viridis", vmin=low, vmax=high)
    _title(axes, "Phase")
    draw_colour_bar(axes.inset_axes((1.025, 0.0, 0.035, 1.0)), image, "rad", size=9.0)
    draw_scale_bar(axes, pixel_nm)
    beam = acquisition.microscope.beam
    induction = projected_induction(phase_rad, pixel_nm=pixel_nm, beam=beam)
    axes = page.axes(6.3, _HEADING_INCH, _MAP_INCH, _MAP_INCH)
    scale = _scale_t_nm(induction)
    axes.imshow(induction_rgb(induction, scale_t_nm=scale))
    _title(axes, "Induction \N{MULTIPLICATION SIGN} thickness")
    draw_scale_bar(axes, pixel_nm)
    draw_wheel(page.axes(11.35, _HEADING_INCH + _MAP_INCH - 1.0, 1.0, 1.0), scale, size=9.0)


def _scale_t_nm(induction_t_nm: NDArray[np.float32]) -> float:
    """Return the field of full colour; rounding errors of no field stay black."""
    least = 1e-3
    return max(induction_scale_t_nm(induction_t_nm), least)


def _draw_frame(axes: Axes, frame: Frame) -> None:
    image = np.asarray(frame.image, np.float32)
    low, high = levels(image)
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
    defocus_nm = frame.meta.defocus_nm or 0.0
    sense = "over" if defocus_nm < 0.0 else "under"
    words = f"{sense}focus {_focus_text(abs(defocus_nm))}" if defocus_nm else "in focus"
    _title(axes, words, size=10)
    draw_scale_bar(axes, frame.meta.pixel_nm or 1.0, text_size=8.0)


def _focus_text(defocus_nm: float) -> str:
    if defocus_nm >= NM_PER_UM**2:
        return f"{defocus_nm / NM_PER_UM**2:g} mm"
    return length_text(defocus_nm)


def _title(axes: Axes, text: str, *, size: float = 11) -> None:
    axes.set_title(text, size=size, color=INK, loc="left")
