"""The solver: a pure step from one explicit state to the next.

    refine(state, series, n_steps) -> (state, report)

Warm start is to pass the previous state, together with a series that has grown: nothing
else survives between frames, so restart, replay and test come free.

The steps come in rounds. The first is gentle: no prior, and a metric so damped that all
waves move alike, because a hasty step towards strongly defocused images leaves phase slips
along edges that no later step repairs. Each further round estimates the weight of the total
variation anew and lets every wave move as far as data and prior together allow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.lbfgs import LbfgsState, lbfgs_init, lbfgs_step
from ltemlive.recon.objective import (
    FocalSeries,
    TotalVariation,
    objective_and_gradient,
)
from ltemlive.recon.priors import mean_steepness, squared_wavenumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

    from ltemlive.settings import SolverSettings

STIFFNESS_FLOOR = 1e-4
"""Added to the curvature of every wave, so that none is free to go anywhere."""
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
    prior: TotalVariation
    metric: Tensor
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
    prior = TotalVariation(tf.zeros([]), tf.constant(settings.tv_smoothing_rad))
    return SolverState(settings, None, flat, flat, prior, tf.zeros_like(series.stiffness))


def warm_start(state: SolverState) -> SolverState:
    """Return the state ready for a series that has changed.

    The phase is kept, the memory of the search is not; gentle steps already done count.
    """
    return replace(
        state,
        search=None,
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
            state = _end_round(state)
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


def _begin_round(state: SolverState, series: FocalSeries) -> tuple[SolverState, LbfgsState]:
    """Weigh the prior, shape the metric and start a search with an empty memory."""
    if state.round == 0:
        weight = tf.zeros([])
        metric = 1.0 / (series.stiffness + tf.reduce_max(series.precision))
    else:
        steepness = tf.maximum(mean_steepness(state.phase), STEEPNESS_FLOOR_RAD)
        weight = state.settings.tv_strength / steepness
        ny, nx = state.phase.shape
        curvature = weight / steepness * squared_wavenumber(ny, nx)
        metric = 1.0 / (series.stiffness + curvature + STIFFNESS_FLOOR)
    metric *= tf.cast(squared_wavenumber(*state.phase.shape) > 0.0, tf.float32)
    prior = state.prior._replace(weight=weight)
    begin, _ = _graphs(
        tuple(state.phase.shape), series.blur.shape[1:], state.settings.memory
    )
    search = begin(state.phase, series, prior)
    state = replace(
        state,
        search=search,
        round_start=state.phase,
        prior=prior,
        metric=metric,
        evaluations=state.evaluations + 1,
    )
    return state, search


def _advance(
    state: SolverState, search: LbfgsState, series: FocalSeries, n_steps: int
) -> tuple[SolverState, list[float]]:
    """Take steps up to the end of the round or of the budget; stalled ones count."""
    n_steps = min(n_steps, _round_length(state) - state.step_in_round)
    _, advance = _graphs(
        tuple(state.phase.shape), series.blur.shape[1:], state.settings.memory
    )
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


def _end_round(state: SolverState) -> SolverState:
    moved = float(tf.math.reduce_std(state.phase - state.round_start))
    return replace(
        state,
        search=None,
        round=state.round + 1,
        step_in_round=0,
        is_converged=state.round > 0 and moved < state.settings.tolerance_rad,
    )


@cache
def _graphs(
    shape: tuple[int, int], blur_shape: tuple[int, int], memory: int
) -> tuple[Callable[..., LbfgsState], Callable[..., tuple[LbfgsState, Tensor]]]:
    """Return the graphs that begin and advance a search on fields of one shape.

    Each is traced once, whatever the number of images: their axis stays open.
    """
    image = tf.TensorSpec(shape, tf.float32)
    scalar = tf.TensorSpec([], tf.float32)
    count = tf.TensorSpec([], tf.int32)
    pairs = tf.TensorSpec([memory, *shape], tf.float32)
    half_plane = tf.TensorSpec([shape[0], shape[1] // 2 + 1], tf.float32)
    series_spec = FocalSeries(
        amplitude=image,
        measured=tf.TensorSpec([None, *shape], tf.float32),
        transfer=tf.TensorSpec([None, *shape], tf.complex64),
        blur=tf.TensorSpec([None, *blur_shape], tf.float32),
        weight=image,
        precision=tf.TensorSpec([None], tf.float32),
        stiffness=half_plane,
    )
    prior_spec = TotalVariation(scalar, scalar)
    search_spec = LbfgsState(
        image, scalar, image, pairs, pairs, count, count, tf.TensorSpec([], tf.bool)
    )

    @tf.function(input_signature=[image, series_spec, prior_spec])
    def begin(phase: Tensor, series: FocalSeries, prior: TotalVariation) -> LbfgsState:
        return lbfgs_init(
            phase, lambda at: objective_and_gradient(at, series, prior), memory
        )

    @tf.function(input_signature=[search_spec, series_spec, prior_spec, half_plane, count])
    def advance(
        search: LbfgsState,
        series: FocalSeries,
        prior: TotalVariation,
        metric: Tensor,
        n_steps: Tensor,
    ) -> tuple[LbfgsState, Tensor]:
        reached = tf.TensorArray(tf.float32, size=n_steps, element_shape=[])
        for step in tf.range(n_steps):
            if not search.is_stalled:
                search = lbfgs_step(
                    search, lambda at: objective_and_gradient(at, series, prior), metric
                )
            reached = reached.write(step, search.objective)
        return search, reached.stack()

    return begin, advance
