"""How sharp an edge is: an error function on a slope, fitted to a profile across it.

The width is that of its derivative, a Gaussian: the full width at half of its height. Where
the profile asks for it the slope may be another one behind the edge, as the phase of a
magnetic film has it beside vacuum; step and bend are blurred alike.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))

FEWEST_POINTS = 9
"""Up to six parameters are fitted."""
LEAST_EXPLAINED = 0.7
"""Of the variance that a straight line leaves; noise of few points looks like less of an
edge in all but some per cent of cases."""
LEAST_HEIGHT = 4.0
"""Standard deviations of the height, below which an edge does not stand out."""
LEAST_SURE = 0.3
"""Relative deviation of the width, above which the profile is of another shape."""
FLAT = 1e-6
"""What float32 can tell; a profile with less beside a line, against its values, is one."""

_CENTRES = 33
_SIGMAS_PER_LENGTH = (0.01, 0.025, 0.06, 0.12, 0.2)
_MOST_EVALUATIONS = 10_000
_MOST_CONDITION = 1e6
"""Of the scaled derivatives; beyond it some parameter may be anything."""


class EdgeShape(NamedTuple):
    """The parameters of an edge, in the units of the profile that it is fitted to."""

    height: float
    """From low to high positions; negative where the profile falls."""
    position: float
    sigma: float
    """Of the Gaussian that is the derivative of the edge."""
    slope: float
    """Of the straight line below the edge."""
    offset: float
    """Of that line at position 0."""
    bend: float = 0.0
    """By how much the slope is another one at high positions."""

    def at(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of the edge at some positions."""
        width = math.sqrt(2.0) * abs(self.sigma) + 1e-9
        apart = (positions - self.position) / width
        erf = _erf(apart)
        step = 0.5 * self.height * erf
        bent = self.bend * width * _blurred_bend(apart, erf)
        return np.asarray(step + self.slope * positions + self.offset + bent)

    def derivatives(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how the values change with each parameter, shape (n, 6)."""
        width = math.sqrt(2.0) * abs(self.sigma) + 1e-9
        apart = (positions - self.position) / width
        bell = np.exp(-(apart**2)) / math.sqrt(math.pi)
        rise = self.height * bell / width
        sign = math.copysign(1.0, self.sigma)
        across = sign * math.sqrt(2.0) * (0.5 * self.bend * bell - apart * rise)
        erf = _erf(apart)
        along = -rise - 0.5 * self.bend * (1.0 + erf)
        line = positions, np.ones_like(positions)
        bent = width * _blurred_bend(apart, erf)
        return np.stack([0.5 * erf, along, across, *line, bent], axis=1)


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """An edge that was found in a profile."""

    shape: EdgeShape
    position_nm: float
    height: float
    """In the unit of the profile."""
    fwhm_nm: float
    fwhm_deviation_nm: float
    """Standard deviation, if the residuals of the points are independent."""


@dataclass(frozen=True, slots=True)
class NoEdge:
    """Why a profile has no edge whose width can be told."""

    reason: str


def fit_edge(
    distance_nm: NDArray[np.float64], values: NDArray[np.float64]
) -> EdgeFit | NoEdge:
    """Return the edge in a profile, or why there is none.

    Parameters
    ----------
    distance_nm
        Evenly spaced, ascending, shape (n,).
    values
        Of any quantity, shape (n,); those that are not finite are left out.
    """
    is_known = np.isfinite(values)
    position, known = distance_nm[is_known].astype(float), values[is_known].astype(float)
    if known.size < FEWEST_POINTS:
        return NoEdge(f"{known.size} points are too few, {FEWEST_POINTS} would do")
    beside_line = _beside_line(position, known)
    if np.abs(beside_line).max() <= FLAT * max(np.abs(known).max(), np.ptp(known)):
        return NoEdge("the profile is straight")
    found = [
        fit_shape(position, known, _rough_shape(position, beside_line, is_bent), is_bent)
        for is_bent in (False, True)
    ]
    fits = [each for each in found if each is not None]
    if not fits:
        return NoEdge("no edge fits the profile")
    shape, deviations = min(fits, key=lambda fit: _price(position, known, fit[0]))
    left = float(np.sum((known - shape.at(position)) ** 2) / np.sum(beside_line**2))
    reason = _objection(position, shape, deviations, left)
    if reason is not None:
        return NoEdge(reason)
    return EdgeFit(
        shape=shape,
        position_nm=shape.position,
        height=shape.height,
        fwhm_nm=FWHM_PER_SIGMA * shape.sigma,
        fwhm_deviation_nm=FWHM_PER_SIGMA * deviations.sigma,
    )


def fit_shape(
    positions: NDArray[np.float64],
    values: NDArray[np.float64],
    start: EdgeShape,
    is_bent: bool = False,
) -> tuple[EdgeShape, EdgeShape] | None:
    """Return the best shape near a start, and the standard deviations; None: no end found.

    A deviation is infinite where the profile says nothing of the parameter. Unless
    ``is_bent`` the slope is the same on both sides.
    """
    n_fitted = len(start) if is_bent else len(start) - 1

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return EdgeShape(*parameters).at(positions) - values

    def derivatives(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return EdgeShape(*parameters).derivatives(positions)[:, :n_fitted]

    optimize = importlib.import_module("scipy.optimize")
    # SciPy also inverts what cannot be inverted; the covariance below is our own.
    with np.errstate(all="ignore"):
        best, _, _, _, state = optimize.leastsq(
            residuals,
            np.array(start)[:n_fitted],
            Dfun=derivatives,
            full_output=True,
            maxfev=_MOST_EVALUATIONS,
        )
    if state not in (1, 2, 3, 4) or not np.all(np.isfinite(best)):
        return None
    shape = EdgeShape(*(float(each) for each in best))
    shape = shape._replace(sigma=abs(shape.sigma))
    return shape, _deviations(positions, values, shape, n_fitted)


def _erf(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # SciPy takes half a second to import, and a window opens without any edge.
    return np.asarray(importlib.import_module("scipy.special").erf(values))


def _blurred_bend(
    apart: NDArray[np.float64], erf: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a slope that sets in at 0, after the blur whose step is erf(apart)."""
    bell = np.exp(-(apart**2)) / math.sqrt(math.pi)
    return np.asarray(0.5 * (apart * (1.0 + erf) + bell))


def _price(
    position: NDArray[np.float64], values: NDArray[np.float64], shape: EdgeShape
) -> float:
    """Return Schwarz's criterion (1978): a bend must explain more than noise would."""
    n_fitted = len(shape) - (shape.bend == 0.0)
    left = float(np.mean((values - shape.at(position)) ** 2))
    floor = float(np.finfo(float).tiny)
    return values.size * math.log(left + floor) + n_fitted * math.log(values.size)


def _deviations(
    positions: NDArray[np.float64],
    values: NDArray[np.float64],
    shape: EdgeShape,
    n_fitted: int,
) -> EdgeShape:
    derivatives = shape.derivatives(positions)[:, :n_fitted]
    norms = np.linalg.norm(derivatives, axis=0)
    degrees_of_freedom = values.size - n_fitted
    if degrees_of_freedom < 1 or norms.min() <= 0.0:
        return EdgeShape(*[math.inf] * len(shape))
    scaled = derivatives / norms
    if np.linalg.cond(scaled) > _MOST_CONDITION:
        return EdgeShape(*[math.inf] * len(shape))
    variance = np.sum((shape.at(positions) - values) ** 2) / degrees_of_freedom
    diagonal = np.diag(np.linalg.inv(scaled.T @ scaled))
    return EdgeShape(*(np.sqrt(diagonal * variance) / norms).tolist())


def _rough_shape(
    position: NDArray[np.float64], beside_line: NDArray[np.float64], is_bent: bool
) -> EdgeShape:
    """Return the best of many edges; a search for the nearest one may end at a wrong one.

    Each is compared in what it has beside a straight line, as the profile is, or beside a
    line that has its bend at the same place.
    """
    length = position[-1] - position[0]
    middles = np.linspace(position[0], position[-1], _CENTRES + 2)[1:-1]
    centres = np.tile(middles, len(_SIGMAS_PER_LENGTH))
    sigmas = np.repeat(length * np.array(_SIGMAS_PER_LENGTH), _CENTRES)
    # All at once: under a profile a window does this for each estimate.
    widths = math.sqrt(2.0) * sigmas
    apart = (position[:, np.newaxis] - centres) / widths
    erf = _erf(apart)
    steps = _beside_line(position, 0.5 * erf).T
    bends = _beside_line(position, widths * _blurred_bend(apart, erf)).T
    tiny = np.finfo(float).tiny
    bend_norm = np.maximum(np.sum(bends**2, axis=1), tiny)
    explained = np.zeros(centres.size)
    overlap = np.zeros(centres.size)
    bend_likeness = bends @ beside_line
    if is_bent:
        # What step and bend share is the bend's; of the step the rest is compared.
        overlap = np.sum(steps * bends, axis=1) / bend_norm
        steps = steps - overlap[:, None] * bends
        explained = bend_likeness**2 / bend_norm
    step_norm = np.maximum(np.sum(steps**2, axis=1), tiny)
    step_likeness = steps @ beside_line
    explained = explained + step_likeness**2 / step_norm
    best = int(np.argmax(explained))
    height = float(step_likeness[best] / step_norm[best])
    bend = 0.0
    if is_bent:
        bend = float(bend_likeness[best] / bend_norm[best] - height * overlap[best])
    return EdgeShape(height, float(centres[best]), float(sigmas[best]), 0.0, 0.0, bend)


def _beside_line(
    position: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the best straight line leaves of values, shape (n,) or (n, k)."""
    line, _ = np.linalg.qr(np.stack([np.ones_like(position), position], axis=1))
    return np.asarray(values - line @ (line.T @ values))


def _objection(
    position: NDArray[np.float64], shape: EdgeShape, deviations: EdgeShape, left: float
) -> str | None:
    first, last = float(position[0]), float(position[-1])
    spacing = (last - first) / (position.size - 1)
    fwhm = FWHM_PER_SIGMA * shape.sigma
    if left > 1.0 - LEAST_EXPLAINED:
        return "no edge stands out"
    if fwhm < spacing or not math.isfinite(deviations.sigma):
        return f"the edge is sharper than {spacing:.3g} nm, the distance of two points"
    if not first + fwhm <= shape.position <= last - fwhm:
        return f"the line must reach {fwhm:.3g} nm beyond the edge on both sides"
    is_unsure = deviations.sigma > LEAST_SURE * shape.sigma
    if is_unsure or abs(shape.height) < LEAST_HEIGHT * deviations.height:
        return "no edge stands out"
    return None
