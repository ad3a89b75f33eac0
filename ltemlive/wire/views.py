"""A view as a result message: a frame beside its prediction, or the phase by TIE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.events import FrameView
from ltemlive.wire.fields import one_line
from ltemlive.wire.previews import block_average, block_shape, preview_factor
from ltemlive.wire.results import ResultMessage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.events import View

UNITS = {"measured": "1", "predicted": "1", "residual": "1", "phase": "rad"}
"""Unit of each array of a view."""


def view_message(view: View, *, t_published: float, preview_px: int) -> ResultMessage:
    """Return a view with its arrays, no side of them longer than ``preview_px``."""
    if isinstance(view, FrameView):
        factor = preview_factor(view.measured.shape, preview_px)
        arrays = frame_arrays(view, factor=factor)
        aside = None if view.aside is None else one_line(view.aside)
        of_frame: dict[str, Any] = {
            "what": "frame",
            "seq": view.seq,
            "score": view.score,
            "state": "used" if view.aside is None else "aside",
            "reason": aside,
        }
    else:
        factor = preview_factor(view.phase_rad.shape, preview_px)
        arrays = {"phase": block_average(view.phase_rad, factor)}
        of_frame = {"what": "tie", "seq": None, "score": None, "state": None}
        of_frame["reason"] = None
    header = {
        "ordinal": view.ordinal,
        "series": view.series,
        "rev": view.rev,
        "final": view.is_final,
        **of_frame,
        "t_published": t_published,
        "arrays": [
            {"name": name, "unit": UNITS[name], "pixel_nm": view.pixel_nm * factor}
            for name in arrays
        ],
    }
    return ResultMessage("view", header, arrays)


def frame_arrays(view: FrameView, *, factor: int) -> dict[str, NDArray[np.float32]]:
    """Return measured, predicted and residual of blocks of ``factor`` x ``factor`` pixels.

    Pixels that show nothing are left out of their block; one without any other is NaN. A
    residual is that of the block's mean, in standard deviations of that: white noise is as
    strong as before, and what is wrong on the scale of a block stands out.
    """
    is_seen = np.isfinite(view.residual)
    share = block_average(is_seen.astype(np.float32), factor)
    share[share == 0.0] = np.nan
    sums = {
        name: block_average(np.where(is_seen, image, np.float32(0.0)), factor)
        for name, image in (
            ("measured", view.measured),
            ("predicted", view.predicted),
            ("residual", view.residual),
        )
    }
    n_pixels = math.prod(block_shape(view.residual.shape, factor))
    weights = {"residual": np.float32(math.sqrt(n_pixels)) / np.sqrt(share)}
    return {
        name: np.asarray(each * weights.get(name, 1.0 / share), np.float32)
        for name, each in sums.items()
    }
