"""Between which values a map is drawn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PERCENTILES = (0.5, 99.5)
_STATISTICS_SIDE_PX = 256


def percentile_levels(image: NDArray[np.float32]) -> tuple[float, float]:
    """Return the levels between which all but the extreme half per cents lie.

    Taken from a coarse grid of pixels, for speed. The upper level is always above the
    lower one; an image without a finite pixel has (0, 1).
    """
    every = max(1, max(image.shape) // _STATISTICS_SIDE_PX)
    sample = image[::every, ::every]
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(level) for level in np.percentile(finite, _PERCENTILES))
    # A constant image still needs a span that float32 can resolve.
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-6
