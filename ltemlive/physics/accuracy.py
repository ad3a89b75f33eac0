"""How near a reconstructed phase is to the true one.

Correlation alone hides a wrong scale, so ``slope`` and ``rms_rad`` stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.physics.induction import phase_gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PhaseAccuracy:
    """Figures of merit of a reconstructed phase."""

    phase: float
    """Signed correlation of the phases, 1 is perfect."""
    gradient: float
    """The same for both components of the gradient together."""
    slope: float
    """Reconstructed over true, least squares, after removal of a plane from each."""
    rms_rad: float
    """Standard deviation of the difference after removal of a plane."""


def correlation(result: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return sum(r t) / sqrt(sum r^2 sum t^2), signed, with both means removed.

    Zero if either is constant. The paper's accuracy, as its authors' code computes it.
    """
    return _cosine(_centred(result), _centred(truth))


def without_plane(phase_rad: NDArray[Any]) -> NDArray[np.float64]:
    """Return the phase less the plane that fits it best; no data can tell a plane."""
    return _flattened(_centred(phase_rad))


def phase_accuracy(phase_rad: NDArray[Any], truth_rad: NDArray[Any]) -> PhaseAccuracy:
    """Compare an unwrapped phase with the truth, both [rad] and of shape (ny, nx)."""
    result, truth = _centred(phase_rad), _centred(truth_rad)
    slopes, expected = _along_planes(result), _along_planes(truth)
    power = _dot(truth, truth) - float(expected @ expected)
    overlap = _dot(result, truth) - float(slopes @ expected)
    left = _flattened(result - truth)
    return PhaseAccuracy(
        phase=_cosine(result, truth),
        gradient=_gradient_correlation(phase_rad, truth_rad),
        slope=overlap / power if power > 0.0 else 0.0,
        rms_rad=float(np.sqrt(_dot(left, left) / left.size)),
    )


def _gradient_correlation(phase_rad: NDArray[Any], truth_rad: NDArray[Any]) -> float:
    result, truth = (
        phase_gradient(np.asarray(phase, np.float32), pixel_nm=1.0)
        for phase in (phase_rad, truth_rad)
    )
    means = [each.mean(axis=(1, 2), dtype=np.float64) for each in (result, truth)]
    pixels = phase_rad.size
    # Of what lies beside the means, without arrays of it.
    power, expected, overlap = (
        _dot(one, other) - pixels * float(mean @ other_mean)
        for one, mean, other, other_mean in (
            (result, means[0], result, means[0]),
            (truth, means[1], truth, means[1]),
            (result, means[0], truth, means[1]),
        )
    )
    norm = np.sqrt(max(power * expected, 0.0))
    return float(overlap / norm) if norm > 0.0 else 0.0


def _centred(values: NDArray[Any]) -> NDArray[np.float64]:
    centred = values.astype(np.float64)
    centred -= centred.mean()
    return centred


def _flattened(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the plane from a centred phase, in place: a copy costs more than the sums."""
    y, x = _planes(centred)
    centred -= (centred.sum(axis=1) @ y) * y[:, np.newaxis]
    centred -= (centred.sum(axis=0) @ x) * x
    return centred


def _cosine(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    norm = np.sqrt(_dot(result, result) * _dot(truth, truth))
    return float(_dot(result, truth) / norm) if norm > 0.0 else 0.0


def _dot(one: NDArray[Any], other: NDArray[Any]) -> float:
    # No array of products, and no threads of BLAS that wait for each other.
    return float(np.einsum("i,i->", one.ravel(), other.ravel(), dtype=np.float64))


def _along_planes(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    y, x = _planes(centred)
    return np.array([centred.sum(axis=1) @ y, centred.sum(axis=0) @ x])


def _planes(
    centred: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the profiles of the planes of norm one along y and along x."""
    ny, nx = centred.shape
    y, x = np.linspace(-1.0, 1.0, ny), np.linspace(-1.0, 1.0, nx)
    return y / np.sqrt(nx * (y @ y)), x / np.sqrt(ny * (x @ x))
