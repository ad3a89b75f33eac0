"""How sure the phase is, once its search rests.

The images leave phase and amplitude free within a parabola, whose curvature H is at hand as
one gradient for each product (``curvature``). A pull that has H for covariance moves them
by a sample of what they may be off by, so that

    H x = b,   b from N(0, H):   x from N(0, 1 / H)

(Papandreou & Yuille 2010), with the amplitude unknown, the camera's bad pixels, frames that
cover a part of the field, and a phase that is not weak. A few samples tell the sums over
the field; where in it the phase is less sure, first order tells without any noise: by how
many images see a pixel, and how bright it is.

What no data can tell is left out: the plane, and by taking the optics as they are the
parabola of magnification. Nor is what is not of the images' noise: wrong optics, edges that
have locked in elsewhere.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from ltemlive.events import PhaseSigmas
from ltemlive.physics.accuracy import without_plane
from ltemlive.physics.electron import HBAR_OVER_E_T_NM2
from ltemlive.physics.induction import phase_gradient
from ltemlive.recon.curvature import curvature_at_rest, curved, random_pull
from ltemlive.recon.objective import seen_in
from ltemlive.recon.search import evaluating
from ltemlive.recon.spectrum import filtered, wave_counts, weak_contrasts
from ltemlive.recon.sums import overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.curvature import Curvature, Evaluate
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState

N_SAMPLES, N_LIVE_SAMPLES = 2, 1
"""Of the final result, and while frames may be waiting: with one, the rms of a smooth phase
is known to a quarter, with two to a sixth."""
SAMPLE_STEPS = 16
"""Of conjugate gradients; more change the rms by a tenth at most."""
SEED = 28
LEAST_TOLD, N_TOLD = 1e-3, 16
"""Part of what all images tell of a pixel, at least, and of how many the map is made."""


class Certainty(NamedTuple):
    """Standard deviations of a phase and of what is computed from it."""

    sigmas: PhaseSigmas
    phase_sigma_rad: NDArray[np.float32]
    """Of each pixel of the frame, (ny, nx)."""


def certainty_of(
    model: SeriesModel, state: SolverState, n_samples: int = N_SAMPLES
) -> Certainty | None:
    """Return how sure the phase of a state is; None where it is not at rest.

    Takes ``n_samples`` (``SAMPLE_STEPS`` + 1) gradients; the same bits each time.
    """
    if not state.is_converged:
        return None
    curvature, evaluate = curvature_at_rest(model, state), evaluating(state, model.series)
    pixel_nm = model.microscope.pixel_nm
    samples = [
        without_plane(
            model.field.crop(_sample(curvature, state.metric, evaluate, index)[0].numpy())
        )
        for index in range(n_samples)
    ]
    gradients = [
        phase_gradient(each.astype(np.float32), pixel_nm=pixel_nm) for each in samples
    ]
    phase_rad, gradient = _rms(samples), _rms(gradients)
    if not np.isfinite(phase_rad) or gradient == 0.0:
        return None
    sigmas = PhaseSigmas(phase_rad, gradient, gradient * HBAR_OVER_E_T_NM2)
    uneven = _unevenness(model, state, smooth_px=phase_rad / (gradient * pixel_nm))
    return Certainty(sigmas, np.asarray(phase_rad * uneven, np.float32))


def _sample(curvature: Curvature, metric: Tensor, evaluate: Evaluate, index: int) -> Tensor:
    """Return a sample of what phase and log amplitude may be off by, (2, ny, nx).

    Images that come later leave the noise of those before them as it was.
    """
    rng = np.random.default_rng([SEED, index])
    pull = random_pull(curvature, evaluate, rng)
    return _solving(evaluate)(curvature, pull, metric)


@cache
def _solving(evaluate: Evaluate) -> Callable[..., Tensor]:
    """Return the graph that solves H x = b by conjugate gradients; one for each field."""

    @partial(tf.function, reduce_retracing=True)
    def solved(curvature: Curvature, pull: Tensor, metric: Tensor) -> Tensor:
        found, left = tf.zeros_like(pull), pull
        step = _by_metric(pull, metric)
        slope = overlap(pull, step)
        for _ in tf.range(SAMPLE_STEPS):
            against = curved(curvature, step, evaluate)
            length = tf.math.divide_no_nan(slope, overlap(step, against))
            found += length * step
            left -= length * against
            downhill = _by_metric(left, metric)
            before, slope = slope, overlap(left, downhill)
            step = downhill + tf.math.divide_no_nan(slope, before) * step
        return found

    graph: Callable[..., Tensor] = solved
    return graph


def _by_metric(pull: Tensor, metric: Tensor) -> Tensor:
    return tf.stack(
        [
            filtered(layer, factor)
            for layer, factor in zip(tf.unstack(pull), tf.unstack(metric), strict=True)
        ]
    )


def _unevenness(
    model: SeriesModel, state: SolverState, *, smooth_px: float
) -> NDArray[np.float64]:
    """Return the standard deviation of each pixel over that of all, (ny, nx)."""
    told = gaussian_filter(_told(model, state), smooth_px, mode="nearest")
    told = np.maximum(told, LEAST_TOLD)
    tried = np.geomspace(told.min(), told.max() * (1.0 + 1e-6), N_TOLD)
    variance = np.interp(told, tried, _variances(model, state, tried))
    return np.asarray(np.sqrt(variance / variance.mean()))


def _told(model: SeriesModel, state: SolverState) -> NDArray[np.float64]:
    """Return what the images tell of each pixel, as a part of what they tell of all.

    An image counts by how much of the variance it takes away. Noise is that of the camera:
    a bright pixel shows more of the phase.
    """
    series, metric = model.series, state.metric[0].numpy()
    counts = wave_counts(*model.field.shape)
    seen, tells = [], []
    for index in range(series.measured.shape[0]):
        of_phase, _ = weak_contrasts(series.transfer[index], series.blur[index])
        stiffness = series.precision[index].numpy() * of_phase.numpy() ** 2
        tells.append(float(np.sum(counts * metric**2 * stiffness)))
        seen.append(model.field.crop(seen_in(series.measured[index]).numpy()))
    told = np.average(seen, axis=0, weights=tells)
    brightness = model.field.crop(state.amplitude.numpy()).astype(np.float64) ** 2
    return np.asarray(told * brightness / brightness.mean())


def _variances(
    model: SeriesModel, state: SolverState, told: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variance of a phase of which so much is told, to first order."""
    counts = wave_counts(*model.field.shape)
    metric = state.metric[0].numpy().astype(np.float64)
    stiffness = model.series.stiffness[0].numpy()
    # sigma^2 / (S + R) is in the metric; 0 of the mean, which stays so.
    return np.array(
        [
            np.sum(counts * metric / (1.0 + metric * stiffness * (part - 1.0)))
            for part in told
        ]
    )


def _rms(images: list[NDArray[np.float64]] | list[NDArray[np.float32]]) -> float:
    return float(np.sqrt(np.mean(np.square(images, dtype=np.float64))))
