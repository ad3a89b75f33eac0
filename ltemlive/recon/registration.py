"""Where a frame lies, from its correlation with what is predicted of it.

Frames of a defocus series do not look alike, so each is compared with the image that the
phase so far predicts at its own defocus. Waves are weighed by the power that their ring has
in the frame: the likeliest shift under noise and under errors of the prediction that are as
strong as what is seen (a phase correlation ring by ring, not wave by wave).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.field import Shift

LEAST_OVERLAP = 0.25
"""Of a frame's side, within which a second look is taken."""


class Registration(NamedTuple):
    """A shift, and how clearly it shows."""

    shift_px: Shift
    """(dy, dx): what the prediction has at r stands at r + shift in the frame."""
    clarity: float
    """Height of the correlation above its mean, in its standard deviations; the highest of
    pure noise is 5 for 512 x 512 pixels."""


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


def _overlap(side: int, moved: int) -> tuple[slice, slice]:
    """Return which part of a side both images show: in the moved one, and in the other."""
    return (
        slice(max(moved, 0), side + min(moved, 0)),
        slice(max(-moved, 0), side - max(moved, 0)),
    )


def _correlated(
    measured: NDArray[np.float32], predicted: NDArray[np.float32]
) -> Registration:
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in measured.shape))
    spectra = [
        fft.rfft2(window * (image - image.mean(dtype=np.float64)))
        for image in (measured, predicted)
    ]
    power = np.abs(spectra[0]) ** 2
    crossed = spectra[0] * np.conj(spectra[1]) / _by_rings(power, measured.shape)
    return _peak(fft.irfft2(crossed, s=measured.shape))


def _by_rings(power: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the mean power of each wave's ring, never zero."""
    ny, nx = shape
    radius = np.hypot(fft.fftfreq(ny)[:, np.newaxis], fft.rfftfreq(nx))
    rings = np.rint(max(shape) * radius).astype(int)
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
