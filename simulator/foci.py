"""The foci that electrons of different energies see, as many as an image needs.

Waves q1 and q2 of the specimen interfere in an image, and a defocus z off the mean turns
their phase by pi lambda z (q1^2 - q2^2): so a Gaussian spread of z damps them by
exp(-b^2 / 2), where b is that phase for one standard deviation. A sum over foci does so up
to some b and then makes ghosts. Here that is beyond the corner of the grid's spectrum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_OFF = 1e-3
"""How far the damping of any two waves may be off."""
_GAUSS_HERMITE = (1, 3, 5)
"""Numbers of nodes that are fewer than equal steps would need."""
_ALIAS, _REACH = 3.9, 3.7
"""Of equal steps, in standard deviations: how far the ghosts stay away from the finest
waves, and how far out the steps go. Each costs less than half of ``MOST_OFF``."""


def foci(
    spread_nm: float, *, pixel_nm: float, wavelength_nm: float
) -> list[tuple[float, float]]:
    """Return (weight, what to add to the defocus [nm]) for a spread of the focus.

    Parameters
    ----------
    spread_nm
        Standard deviation of the defocus.
    pixel_nm, wavelength_nm
        Of the grid on which waves travel, which may be finer than the frame's: they say
        how fine waves are, and how far these turn.
    """
    nodes, weights = _nodes(_phase_rad(spread_nm, pixel_nm, wavelength_nm))
    return list(zip(weights.tolist(), (spread_nm * nodes).tolist(), strict=True))


def widest_spread_nm(count: int, *, pixel_nm: float, wavelength_nm: float) -> float:
    """Return the spread that takes up to ``count`` foci, 7 or more, as ``foci`` does."""
    most_rad = 2.0 * math.pi * ((count - 1) // 2) / _REACH - _ALIAS
    return most_rad / _phase_rad(1.0, pixel_nm, wavelength_nm)


def _phase_rad(spread_nm: float, pixel_nm: float, wavelength_nm: float) -> float:
    """Return how far one standard deviation turns the finest waves of a grid."""
    finest_squared = 2.0 * (0.5 / pixel_nm) ** 2
    return math.pi * wavelength_nm * spread_nm * finest_squared


def _nodes(most_rad: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places, in standard deviations, and weights that do up to ``most_rad``."""
    phases_rad = np.linspace(0.0, most_rad, 64)
    for count in _GAUSS_HERMITE:
        nodes, shares = np.polynomial.hermite_e.hermegauss(count)
        weights = np.asarray(shares / shares.sum())
        damping = np.cos(np.multiply.outer(phases_rad, nodes)) @ weights
        if np.abs(damping - np.exp(-0.5 * phases_rad**2)).max() <= MOST_OFF:
            return nodes, weights
    step = 2.0 * math.pi / (most_rad + _ALIAS)
    count = math.ceil(_REACH / step)
    places = np.asarray(step * np.arange(-count, count + 1), np.float64)
    shares = np.exp(-0.5 * places**2)
    return places, np.asarray(shares / shares.sum())
