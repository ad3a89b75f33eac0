"""Frames that are turned or magnified, brought back onto the grid of the reference frame.

White noise must stay white, and as strong as it was, or waves would be believed more or
less than they deserve: a cubic spline of the pixels themselves takes a quarter of it away.
So the frame is first made twice as fine (cosine transform, in which what is beyond the
frame mirrors it), and then interpolated: .995 of the noise is left, up to the finest wave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.field import Field, Shift, Turn

FINER = 2
"""Of the grid between, along each side."""
TOUCHED = 0.01
"""Share of a bad pixel in another from which that is bad, too."""


def turned_back(
    image: NDArray[np.float32],
    field: Field,
    shift_px: Shift,
    turn: Turn,
    *,
    unseen: float | None = None,
    bad: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return a frame, shape (ny, nx), where its content lies on the field.

    ``unseen`` stands where the frame does not lie, and where it is ``bad``; by default what
    is nearest does. What rings beside edges may lie beyond the frame's values.
    """
    matrix = turn.matrix
    middle = [(side - 1) / 2 for side in field.frame_shape]
    first = middle - matrix @ field.middle_px + shift_px
    resampled = ndimage.affine_transform(
        _finer(image),
        FINER * matrix,
        # The first of the finer pixels lies a quarter before that of the others.
        FINER * first + (FINER - 1) / 2,
        output_shape=field.shape,
        mode="nearest",
    )
    if unseen is None:
        return np.asarray(resampled, np.float32)
    rows, columns = (np.arange(side, dtype=np.float32) for side in field.shape)
    is_seen = np.ones(field.shape, bool)
    for (by_row, by_column), begin, side in zip(matrix, first, image.shape, strict=True):
        there = begin + np.add.outer(by_row * rows, by_column * columns)
        is_seen &= (there >= 0) & (there <= side - 1)
    if bad is not None:
        share = ndimage.affine_transform(
            bad.astype(np.float32), matrix, first, output_shape=field.shape, order=1
        )
        is_seen &= share < TOUCHED
    return np.where(is_seen, resampled, np.float32(unseen))


def _finer(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image on a finer grid, all its waves kept."""
    waves = fft.dctn(image, norm="ortho")
    widths = [(0, (FINER - 1) * side) for side in image.shape]
    finer = fft.idctn(np.pad(waves, widths), norm="ortho")
    return np.asarray(FINER * finer, np.float32)
