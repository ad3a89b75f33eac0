"""How sharp a reconstructed edge is: the FWHM of an error function across the target's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.physics.edges import FWHM_PER_SIGMA, EdgeShape, fit_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH_PX = 5
"""Profiles go so far to both sides of an edge, where no other edge may be."""
LEAST_STEP = 0.5
"""Of the steepest step that the truth has; smaller ones are no edges."""
STRAIGHT_PX = 2
"""An edge goes on so far along itself."""


def edge_fwhm_px(phase_rad: NDArray[np.float32], truth_rad: NDArray[np.float32]) -> float:
    """Return the width of the edges of the truth as the phase shows them; nan: no edge.

    Profiles across all straight, lone edges along both axes are averaged, each less its
    height, with the sign of the true step, and an error function on a slope is fitted.
    """
    profiles = [
        profile
        for phase, truth in ((phase_rad, truth_rad), (phase_rad.T, truth_rad.T))
        for profile in _profiles(phase.astype(float), truth.astype(float))
    ]
    if not profiles:
        return math.nan
    profile = np.mean(profiles, axis=0)
    position = np.arange(profile.size) - (profile.size - 1) / 2.0
    height = float(profile[-1] - profile[0])
    found = fit_shape(
        position, profile, EdgeShape(height, 0.0, 0.5, 0.0, float(profile.mean()))
    )
    return math.nan if found is None else FWHM_PER_SIGMA * found[0].sigma


def _profiles(
    phase: NDArray[np.float64], truth: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return profiles along x across the edges along y."""
    step = np.diff(truth, axis=1)
    height = np.abs(step)
    is_edge = height > LEAST_STEP * height.max()
    for shift in range(1, REACH_PX + 1):
        # Next to the step itself stands what is left of it, where it lies within a pixel.
        least = 1.0 if shift == 1 else 5.0
        is_edge[:, shift:] &= height[:, shift:] > least * height[:, :-shift]
        is_edge[:, :-shift] &= height[:, :-shift] >= least * height[:, shift:]
    is_straight = is_edge.copy()
    for shift in range(1, STRAIGHT_PX + 1):
        is_straight[shift:] &= is_edge[:-shift]
        is_straight[:-shift] &= is_edge[shift:]
    is_straight[:, : REACH_PX + 1] = is_straight[:, -REACH_PX - 1 :] = False
    return [
        np.sign(step[y, x]) * (phase[y, x - REACH_PX : x + REACH_PX + 2] - phase[y, x])
        for y, x in zip(*np.nonzero(is_straight), strict=True)
    ]
