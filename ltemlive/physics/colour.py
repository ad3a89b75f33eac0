"""Induction as colour: direction in the image plane and magnitude at one glance.

Of two wheels one has a hue for each direction, as bright as the field is strong. The other
is for eyes that miss red or green. They tell apart but two things, light from dark and blue
from yellow (Brettel, Vienot & Mollon 1997): these lie along the axes of the image, and no
field is grey, so that no two fields share a colour.

Field and legend are looked up in one table, so the two cannot disagree about handedness.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Wheel: TypeAlias = Literal["hue", "blue-yellow"]

_HALF = 127
"""The table reaches from -_HALF to +_HALF along y and x."""

_USUAL_PERCENTILE = 85.0
_PEAK_PERCENTILE, _LEAST_OF_PEAK = 99.5, 0.1
_SAMPLES = 2**16
_ROWS_AT_ONCE = 64
"""What lies between is then small enough for the cache: a third of the time."""

# Oklab (Ottosson 2020) keeps lightness and colourfulness alike around the wheel of hues. At
# this lightness every hue up to this chroma is, but for a little clipping, one of sRGB.
_LIGHTNESS = 0.78
_CHROMA = 0.135
_HUE_AT_RIGHT_RAD = 0.5

# Yellow to the right, light upwards; yellow is lighter than blue, or sRGB would have less
# of both.
_MIDDLE_LIGHTNESS = 0.6
_LIGHTNESS_UPWARDS = 0.3
_LIGHTNESS_OF_YELLOW = 0.1
_YELLOW_AT_RIGHT = 0.125
_LMS_FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LINEAR_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def induction_scale_t_nm(induction_t_nm: NDArray[np.float32]) -> float:
    """Return the magnitude [T nm] at which colour should be full; 1 where there is none.

    That of the film, not the largest: the steps of the electrostatic
    phase along edges mimic fields several times as strong, and with them at full colour
    the domains would be black. A tenth of the peak at least, so that a small object in an
    empty field does not bring out the noise around it.
    """
    step = max(1, int(np.sqrt(induction_t_nm[0].size / _SAMPLES)))
    sample = np.nan_to_num(induction_t_nm[:, ::step, ::step], posinf=0.0, neginf=0.0)
    magnitude = np.hypot(sample[0].astype(np.float64), sample[1])
    usual, peak = np.percentile(magnitude, [_USUAL_PERCENTILE, _PEAK_PERCENTILE])
    scale = float(max(usual, _LEAST_OF_PEAK * peak))
    return scale if scale > 0.0 else 1.0


def induction_rgb(
    induction_t_nm: NDArray[np.float32],
    *,
    scale_t_nm: float | None = None,
    wheel: Wheel = "hue",
    gamma: float = 1.0,
) -> NDArray[np.uint8]:
    """Return the field as colour, shape (ny, nx, 3).

    Parameters
    ----------
    induction_t_nm
        (B_y t, B_x t) [T nm], shape (2, ny, nx), y down. NaN is drawn as no field.
    scale_t_nm
        Magnitude of full colour; stronger fields keep their hue. By default
        ``induction_scale_t_nm``.
    wheel
        Which colours.
    gamma
        Power of the magnitude, in units of the full colour: below 1 weak fields show more.
    """
    field = induction_t_nm.astype(np.float32, copy=False)
    if not np.isfinite(field).all():
        field = np.nan_to_num(field, posinf=0.0, neginf=0.0)
    scale = induction_scale_t_nm(field) if scale_t_nm is None else scale_t_nm
    least = np.float32(scale if scale > 0.0 else 1.0)
    colours = _table(wheel, gamma).reshape(-1, 3)
    drawn = np.empty((*field.shape[1:], 3), np.uint8)
    for top in range(0, len(drawn), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        index = _places_in_table(field[0, rows], field[1, rows], least)
        # Three times as fast as indexing.
        colours.take(index, axis=0, mode="clip", out=drawn[rows])
    return drawn


def _places_in_table(
    along_y: NDArray[np.float32], along_x: NDArray[np.float32], scale: np.float32
) -> NDArray[np.intp]:
    # The square root of sums is three times as fast as hypot.
    magnitude = np.sqrt(along_y * along_y + along_x * along_x)
    level = np.float32(_HALF) / np.maximum(magnitude, scale)
    y, x = np.rint(along_y * level), np.rint(along_x * level)
    # Whole numbers below 2^24 are exact in float32.
    place = (y + np.float32(_HALF)) * np.float32(2 * _HALF + 1) + (x + np.float32(_HALF))
    return np.asarray(place.astype(np.intp))


def colour_wheel(
    size_px: int, *, wheel: Wheel = "hue", gamma: float = 1.0
) -> NDArray[np.uint8]:
    """Return the legend, shape (size_px, size_px, 4), transparent outside the wheel.

    The colour in direction d from its centre is that of a field along d.
    """
    table = _table(wheel, gamma)
    pick = np.rint(np.linspace(0, 2 * _HALF, size_px)).astype(np.intp)
    radius = np.linspace(-1.0, 1.0, size_px)
    distance = np.hypot(radius[:, np.newaxis], radius[np.newaxis, :])
    # One pixel of soft edge.
    opacity = np.clip((1.0 - distance) * size_px / 2.0, 0.0, 1.0)
    legend = np.empty((size_px, size_px, 4), np.uint8)
    legend[..., :3] = table[pick[:, np.newaxis], pick[np.newaxis, :]]
    legend[..., 3] = np.rint(255.0 * opacity)
    return legend


@functools.lru_cache(maxsize=16)
def _table(wheel: Wheel, gamma: float) -> NDArray[np.uint8]:
    """Return the colour of each field (y, x) in units of the scale / _HALF."""
    component = np.arange(-_HALF, _HALF + 1) / _HALF
    y, x = component[:, np.newaxis], component[np.newaxis, :]
    strength = np.minimum(np.hypot(y, x), 1.0) ** gamma
    angle_rad = np.arctan2(y, x)
    lab = _hues(strength, angle_rad) if wheel == "hue" else _tones(strength, angle_rad)
    table = np.rint(255.0 * _srgb_from_oklab(lab)).astype(np.uint8)
    table.setflags(write=False)
    return table


def _hues(
    strength: NDArray[np.float64], angle_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    hue_rad = angle_rad + _HUE_AT_RIGHT_RAD
    return np.stack(
        [
            _LIGHTNESS * strength,
            _CHROMA * strength * np.cos(hue_rad),
            _CHROMA * strength * np.sin(hue_rad),
        ],
        axis=-1,
    )


def _tones(
    strength: NDArray[np.float64], angle_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    upwards, rightwards = -strength * np.sin(angle_rad), strength * np.cos(angle_rad)
    lightness = _LIGHTNESS_UPWARDS * upwards + _LIGHTNESS_OF_YELLOW * rightwards
    return np.stack(
        [
            _MIDDLE_LIGHTNESS + lightness,
            np.zeros_like(strength),
            _YELLOW_AT_RIGHT * rightwards,
        ],
        axis=-1,
    )


def _srgb_from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = (lab @ _LMS_FROM_LAB.T) ** 3 @ _LINEAR_RGB_FROM_LMS.T
    linear = np.clip(linear, 0.0, 1.0)
    curved = 1.055 * linear ** (1.0 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curved))
