"""Maps as pictures to publish: scale bar, key to the colours, at least a pixel for each.

Sizes are counted in pixels of the picture, for a map is drawn with whole pixels: each of
its own becomes a square of ``_Layout.zoom``, or (very large ones) every so many are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ltemlive.formats.aside import written_aside
from ltemlive.physics.colour import induction_rgb, induction_scale_t_nm
from ltemlive.recording.drawing import (
    draw_colour_bar,
    draw_scale_bar,
    draw_wheel,
    levels,
)
from ltemlive.recording.provenance import as_png_text, provenance_of_map

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ltemlive.recording.findings import Findings, QuantityMap

MAX_SIDE_PX = 4096
"""Longer maps are thinned to this."""
_USUAL_SIDE_PX = 1024
"""Shorter maps are magnified by a whole number, up to this."""
_INCHES = 10.0
"""What the longer side of the map counts as, to Matplotlib: so letters grow with it."""
_TEXT = 17.0

_COLOURS = {"phase": "viridis", "gradient": "magma", "amplitude": "gray"}


def write_picture(path: Path, findings: Findings, quantity: QuantityMap) -> None:
    """Draw one map as PNG, aside and renamed, with its provenance as text chunks.

    Of a vector its magnitude is drawn, of the induction its direction as well.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    figure = picture(findings, quantity)
    facts = provenance_of_map(findings, quantity)
    about = as_png_text(facts, f"{findings.title}: {quantity.name}")
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", metadata=about)


def picture(findings: Findings, quantity: QuantityMap) -> Figure:
    """Return the figure of one map."""
    step = math.ceil(max(findings.shape) / MAX_SIDE_PX)
    shown = quantity.components[:, ::step, ::step]
    layout = _Layout.of(shown.shape[1:])
    figure = Figure(facecolor="white", dpi=layout.dpi)
    FigureCanvasAgg(figure)
    # A little more than whole: Agg cuts the fraction off.
    width, height = layout.canvas_px
    figure.set_size_inches((width + 0.01) / layout.dpi, (height + 0.01) / layout.dpi)
    axes = layout.axes(figure, layout.map_px)
    if quantity.name == "induction":
        _draw_field(axes, figure, layout, shown)
    else:
        _draw_values(axes, figure, layout, shown, quantity)
    draw_scale_bar(axes, findings.pixel_nm * step, text_size=_TEXT)
    return figure


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are, in pixels (left, top, width, height)."""

    canvas_px: tuple[int, int]
    map_px: tuple[int, int, int, int]
    key_px: tuple[int, int, int, int]
    dpi: float

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> _Layout:
        zoom = max(1, _USUAL_SIDE_PX // max(shape))
        height, width = (zoom * side for side in shape)
        side = max(width, height)
        pad, band = side // 32, side // 4
        # Of a wide map, too, the key needs room.
        inner = max(height, side * 2 // 5)
        head = pad + side // 32
        return cls(
            canvas_px=(pad + width + band, head + inner + pad),
            map_px=(pad, head + (inner - height) // 2, width, height),
            key_px=(pad + width, head, band, inner),
            dpi=side / _INCHES,
        )

    def axes(self, figure: Figure, place: tuple[float, float, float, float]) -> Axes:
        left, top, width, height = place
        all_width, all_height = self.canvas_px
        bottom = all_height - top - height
        return figure.add_axes(
            (
                left / all_width,
                bottom / all_height,
                width / all_width,
                height / all_height,
            )
        )


def _draw_field(
    axes: Axes, figure: Figure, layout: _Layout, field: NDArray[np.float32]
) -> None:
    scale = induction_scale_t_nm(field)
    axes.imshow(induction_rgb(field, scale_t_nm=scale), interpolation="nearest")
    left, top, width, height = layout.key_px
    size = 0.7 * width
    wheel_top = top + height - size
    place = (left + 0.15 * width, wheel_top, size, size)
    draw_wheel(layout.axes(figure, place), scale, size=_TEXT)


def _draw_values(
    axes: Axes,
    figure: Figure,
    layout: _Layout,
    components: NDArray[np.float32],
    quantity: QuantityMap,
) -> None:
    values = components[0] if len(components) == 1 else np.hypot(*components)
    low, high = levels(values)
    if len(components) > 1:
        low = 0.0
    colours = _COLOURS.get(quantity.name, "viridis")
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    left, top, width, height = layout.key_px
    bar = layout.axes(figure, (left + 0.1 * width, top, 0.15 * width, height))
    draw_colour_bar(bar, image, quantity.unit, size=_TEXT)
