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
    centred = result.astype(np.float64) - result.mean(dtype=np.float64)
    expected = truth.astype(np.float64) - truth.mean(dtype=np.float64)
    norm = np.sqrt((centred**2).sum() * (expected**2).sum())
    return float((centred * expected).sum() / norm) if norm > 0.0 else 0.0


def without_plane(phase_rad: NDArray[Any]) -> NDArray[np.float64]:
    """Return the phase less the plane that fits it best; no data can tell a plane."""
    ny, nx = phase_rad.shape
    y = np.linspace(-1.0, 1.0, ny)[:, np.newaxis]
    x = np.linspace(-1.0, 1.0, nx)[np.newaxis, :]
    centred = phase_rad.astype(np.float64) - phase_rad.mean(dtype=np.float64)
    along_y = (centred * y).sum() / (nx * (y**2).sum())
    along_x = (centred * x).sum() / (ny * (x**2).sum())
    return np.asarray(centred - along_y * y - along_x * x)


def phase_accuracy(phase_rad: NDArray[Any], truth_rad: NDArray[Any]) -> PhaseAccuracy:
    """Compare an unwrapped phase with the truth, both [rad] and of shape (ny, nx)."""
    gradients = [
        phase_gradient(phase.astype(np.float32), pixel_nm=1.0)
        for phase in (phase_rad, truth_rad)
    ]
    flat = without_plane(phase_rad)
    expected = without_plane(truth_rad)
    power = float((expected**2).sum())
    return PhaseAccuracy(
        phase=correlation(phase_rad, truth_rad),
        gradient=_pair_correlation(gradients[0], gradients[1]),
        slope=float((flat * expected).sum()) / power if power > 0.0 else 0.0,
        rms_rad=float((flat - expected).std()),
    )


def _pair_correlation(result: NDArray[Any], truth: NDArray[Any]) -> float:
    centred = result - result.mean(axis=(-2, -1), keepdims=True)
    expected = truth - truth.mean(axis=(-2, -1), keepdims=True)
    return correlation(centred, expected)
