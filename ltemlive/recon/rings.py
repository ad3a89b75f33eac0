"""How much power the longest waves of a smooth phase have beyond their noise.

A power law says too much of them: a film of domains has no wave as long as its field, and
what a phase then has there is noise, the most of all waves. So the power of each ring of
waves is taken from the phase itself, less what noise puts there: a moment estimate, as
James & Stein (1961) shrink a mean.

How much noise that is depends on the phase. To first order a wave shows by its square, but
it also moves the contrast that all others make, and the longest show best by that: so a
small move along each ring tells how stiff the images hold it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.recon.curvature import SMALL_MOVE_RAD
from ltemlive.recon.priors import no_prior
from ltemlive.recon.rehearsal import as_predicted
from ltemlive.recon.search import evaluating
from ltemlive.recon.spectrum import rings_of_waves, wave_counts
from ltemlive.recon.sums import overlap
from ltemlive.recon.weighing import STIFFNESS_FLOOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState

N_RINGS = 8
"""Of the longest waves, which have nearly all of the noise; the smallest frame has them."""
LEAST_POWER = 0.1
"""Of a ring, in units of its noise: one that seems empty may have some."""
SEED = 5


def expecting_rings(state: SolverState, series: FocalSeries) -> SolverState:
    """Return the state that expects of its longest waves what they have.

    ``state`` is one of a smooth phase that hardly moves. Takes a gradient for each ring.
    """
    ny, nx = state.phase.shape
    rings, counts = rings_of_waves(ny, nx), wave_counts(ny, nx)
    power = np.abs(tf.signal.rfft2d(state.phase).numpy()) ** 2 / (ny * nx)
    # A field that is seen in part has noise and waves there, and hardly any beyond.
    seen = float(tf.reduce_mean(series.weight))
    rough = np.array(state.roughness)
    found = _stiffness(state, series, rings)
    for ring, stiffness in enumerate(found, start=1):
        is_in = rings == ring
        noise = seen**2 / (max(stiffness, 0.0) + STIFFNESS_FLOOR)
        beyond = float(np.average(power[is_in], weights=counts[is_in])) - noise
        rough[is_in] = seen / max(beyond, LEAST_POWER * noise)
    evaluations = state.evaluations + len(found)
    return replace(state, roughness=tf.constant(rough), evaluations=evaluations)


def _stiffness(
    state: SolverState, series: FocalSeries, rings: NDArray[np.int64]
) -> list[float]:
    """Return how stiff the images hold the waves of each ring, amplitude left alone."""
    predicted, evaluate = as_predicted(series, state), evaluating(state, series)
    nothing = no_prior(tuple(state.phase.shape))
    rng = np.random.default_rng(SEED)
    found = []
    for ring in range(1, N_RINGS + 1):
        waves = np.exp(2j * np.pi * rng.random(rings.shape))
        move = np.fft.irfft2(np.where(rings == ring, waves, 0.0), state.phase.shape)
        along = tf.constant(SMALL_MOVE_RAD * move / move.std(), tf.float32)
        moved = state.unknowns + tf.stack([along, tf.zeros_like(along)])
        _, pull = evaluate(moved, predicted, nothing)
        found.append(float(overlap(along, pull[0]) / overlap(along, along)))
    return found
