"""Where a frame lies and how it is turned, from its correlation with what is predicted.

Frames of a defocus series do not look alike, so each is compared with the image that the
phase so far predicts at its own defocus. Waves are weighed by the power that their ring has
in the frame: the likeliest shift under noise and under errors of the prediction that are as
strong as what is seen (a phase correlation ring by ring, not wave by wave).

Rotation and magnification are searched on coarse pixels, where a look takes half a
millisecond. What is predicted is turned, not the frame, whose noise linear interpolation
would take away: whatever is turned would look clearer than what is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft, ndimage

from ltemlive.recon.field import UPRIGHT, Field, Turn
from ltemlive.recon.resampling import turned_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ltemlive.recon.field import Shift

LEAST_OVERLAP = 0.25
"""Of a frame's side, within which a second look is taken."""
COARSE_PX = 128
"""Side of a frame at least, where turns are searched."""
N_STEPS = 3, 2
"""Rotations and magnifications first looked at, either way; then those between, and on."""
N_HALVINGS = 4
TURNED = 2.0
"""By how much the clarity of a frame must exceed that of the turn that is expected; that of
the best of many turns does by 1 by chance. What is left shows when frames are refined."""


class Registration(NamedTuple):
    """A shift, and how clearly it shows."""

    shift_px: Shift
    """(dy, dx): what the prediction has at r stands at r + shift in the frame."""
    clarity: float
    """Height of the correlation above its mean, in its standard deviations; the highest of
    pure noise is 5 for 512 x 512 pixels."""
    turn: Turn = UPRIGHT
    """Of the frame against the prediction."""


def registered(
    measured: NDArray[np.float32], predicted: NDArray[np.float32]
) -> Registration:
    """Return where a frame lies; both images have shape (ny, nx).

    First anywhere, then once more within what both images show of each other.
    """
    first = _Weighed(measured).against(predicted)
    whole = tuple(round(shift) for shift in first.shift_px)
    overlaps = [
        _overlap(side, moved) for side, moved in zip(measured.shape, whole, strict=True)
    ]
    here = tuple(moved for moved, _ in overlaps)
    if any(
        part.stop - part.start < LEAST_OVERLAP * side
        for part, side in zip(here, measured.shape, strict=True)
    ):
        return first
    there = tuple(back for _, back in overlaps)
    second = _Weighed(measured[here]).against(predicted[there])
    if second.clarity < first.clarity and max(map(abs, second.shift_px)) > 1.0:
        return first
    rest_y, rest_x = second.shift_px
    shift = whole[0] + rest_y, whole[1] + rest_x
    return Registration(shift, max(first.clarity, second.clarity))


def registered_and_turned(
    measured: NDArray[np.float32],
    predicted: NDArray[np.float32],
    expected: Turn,
    reach: Turn,
) -> Registration:
    """Return where a frame lies that may be turned and magnified; as ``registered``.

    By up to ``reach`` otherwise than is expected, either way, or up to twice that where it
    becomes clearer on the way.
    """
    as_expected = _registered_as(measured, predicted, expected)
    if reach == UPRIGHT:
        return as_expected
    turn = _searched(measured, predicted, expected, reach)
    if turn == expected:
        return as_expected
    found = _registered_as(measured, predicted, turn)
    return found if found.clarity > as_expected.clarity + TURNED else as_expected


def _registered_as(
    measured: NDArray[np.float32], predicted: NDArray[np.float32], turn: Turn
) -> Registration:
    """Return where a frame lies if it is turned so."""
    if turn != UPRIGHT:
        frame = Field(predicted.shape, predicted.shape, (0, 0))
        back, fill = UPRIGHT.less(turn), float(predicted.mean())
        predicted = turned_back(predicted, frame, (0.0, 0.0), back, unseen=fill)
    return registered(measured, predicted)._replace(turn=turn)


def _searched(
    measured: NDArray[np.float32],
    predicted: NDArray[np.float32],
    expected: Turn,
    reach: Turn,
) -> Turn:
    """Return the turn at which a frame is clearest on coarse pixels."""
    factor = max(1, min(measured.shape) // COARSE_PX)
    coarse, expectation = (_binned(image, factor) for image in (measured, predicted))
    frame = _Weighed(coarse)

    def clarity(turn: Turn) -> float:
        return frame.against(_turned(expectation, turn)).clarity

    best = expected
    step = [far / count for far, count in zip(reach, N_STEPS, strict=True)]
    counts = N_STEPS
    for _ in range(1 + N_HALVINGS):
        turns = _around(best, step, counts)
        best = max(turns, key=clarity)
        step, counts = [each / 2.0 for each in step], (1, 1)
    return best


def _around(middle: Turn, steps: Iterable[float], counts: Iterable[int]) -> Iterable[Turn]:
    """Yield turns on a grid about one, ``counts`` steps either way."""
    along = [
        value + step * np.arange(-count, count + 1) if step else [value]
        for value, step, count in zip(middle, steps, counts, strict=True)
    ]
    for rotation_rad in along[0]:
        for log_magnification in along[1]:
            yield Turn(float(rotation_rad), float(log_magnification))


def _turned(predicted: NDArray[np.float32], turn: Turn) -> NDArray[np.float32]:
    """Return what is predicted of a frame that is turned so, in haste."""
    back = UPRIGHT.less(turn).matrix
    middle = [(side - 1) / 2 for side in predicted.shape]
    first = middle - back @ middle
    return np.asarray(
        ndimage.affine_transform(predicted, back, first, order=1, mode="nearest")
    )


def _binned(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    ny, nx = (side // factor for side in image.shape)
    whole = image[: ny * factor, : nx * factor]
    return np.asarray(whole.reshape(ny, factor, nx, factor).mean(axis=(1, 3)))


def _overlap(side: int, moved: int) -> tuple[slice, slice]:
    """Return which part of a side both images show: in the moved one, and in the other."""
    return (
        slice(max(moved, 0), side + min(moved, 0)),
        slice(max(-moved, 0), side - max(moved, 0)),
    )


class _Weighed:
    """A frame whose waves are weighed by the power that their ring has in it."""

    def __init__(self, measured: NDArray[np.float32]) -> None:
        # A side of 509 pixels, a prime number, takes three times as long as one of 512.
        self._shape = tuple(fft.next_fast_len(side) for side in measured.shape)
        window = np.outer(*(np.hanning(side + 2)[1:-1] for side in measured.shape))
        self._window = window.astype(np.float32)
        spectrum = self._spectrum(measured)
        self._waves = spectrum / _by_rings(np.abs(spectrum) ** 2, self._shape)

    def against(self, predicted: NDArray[np.float32]) -> Registration:
        """Return where the frame lies against an image of its shape."""
        crossed = self._waves * np.conj(self._spectrum(predicted))
        return _peak(fft.irfft2(crossed, s=self._shape))

    def _spectrum(self, image: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return the half spectrum of what is seen through a window, zeros around it."""
        mean = np.float32(image.mean(dtype=np.float64))
        return np.asarray(fft.rfft2(self._window * (image - mean), s=self._shape))


def _by_rings(power: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the mean power of each wave's ring, never zero.

    The corners are one ring: of few waves some have hardly any power, by chance.
    """
    ny, nx = shape
    radius = np.hypot(fft.fftfreq(ny)[:, np.newaxis], fft.rfftfreq(nx))
    rings = np.rint(max(shape) * np.minimum(radius, 0.5)).astype(int)
    sums = np.bincount(rings.ravel(), power.ravel())
    means = sums / np.maximum(np.bincount(rings.ravel()), 1)
    floored = np.maximum(means, 1e-12 * means.max() + 1e-30)
    return np.asarray(floored.astype(np.float32)[rings])


def _peak(correlation: NDArray[np.float32]) -> Registration:
    """Return the highest point between pixels, by a parabola along each axis."""
    top = np.unravel_index(np.argmax(correlation), correlation.shape)
    shift = []
    for axis, (place, side) in enumerate(zip(top, correlation.shape, strict=True)):
        before, at, after = (
            correlation[(*top[:axis], (place + step) % side, *top[axis + 1 :])]
            for step in (-1, 0, 1)
        )
        bend = before - 2.0 * at + after
        offset = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
        shift.append(float((place + offset + side / 2) % side - side / 2))
    height = float(correlation[top] - correlation.mean())
    spread = float(correlation.std())
    return Registration((shift[0], shift[1]), height / spread if spread > 0.0 else 0.0)
