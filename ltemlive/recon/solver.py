"""The solver: a pure step from one explicit state to the next.

    refine(state, series, n_steps) -> (state, report)

Warm start is to pass the previous state, together with a series that has grown: nothing
else survives between frames, so restart, replay and test come free.

The steps come in rounds. The first is gentle: no prior, and a metric so damped that all
waves move alike, because a hasty step towards strongly defocused images leaves phase slips
along edges that no later step repairs. Each further round weighs the prior anew by the
phase so far, and lets every wave move as far as data and prior together allow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.physics.accuracy import without_plane
from ltemlive.recon.graphs import search_graphs
from ltemlive.recon.objective import EdgePrior
from ltemlive.recon.priors import (
    mean_steepness,
    signal_to_noise,
    squared_wavenumber,
    total_variation_gradient,
)

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.graphs import Graphs
    from ltemlive.recon.lbfgs import LbfgsState
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.settings import SolverSettings

STIFFNESS_FLOOR = 1e-4
"""Added to the curvature of every wave, so that none is free to go anywhere."""
RELIEVED_SNR = 3.0
"""Signal to noise at which a wave is half relieved of the prior's pull."""
WEIGHT_GROWTH = 4.0
"""How far the prior may gain weight beyond its first: weak data must not be flattened by a
prior that grows as the phase shrinks."""
NO_LIMIT = float("inf")
STEEPNESS_FLOOR_RAD = 1e-4
"""Mean gradient per pixel below which the prior's weight no longer grows."""


@dataclass(frozen=True, slots=True, eq=False)
class SolverState:
    """Everything that one step hands to the next."""

    settings: SolverSettings
    search: LbfgsState | None
    """None until the series has an image, and between rounds."""
    phase: Tensor
    """[rad], float32, shape of the solved field."""
    round_start: Tensor
    """The phase when the round began."""
    prior: EdgePrior
    metric: Tensor
    weight_limit: float
    """Of the prior, for this set of images."""
    round: int = 0
    """0 is the gentle one."""
    step_in_round: int = 0
    steps: int = 0
    evaluations: int = 0
    is_converged: bool = False


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a call of ``refine`` did."""

    steps: int
    evaluations: int
    objective: tuple[float, ...]
    """After each step, in units of noise (a perfect fit has half the number of pixels)."""
    is_finite: bool
    is_converged: bool


def cold_start(series: FocalSeries, settings: SolverSettings) -> SolverState:
    """Return the state before the first step: a flat phase."""
    flat = tf.zeros_like(series.amplitude)
    prior = EdgePrior(tf.zeros([]), tf.constant(settings.tv_smoothing_rad), flat)
    metric = tf.zeros_like(series.stiffness)
    return SolverState(settings, None, flat, flat, prior, metric, NO_LIMIT)


def warm_start(state: SolverState) -> SolverState:
    """Return the state ready for a series that has changed.

    The phase is kept, the memory of the search is not; gentle steps already done count.
    """
    return replace(
        state,
        search=None,
        weight_limit=NO_LIMIT,
        step_in_round=0 if state.round else state.step_in_round,
        is_converged=False,
    )


def refine(
    state: SolverState, series: FocalSeries, n_steps: int
) -> tuple[SolverState, StepReport]:
    """Return the state after at most ``n_steps`` steps, fewer where it has converged.

    Pure: equal arguments give equal results, to the bit on one machine with one number of
    threads. A result that is not finite is reported, never raised.

    Parameters
    ----------
    state
        From ``cold_start``, ``warm_start`` or the last call.
    series
        At least one defocused image; the same as in the last call, or else the state
        went through ``warm_start``.
    n_steps
        Budget; every step costs one gradient, rarely two.
    """
    objective: list[float] = []
    evaluations = state.evaluations
    is_finite = True
    while len(objective) < n_steps and not state.is_converged and is_finite:
        if state.search is None:
            state, search = _begin_round(state, series)
        else:
            search = state.search
        state, reached = _advance(state, search, series, n_steps - len(objective))
        objective.extend(reached)
        is_finite = all(value < float("inf") for value in reached)
        if state.step_in_round >= _round_length(state):
            state = _end_round(state, series.weight)
    report = StepReport(
        len(objective),
        state.evaluations - evaluations,
        tuple(objective),
        is_finite,
        state.is_converged,
    )
    return state, report


def _round_length(state: SolverState) -> int:
    settings = state.settings
    return settings.round_steps if state.round else settings.gentle_steps


def _moved_rad(move: Tensor, weight: Tensor) -> float:
    """Return the rms of a move within the frame, less its plane, which hardly shows."""
    seen = weight.numpy() > 0.0
    frame = move.numpy()[np.ix_(seen.any(axis=1), seen.any(axis=0))]
    return float(without_plane(frame).std())


def _begin_round(state: SolverState, series: FocalSeries) -> tuple[SolverState, LbfgsState]:
    """Weigh the prior, shape the metric and start a search with an empty memory."""
    prior, metric = _gentle(state, series) if state.round == 0 else _weighed(state, series)
    begin, _ = _graphs(state, series)
    search = begin(state.phase, series, prior)
    weight_limit = state.weight_limit
    if state.round and weight_limit == NO_LIMIT:
        weight_limit = WEIGHT_GROWTH * float(prior.weight)
    state = replace(
        state,
        search=search,
        weight_limit=weight_limit,
        round_start=state.phase,
        prior=prior,
        metric=metric,
        evaluations=state.evaluations + 1,
    )
    return state, search


def _gentle(state: SolverState, series: FocalSeries) -> tuple[EdgePrior, Tensor]:
    """Return no prior, and a metric so damped that all waves move alike."""
    metric = 1.0 / (series.stiffness + tf.reduce_max(series.precision))
    return state.prior, metric * _without_mean(metric)


def _weighed(state: SolverState, series: FocalSeries) -> tuple[EdgePrior, Tensor]:
    """Return the prior that the phase so far asks for, and how far each wave may move.

    The weight is that of gradients distributed as exp(-|grad| / mean). Total variation
    denoises edges but flattens whatever it touches, long waves most; so from the second
    of these rounds on its pull is taken back from the waves that the data determine.
    """
    phase, smoothing = state.phase, state.prior.smoothing
    steepness = tf.maximum(mean_steepness(phase, series.weight), STEEPNESS_FLOOR_RAD)
    weight = tf.minimum(state.settings.tv_strength / steepness, state.weight_limit)
    relief = tf.zeros_like(phase)
    if state.round > 1:
        ratio = signal_to_noise(phase, series.stiffness)
        share = ratio**2 / (ratio**2 + RELIEVED_SNR**2)
        relief = _waves(
            weight * total_variation_gradient(phase, smoothing, series.weight), share
        )
    curvature = weight / steepness * squared_wavenumber(*phase.shape)
    metric = 1.0 / (series.stiffness + curvature + STIFFNESS_FLOOR)
    return EdgePrior(weight, smoothing, relief), metric * _without_mean(metric)


def _waves(image: Tensor, share: Tensor) -> Tensor:
    """Return an image with each of its waves multiplied by ``share`` (a half plane)."""
    spectrum = tf.signal.rfft2d(image) * tf.complex(share, tf.zeros_like(share))
    return tf.signal.irfft2d(spectrum, fft_length=image.shape)


def _without_mean(metric: Tensor) -> Tensor:
    """Return 1 for every wave but the mean, which no image tells."""
    ny, half_nx = metric.shape
    return tf.tensor_scatter_nd_update(tf.ones([ny, half_nx]), [[0, 0]], [0.0])


def _graphs(state: SolverState, series: FocalSeries) -> Graphs:
    ny, nx = state.phase.shape
    return search_graphs((ny, nx), tuple(series.blur.shape[1:]), state.settings.memory)


def _advance(
    state: SolverState, search: LbfgsState, series: FocalSeries, n_steps: int
) -> tuple[SolverState, list[float]]:
    """Take steps up to the end of the round or of the budget; stalled ones count."""
    n_steps = min(n_steps, _round_length(state) - state.step_in_round)
    _, advance = _graphs(state, series)
    before = int(search.evaluations)
    search, objective = advance(
        search, series, state.prior, state.metric, tf.constant(n_steps)
    )
    state = replace(
        state,
        search=search,
        phase=search.position,
        step_in_round=state.step_in_round + n_steps,
        steps=state.steps + n_steps,
        evaluations=state.evaluations + int(search.evaluations) - before,
    )
    return state, [float(value) for value in objective.numpy()]


def _end_round(state: SolverState, weight: Tensor) -> SolverState:
    moved = _moved_rad(state.phase - state.round_start, weight)
    return replace(
        state,
        search=None,
        round=state.round + 1,
        step_in_round=0,
        is_converged=state.round > 0 and moved < state.settings.tolerance_rad,
    )
