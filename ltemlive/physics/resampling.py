"""Images brought onto another grid: turned, magnified, or of other pixels.

White noise must stay white, and as strong as it was, or waves would be believed more or
less than they deserve: a cubic spline of the pixels themselves takes a quarter of it away.
So an image is first made twice as fine (cosine transform, in which what is beyond the
image mirrors it), and then interpolated: .995 of the noise is left, up to the finest wave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FINER = 2
"""Of the grid between, along each side."""
TOUCHED = 0.01
"""Share of a bad pixel in another from which that is bad, too."""


def resampled(
    image: NDArray[np.float32],
    matrix: NDArray[np.float64],
    first: ArrayLike,
    shape: tuple[int, int],
    *,
    kept: tuple[float, float] = (1.0, 1.0),
) -> NDArray[np.float32]:
    """Return what stands at ``first + matrix @ r`` in an image, for each r of ``shape``.

    Beyond the image stands what is nearest in it; what rings beside edges may lie beyond
    its values. ``kept`` is the part of its waves, along y and x, that the new pixels can
    show: finer ones are left out.
    """
    return np.asarray(
        ndimage.affine_transform(
            _finer(image, kept),
            FINER * matrix,
            # The first of the finer pixels lies a quarter before that of the others.
            FINER * np.asarray(first) + (FINER - 1) / 2,
            output_shape=shape,
            mode="nearest",
        ),
        np.float32,
    )


def is_inside(
    image_shape: tuple[int, ...],
    matrix: NDArray[np.float64],
    first: ArrayLike,
    shape: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return where ``resampled`` finds a place within an image, shape ``shape``."""
    rows, columns = (np.arange(side, dtype=np.float32) for side in shape)
    inside = np.ones(shape, bool)
    for (by_row, by_column), begin, side in zip(
        matrix, np.asarray(first), image_shape, strict=True
    ):
        there = begin + np.add.outer(by_row * rows, by_column * columns)
        inside &= (there >= 0) & (there <= side - 1)
    return inside


def touched(
    marked: NDArray[np.bool_],
    matrix: NDArray[np.float64],
    first: ArrayLike,
    shape: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return which pixels that ``resampled`` gives are made of marked ones, too."""
    share = ndimage.affine_transform(
        marked.astype(np.float32), matrix, first, output_shape=shape, order=1
    )
    return np.asarray(share >= TOUCHED)


def _finer(image: NDArray[np.float32], kept: tuple[float, float]) -> NDArray[np.float32]:
    """Return an image on a finer grid, its waves kept."""
    waves = fft.dctn(image, norm="ortho")
    for axis, part in enumerate(kept):
        beyond = int(np.ceil(part * image.shape[axis]))
        np.moveaxis(waves, axis, 0)[beyond:] = 0.0
    widths = [(0, (FINER - 1) * side) for side in image.shape]
    finer = fft.idctn(np.pad(waves, widths), norm="ortho")
    return np.asarray(FINER * finer, np.float32)
