"""The arrays of an estimate as the screen gets them: small enough for ten a second.

The full arrays stay in the daemon and on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import WireError
from ltemlive.physics.induction import phase_gradient, projected_induction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.events import PhaseEstimate

UNITS = {
    "phase": "rad",
    "gradient": "rad/nm",
    "induction": "T nm",
    "amplitude": "1",
    "phase_sigma": "rad",
}
"""Unit of each array of an estimate; vectors are (y, x)."""
SIGMA = "phase_sigma"
"""The array that only an estimate has which knows how sure it is."""


def preview_factor(shape: tuple[int, ...], preview_px: int) -> int:
    """Return the least whole number that brings both sides down to ``preview_px``."""
    return max(1, -(-max(shape[-2:]) // preview_px))


def block_shape(shape: tuple[int, ...], factor: int) -> tuple[int, int]:
    """Return how many rows and columns one block has: less than ``factor`` of a strip."""
    ny, nx = shape[-2:]
    return min(factor, ny), min(factor, nx)


def block_average(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the means of ``factor`` x ``factor`` pixels of (..., ny, nx).

    Rows and columns that fill no block, at the end of each axis, are left out; an axis
    shorter than a block is one block.
    """
    if factor == 1:
        return image
    *leading, ny, nx = image.shape
    high, wide = block_shape(image.shape, factor)
    rows, columns = ny // high, nx // wide
    blocks = image[..., : rows * high, : columns * wide].reshape(
        *leading, rows, high, columns, wide
    )
    return np.asarray(blocks.mean(axis=(-3, -1)), dtype=np.float32)


def estimate_arrays(
    estimate: PhaseEstimate, *, factor: int
) -> dict[str, NDArray[np.float32]]:
    """Return all arrays that the estimate has, averaged over ``factor`` pixels.

    Differences are taken at full size, so a preview shows the true gradient's mean.
    """
    return {
        name: block_average(full_array(estimate, name), factor)
        for name in UNITS
        if name != SIGMA or estimate.phase_sigma_rad is not None
    }


def full_array(estimate: PhaseEstimate, name: str) -> NDArray[np.float32]:
    """Return one array of ``UNITS`` at full size, the estimate's own where it has it.

    Raises
    ------
    WireError
        If the estimate does not know how sure it is.
    """
    phase, pixel_nm = estimate.phase_rad, estimate.pixel_nm
    match name:
        case "phase_sigma":
            if estimate.phase_sigma_rad is None:
                raise WireError(
                    f"{name}: estimate {estimate.rev} has none; expected one at rest, or "
                    "the final one"
                )
            return estimate.phase_sigma_rad
        case "phase":
            return phase
        case "amplitude":
            return estimate.amplitude
        case "gradient":
            return phase_gradient(phase, pixel_nm=pixel_nm)
        case _:
            return projected_induction(phase, pixel_nm=pixel_nm, beam=estimate.beam)
