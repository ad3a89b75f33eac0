"""What every picture of a map has: levels, a scale bar, the key to its colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from ltemlive.physics.colour import colour_wheel
from ltemlive.recording.findings import INDUCTION_NOTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from matplotlib.patheffects import AbstractPathEffect
    from numpy.typing import NDArray

INK = "#1b1f24"
FAINT = "#646d76"

NM_PER_UM = 1000.0
_PERCENTILES = (0.1, 99.9)
_WHEEL_PX = 480
_BAR_OF_WIDTH = 0.25
"""What part of the width the scale bar may take at most."""
_BAR_THICKNESS = 0.008
"""Of the longer side."""


def draw_scale_bar(axes: Axes, pixel_nm: float, *, text_size: float = 10.0) -> float:
    """Draw a bar of a round length with its length above, and return that length [nm].

    ``axes`` show an image in pixels, row 0 on top; their frame and ticks go.
    """
    axes.set_axis_off()
    nx = axes.get_xlim()[1] - axes.get_xlim()[0]
    ny = axes.get_ylim()[0] - axes.get_ylim()[1]
    length_nm = round_length_nm(_BAR_OF_WIDTH * nx * pixel_nm)
    thickness = _BAR_THICKNESS * max(nx, ny)
    # From the edge of a pixel: -.5 is where the first one begins.
    left, top = round(0.05 * nx) - 0.5, round(0.95 * ny) - 0.5 - thickness
    axes.add_patch(
        Rectangle(
            (left, top),
            length_nm / pixel_nm,
            thickness,
            facecolor="white",
            path_effects=_outlined(2.0),
        )
    )
    axes.text(
        left,
        top - thickness,
        length_text(length_nm),
        color="white",
        size=text_size,
        va="bottom",
        path_effects=_outlined(0.25 * text_size),
    )
    return length_nm


def _outlined(linewidth: float) -> list[AbstractPathEffect]:
    """Return what makes white legible on any colour."""
    return [withStroke(linewidth=linewidth, foreground="black", alpha=0.55)]


def draw_colour_bar(axes: Axes, image: AxesImage, unit: str, *, size: float) -> None:
    """Fill ``axes`` with the key to ``image``, its unit on top; 1 is no unit.

    Its ends are pointed where values lie beyond them.
    """
    values: np.ma.MaskedArray[Any, Any] = np.ma.asarray(image.get_array())
    low, high = image.get_clim()
    is_below, is_above = values.min() < low, values.max() > high
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}
    bar = axes.figure.colorbar(
        image, cax=axes, extend=extend.get((bool(is_below), bool(is_above)), "neither")
    )
    bar.ax.tick_params(labelsize=size, colors=FAINT)
    bar.outline.set_visible(False)
    if unit != "1":
        bar.ax.set_title(unit, size=size, color=FAINT, loc="left", pad=0.6 * size)


def draw_wheel(axes: Axes, scale_t_nm: float, *, size: float) -> None:
    """Fill ``axes`` with the key to the colours of an induction, its strength above."""
    axes.imshow(colour_wheel(_WHEEL_PX))
    axes.set_axis_off()
    words = f"{scale_t_nm:.3g} T nm\nat the rim"
    axes.set_title(words, size=size, color=FAINT, pad=0.6 * size)
    axes.annotate(
        INDUCTION_NOTE.replace(" the ", " the\n"),
        (0.5, 1.0),
        xycoords="axes fraction",
        xytext=(0.0, 3.8 * size),
        textcoords="offset points",
        size=0.8 * size,
        color=FAINT,
        ha="center",
    )


def levels(image: NDArray[np.float32]) -> tuple[float, float]:
    """Return the least and greatest value to show; outliers apart."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(level) for level in np.percentile(finite, _PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def round_length_nm(length_nm: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(length_nm))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= length_nm)


def length_text(length_nm: float) -> str:
    """Return a length in the unit that a reader expects."""
    if length_nm >= NM_PER_UM:
        return f"{length_nm / NM_PER_UM:g} \N{MICRO SIGN}m"
    return f"{length_nm:g} nm"
