"""A search for the unknowns under a prior: how it begins, how it goes on, how well it fits.

What a round or a guess does with the compiled graphs, and all that either knows of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.graphs import search_graphs
from ltemlive.recon.objective import seen_in
from ltemlive.recon.priors import no_prior, prior_and_gradient
from ltemlive.recon.weighing import search_metric, weighed_prior

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

    from ltemlive.recon.graphs import Graphs
    from ltemlive.recon.lbfgs import LbfgsState
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState

LITTLE = 0.1
"""Stiffness of a search without prior where images show nothing, relative to the most."""


def bare_search(state: SolverState, series: FocalSeries) -> LbfgsState:
    """Return a search that begins where the state is, without prior; one gradient."""
    return _graphs(state, series).begin(state.unknowns, series, state.step_length)


def evaluating(
    state: SolverState, series: FocalSeries
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return the graph of (unknowns, series, prior) that gives J and its gradient alone."""
    return _graphs(state, series).evaluate


def misfit(bare: LbfgsState, series: FocalSeries) -> float:
    """Return the mean squared misfit in units of noise: 1 where nothing else is left."""
    n_measured = float(tf.reduce_sum(seen_in(series.measured)))
    if float(series.focus_precision) > 0.0:
        n_measured += float(tf.reduce_sum(seen_in(series.focus)))
    return 2.0 * float(bare.objective) / n_measured


def searching(
    state: SolverState, series: FocalSeries, bare: LbfgsState
) -> tuple[SolverState, LbfgsState]:
    """Return the state with a search under the prior that its unknowns ask for, and it.

    ``bare`` is that of ``bare_search``, whose gradient counts as one of the state's.
    """
    prior = weighed_prior(state, series)
    metric = search_metric(state, series, prior)
    expected, along_prior = prior_and_gradient(state.unknowns, series.weight, prior)
    search = bare._replace(
        objective=bare.objective + expected, gradient=bare.gradient + along_prior
    )
    state = replace(
        state,
        search=search,
        round_start=state.phase,
        last_look=state.phase,
        prior=prior,
        metric=metric,
        evaluations=state.evaluations + 1,
    )
    return state, search


def advanced(
    state: SolverState, search: LbfgsState, series: FocalSeries, n_steps: int
) -> tuple[SolverState, list[float]]:
    """Return the state after so many steps of its search, and the objective after each.

    Steps that find no way down count.
    """
    advance = _graphs(state, series).advance
    before = int(search.evaluations)
    search, objective = advance(
        search, series, state.prior, state.metric, tf.constant(n_steps)
    )
    state = replace(
        state,
        search=search,
        unknowns=search.position,
        step_length=search.length,
        step_in_round=state.step_in_round + n_steps,
        steps=state.steps + n_steps,
        evaluations=state.evaluations + int(search.evaluations) - before,
    )
    return state, [float(value) for value in objective.numpy()]


def unheld(state: SolverState, series: FocalSeries, n_steps: int) -> tuple[Tensor, int]:
    """Return phase and log amplitude after so many steps without prior, from the state's.

    They fit what noise there is, too. And how many gradients that has taken.
    """
    bare = bare_search(replace(state, step_length=tf.ones([])), series)
    advance = _graphs(state, series).advance
    held_little = series.stiffness + LITTLE * tf.reduce_max(series.precision)
    # A mean no image tells.
    metric = tf.where(state.metric > 0.0, 1.0 / held_little, 0.0)
    prior = no_prior(tuple(series.amplitude.shape))
    search, _ = advance(bare, series, prior, metric, tf.constant(n_steps))
    return search.position, int(search.evaluations)


def _graphs(state: SolverState, series: FocalSeries) -> Graphs:
    _, ny, nx = state.unknowns.shape
    return search_graphs((ny, nx), tuple(series.blur.shape[1:]), state.settings.memory)
