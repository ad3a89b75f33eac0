"""Contours of the phase, as electron holograms show them: cos(n phase). Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.dashboard.shown.wording import PI
from ltemlive.physics.electron import HBAR_OVER_E_T_NM2

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIDDLE = 128
"""Of the 256 values of contours: neither bright nor dark."""

_FADES_AT_RAD = (0.25 * math.pi, 0.75 * math.pi)
_OPACITY = 0.62
_ROWS_AT_ONCE = 64
"""What lies between is then small enough for the cache."""


def contours(
    phase_rad: NDArray[np.float32],
    gradient_rad_per_nm: NDArray[np.float32],
    *,
    pixel_nm: float,
    per_turn: int,
) -> NDArray[np.uint8]:
    """Return cos(``per_turn`` phase) as ``MIDDLE`` plus at most 127.

    Where contours lie so close that pixels would show others instead, they fade to
    ``MIDDLE``; so do pixels that are no number.

    Parameters
    ----------
    phase_rad, gradient_rad_per_nm
        Phase and magnitude of its gradient, shape (ny, nx).
    pixel_nm
        Edge of a pixel.
    per_turn
        How many contours there are to 2 pi.
    """
    drawn = np.empty(phase_rad.shape, np.uint8)
    for top in range(0, len(drawn), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        step_rad = gradient_rad_per_nm[rows] * np.float32(per_turn * pixel_nm)
        wave = _faded_wave(phase_rad[rows] * np.float32(per_turn), step_rad)
        drawn[rows] = np.rint(wave * np.float32(127.0) + np.float32(MIDDLE))
    return drawn


def _faded_wave(
    angle_rad: NDArray[np.float32], step_rad: NDArray[np.float32]
) -> NDArray[np.float32]:
    fades_at, gone_at = (np.float32(each) for each in _FADES_AT_RAD)
    strength = np.clip((gone_at - step_rad) / (gone_at - fades_at), 0.0, 1.0)
    with np.errstate(invalid="ignore"):
        wave = np.cos(angle_rad) * strength
    wave[~np.isfinite(wave)] = 0.0
    return np.asarray(wave)


def contour_colours() -> NDArray[np.uint8]:
    """Return the colour (RGBA) of each of the 256 values: black, nothing, white.

    Both, so that contours show on dark and on bright maps.
    """
    wave = (np.arange(256) - MIDDLE) / 127.0
    colours = np.zeros((256, 4), np.uint8)
    colours[wave > 0.0, :3] = 255
    colours[:, 3] = np.rint(255.0 * _OPACITY * np.clip(wave**2, 0.0, 1.0))
    return colours


def contour_text(per_turn: int) -> str:
    """Return what lies between two contours, as phase and as magnetic flux."""
    if per_turn == 1:
        return f"1 contour = 2{PI} rad, flux h/e"
    apart = PI if per_turn == 2 else f"2{PI}/{per_turn}"
    return f"1 contour = {apart} rad, flux h/{per_turn}e"


def contour_explanation(per_turn: int) -> str:
    """Return the flux between two contours, and where that holds."""
    flux_t_nm2 = 2.0 * math.pi * HBAR_OVER_E_T_NM2 / per_turn
    return (
        f"Where the phase is magnetic, {flux_t_nm2:.4g} T nm\N{SUPERSCRIPT TWO} of flux "
        "pass between two contours, along them. Thickness and charges bend them too."
    )
