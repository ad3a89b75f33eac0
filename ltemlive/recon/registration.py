"""Where a frame lies and how it is turned, from its correlation with what is predicted.

Frames of a defocus series do not look alike, so each is compared with the image that the
phase so far predicts at its own defocus. Waves are weighed by the power that their ring has
in the frame: the likeliest shift under noise and under errors of the prediction that are as
strong as what is seen (a phase correlation ring by ring, not wave by wave).

Rotation and magnification are searched on coarse pixels, where a look takes a millisecond.
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
    first = _correlated(measured, predicted)
    whole = tuple(round(shift) for shift in first.shift_px)
    overlaps = [
        _overlap(side, moved) for side, moved in zip(measured.shape, whole, strict=True)
    ]
    here = tuple(there for there, _ in overlaps)
    if any(
        part.stop - part.start < LEAST_OVERLAP * side
        for part, side in zip(here, measured.shape, strict=True)
    ):
        return first
    second = _correlated(measured[here], predicted[tuple(back for _, back in overlaps)])
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
    if turn == UPRIGHT:
        return registered(measured, predicted)
    frame = Field(predicted.shape, predicted.shape, (0, 0))
    fill = float(measured.mean(dtype=np.float64))
    there = turned_back(measured, frame, (0.0, 0.0), turn, unseen=fill)
    found = registered(there, predicted)
    along_y, along_x = turn.matrix @ found.shift_px
    return Registration((float(along_y), float(along_x)), found.clarity, turn)


def _searched(
    measured: NDArray[np.float32],
    predicted: NDArray[np.float32],
    expected: Turn,
    reach: Turn,
) -> Turn:
    """Return the turn at which a frame is clearest on coarse pixels."""
    look = _Look(measured, predicted)
    best = expected
    step = [far / count for far, count in zip(reach, N_STEPS, strict=True)]
    counts = N_STEPS
    for _ in range(1 + N_HALVINGS):
        turns = list(_around(best, step, counts))
        clarities = [look.clarity(turn) for turn in turns]
        best = turns[int(np.argmax(clarities))]
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


class _Look:
    """A frame and its prediction on coarse pixels, to be compared under many turns."""

    def __init__(
        self, measured: NDArray[np.float32], predicted: NDArray[np.float32]
    ) -> None:
        factor = max(1, min(measured.shape) // COARSE_PX)
        self._coarse, other = (_binned(image, factor) for image in (measured, predicted))
        # A linear interpolation would make frames clearer that are not turned.
        self._spline = ndimage.spline_filter(self._coarse, output=np.float32)
        self._window = _window(self._coarse.shape)
        power = np.abs(_spectrum(self._coarse, self._window)) ** 2
        conjugate = np.conj(_spectrum(other, self._window))
        self._filter = conjugate / _by_rings(power, other.shape)
        self._filter[0, 0] = 0.0

    def clarity(self, turn: Turn) -> float:
        """Return how clearly the frame shows if it is turned so."""
        middle = [(side - 1) / 2 for side in self._coarse.shape]
        there = ndimage.affine_transform(
            self._spline,
            turn.matrix,
            middle - turn.matrix @ middle,
            mode="nearest",
            prefilter=False,
        )
        crossed = _spectrum(there, self._window) * self._filter
        correlation = fft.irfft2(crossed, s=self._coarse.shape)
        spread = float(correlation.std())
        return float(correlation.max()) / spread if spread > 0.0 else 0.0


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


def _correlated(
    measured: NDArray[np.float32], predicted: NDArray[np.float32]
) -> Registration:
    window = _window(measured.shape)
    spectra = [_spectrum(image, window) for image in (measured, predicted)]
    power = np.abs(spectra[0]) ** 2
    crossed = spectra[0] * np.conj(spectra[1]) / _by_rings(power, measured.shape)
    return _peak(fft.irfft2(crossed, s=measured.shape))


def _window(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.outer(*(np.hanning(side + 2)[1:-1] for side in shape))


def _spectrum(
    image: NDArray[np.float32], window: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return the half spectrum of what is seen through a window."""
    return np.asarray(fft.rfft2(window * (image - image.mean(dtype=np.float64))))


def _by_rings(power: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the mean power of each wave's ring, never zero.

    The corners are one ring: of few waves some have hardly any power, by chance.
    """
    ny, nx = shape
    radius = np.hypot(fft.fftfreq(ny)[:, np.newaxis], fft.rfftfreq(nx))
    rings = np.rint(max(shape) * np.minimum(radius, 0.5)).astype(int)
    sums = np.bincount(rings.ravel(), power.ravel())
    means = sums / np.maximum(np.bincount(rings.ravel()), 1)
    return np.asarray(np.maximum(means, 1e-12 * means.max() + 1e-30)[rings])


def _peak(correlation: NDArray[np.float64]) -> Registration:
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
