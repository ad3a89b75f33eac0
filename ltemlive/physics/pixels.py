"""Pixels that say nothing of an image: hot, dead, saturated, or not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt, median_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

STANDS_OUT = 8.0
"""Standard deviations from its surroundings, beyond which a pixel is suspect."""
ALONE = 3.0
"""How many times farther it must be than all its neighbours but one: fringes and edges have
neighbours like themselves, a hot pixel at most one that it leaks into."""
MOST_BAD = 0.01
"""Share of pixels; where more stand out, that is what the image looks like."""
SAMPLED, FEWEST_VALUES = 10_000, 32
"""Pixels looked at, and different values among them, of an image that may be saturated."""
PILED_UP = 4
"""How many times as often as the value below it the highest stands in a saturated image."""

_NEIGHBOURS = [(dy, dx) for dy in (0, 1, 2) for dx in (0, 1, 2) if (dy, dx) != (1, 1)]


def bad_pixels(intensity: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels are hot, dead or not finite, shape (ny, nx).

    Told by the square root, in which the noise of counts is everywhere the same.
    """
    is_finite = np.isfinite(intensity)
    root = np.sqrt(np.maximum(np.where(is_finite, intensity, 0.0), 0.0)).astype(np.float32)
    apart = np.where(is_finite, np.abs(root - median_filter(root, 3, mode="reflect")), 0.0)
    spread = 1.4826 * float(np.median(apart[is_finite]))
    suspects = np.argwhere(apart > STANDS_OUT * spread)
    if len(suspects) > MOST_BAD * intensity.size:
        return np.asarray(~is_finite)
    padded = np.pad(apart, 1)
    around = [padded[suspects[:, 0] + dy, suspects[:, 1] + dx] for dy, dx in _NEIGHBOURS]
    beside = np.sort(np.array(around).reshape(len(_NEIGHBOURS), -1), axis=0)[-2]
    alone = suspects[apart[tuple(suspects.T)] > ALONE * beside]
    bad = np.asarray(~is_finite)
    bad[tuple(alone.T)] = True
    return bad


def filled(intensity: NDArray[Any], bad: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image whose bad pixels have the median of the good ones around them.

    Of 5 x 5 pixels; of the whole image where none of those is good. Where many are bad,
    each has the value of the good one nearest to it.
    """
    image = intensity.astype(np.float32)
    if not bad.any():
        return image
    if bad.mean() > MOST_BAD:
        nearest = distance_transform_edt(bad, return_distances=False, return_indices=True)
        return np.asarray(image[tuple(nearest)])
    middle = np.median(image[~bad])
    padded = np.pad(np.where(bad, np.float32(np.nan), image), 2, constant_values=np.nan)
    rows, columns = np.nonzero(bad)
    around = np.array(
        [padded[rows + dy, columns + dx] for dy in range(5) for dx in range(5)]
    )
    around[:, np.isnan(around).all(axis=0)] = middle
    image[bad] = np.nanmedian(around, axis=0)
    return image


def saturated_pixels(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels are +inf, or pile up at the highest value, shape (ny, nx).

    Of noise the highest value is the rarest; an image of few values may be made of them.
    """
    is_saturated = np.asarray(image == np.inf)
    finite = image[np.isfinite(image)]
    sample = finite[:: max(1, finite.size // SAMPLED)]
    if len(np.unique(sample)) >= FEWEST_VALUES:
        highest = finite.max()
        n_highest = np.count_nonzero(finite == highest)
        n_below = np.count_nonzero(finite == finite[finite < highest].max())
        if n_highest >= PILED_UP * n_below:
            is_saturated |= image == highest
    return is_saturated
