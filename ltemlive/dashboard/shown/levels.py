"""Between which values a map is drawn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

USUAL_PERCENT = 0.5
_STATISTICS_SIDE_PX = 256


def percentile_levels(
    image: NDArray[np.float32], percent: float = USUAL_PERCENT
) -> tuple[float, float]:
    """Return the levels between which all but so many per cent at each end lie.

    Taken from a coarse grid of pixels, for speed; with 0 from every pixel. The upper level
    is always above the lower one; an image without a finite pixel has (0, 1).
    """
    every = max(1, max(image.shape) // _STATISTICS_SIDE_PX) if percent else 1
    sample = image[::every, ::every]
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (
        np.percentile(finite, (percent, 100.0 - percent))
        if percent
        else (finite.min(), finite.max())
    )
    low, high = float(low), float(high)
    # A constant image still needs a span that float32 can resolve.
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-6
