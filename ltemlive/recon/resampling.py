"""Frames that are turned or magnified, brought back onto the grid of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltemlive.physics.resampling import is_inside, resampled, touched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.field import Field, Shift, Turn


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
    is nearest does.
    """
    matrix = turn.matrix
    middle = [(side - 1) / 2 for side in field.frame_shape]
    first = middle - matrix @ field.middle_px + shift_px
    found = resampled(image, matrix, first, field.shape)
    if unseen is None:
        return found
    is_seen = is_inside(image.shape, matrix, first, field.shape)
    if bad is not None:
        is_seen &= ~touched(bad, matrix, first, field.shape)
    return np.where(is_seen, found, np.float32(unseen))
