"""A specimen on a grid finer than the frame's, and what pixels make of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.specimens import Specimen


def fine_wave(
    specimen: Specimen, oversampling: int
) -> tuple[NDArray[np.complex64], tuple[int, int]]:
    """Return the exit wave on the fine grid, and which part of it is the field.

    Phase and amplitude are interpolated, not the wave, which turns faster.
    """
    is_periodic = specimen.margin_px == 0
    parts = []
    for field in (specimen.amplitude, specimen.phase_rad):
        fine = field if is_periodic else _faded(field, specimen.margin_px)
        if oversampling > 1:
            fine = ndimage.zoom(
                fine,
                oversampling,
                order=3,
                mode="grid-wrap" if is_periodic else "nearest",
                grid_mode=True,
            )
        parts.append(np.asarray(fine, np.float32))
    amplitude, phase_rad = parts
    wave = np.maximum(amplitude, 0.0) * np.exp(1j * phase_rad)
    ny, nx = wave.shape
    if not is_periodic:
        # Sides that are large primes take ten times as long.
        more = [(0, fft.next_fast_len(side) - side) for side in (ny, nx)]
        wave = np.pad(wave, more, mode="edge")
    return np.asarray(wave, np.complex64), (ny, nx)


def _faded(field: NDArray[np.float64], margin_px: int) -> NDArray[np.float64]:
    """Return a map that goes over to its mean edge in the outer half of the margin."""
    sides = []
    for side in field.shape:
        outside_px = np.minimum(np.arange(side), np.arange(side)[::-1])
        share = np.clip(outside_px / max(margin_px / 2.0, 1.0), 0.0, 1.0)
        sides.append(0.5 - 0.5 * np.cos(math.pi * share))
    weight = np.multiply.outer(*sides)
    edge = np.concatenate([field[0], field[-1], field[:, 0], field[:, -1]]).mean()
    return np.asarray(edge + (field - edge) * weight)


def counted(fine: NDArray[np.float64], oversampling: int) -> NDArray[np.float64]:
    """Return the mean over the points of each pixel."""
    ny, nx = (side // oversampling for side in fine.shape)
    blocks = fine.reshape(ny, oversampling, nx, oversampling)
    return np.asarray(blocks.mean(axis=(1, 3)))
