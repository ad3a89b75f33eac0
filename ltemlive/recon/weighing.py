"""How much the prior of a round weighs, and how far each wave may move under it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.axes import axial_bound, axial_excess, is_straight
from ltemlive.recon.known_edges import (
    KNOWN_BENDING,
    KNOWN_STEEPNESS,
    known_part,
    softened,
)
from ltemlive.recon.priors import (
    bends_of,
    differences,
    mean_bending,
    mean_steepness,
    no_prior,
)
from ltemlive.recon.relief import relief_of
from ltemlive.recon.spectrum import filtered, squared_wavenumber

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.priors import Prior
    from ltemlive.recon.solver import SolverState

STIFFNESS_FLOOR = 1e-4
"""Added to the curvature of every wave, so that none is free to go anywhere."""
STEEPNESS_FLOOR_RAD = 1e-4
"""Mean gradient per pixel below which a weight no longer grows."""
WEIGHT_GROWTH = 1.25
"""How far a part of the prior may gain weight beyond its first."""
DAMPING = 0.1
"""Added to the curvature of every wave of the phase where edges are still locking in, in
units of the data's precision: long waves that run ahead leave ripples along the edges."""
FIRST_SIGMA, SIGMA_FALL = 0.024, 0.7
"""Noise of the amplitude under which edges begin to lock in, at least, and its part that is
left in each round of theirs."""
DOUBTING_ROUND, DOUBT = 1, 1.4
"""Round of edges in which all images are doubted, and the noise they then have, in units of
their own: what has locked in wrongly comes loose. Not in the first, for frames are placed
by what it makes of a phase."""
STEEPNESS_SHARE = 0.1
"""Weight of total variation beside bending; alone it has the whole of it."""
BENDING_SHARPNESS = 0.2
"""Its smoothing, in units of the mean bending."""
AMPLITUDE_SMOOTHING = 0.003
AMPLITUDE_WEIGHT_LIMIT = 4.0
"""In units of the noise of a pixel: a film of few edges must keep their height."""


class Stage(IntEnum):
    """How much of the prior a round has."""

    GENTLE = 0
    """None on the phase."""
    EDGES = 1
    """Total variation alone, until the edges stand."""
    WHOLE = 2
    """All of it, weighed and relieved anew."""
    SETTLED = 3
    """All of it, as it was: relief moves the phase, which moves the relief, and the search
    would never rest."""


def doubted(series: FocalSeries, state: SolverState) -> FocalSeries:
    """Return the series with as much noise as edges lock in under.

    Images of strong defocus that are believed to their last digit pull each edge into the
    minimum nearest to a phase that is still wrong; no later step takes it out again.
    """
    if state.stage > Stage.EDGES or state.is_smooth:
        return series
    is_locking = state.stage == Stage.EDGES
    least = FIRST_SIGMA * (SIGMA_FALL**state.round if is_locking else 1.0)
    doubt = DOUBT if is_locking and state.round == DOUBTING_ROUND else 1.0
    precision = tf.minimum(doubt**-2.0 * series.precision, least**-2.0)
    part = believed_part(precision, series)
    return series._replace(
        precision=precision,
        focus_precision=part * series.focus_precision,
        stiffness=part * series.stiffness,
    )


def believed_part(precision: Tensor, series: FocalSeries) -> Tensor:
    """Return which part of what the images say is believed with these precisions."""
    return tf.reduce_sum(precision) / tf.reduce_sum(series.precision)


class WeightLimits(NamedTuple):
    """The most that each part of the prior may weigh [1/rad].

    A phase that the prior has flattened would ask for more of the prior: on weak data the
    two would chase each other to nothing.
    """

    steepness: Tensor
    bending: Tensor


def weight_limits(
    phase: Tensor, along_misfit: Tensor, roughness: Tensor, series: FocalSeries
) -> WeightLimits:
    """Return what the phase asks for that the data alone would give, noise filtered out.

    One Newton step under the roughness expected (a Wiener filter, where the misfit rests):
    whichever way the phase has come, it puts back what a prior has flattened.
    ``along_misfit`` is the derivative of the objective without prior, (ny, nx).
    """
    roughness = roughness + STIFFNESS_FLOOR
    along = along_misfit + filtered(phase, roughness)
    phase -= filtered(along, 1.0 / (series.stiffness[0] + roughness))
    return WeightLimits(
        WEIGHT_GROWTH / _steepness(phase, series), WEIGHT_GROWTH / _bending(phase, series)
    )


def weighed_prior(state: SolverState, series: FocalSeries) -> Prior:
    """Return the prior of the round that begins, as the unknowns so far ask for it."""
    if state.stage == Stage.SETTLED:
        return state.prior
    prior, limits = _amplitude_prior(state, series), state.limits
    if state.is_smooth and state.roughness is not None:
        return prior._replace(roughness=state.roughness)
    if state.stage == Stage.GENTLE or limits is None:
        return prior
    gradient = differences(state.phase)
    follows_axes = is_straight(state.phase, series.weight)
    is_axial, excess = _axial(gradient, series, follows_axes=follows_axes)
    edges = prior._replace(
        steepness_weight=state.settings.tv_strength
        / excess
        * tf.minimum(1.0 / _steepness(state.phase, series), limits.steepness),
        steepness_smoothing=tf.constant(state.settings.tv_smoothing_rad),
        steepness_is_axial=is_axial,
        border_weight=limits.steepness**2,
    )
    if state.stage == Stage.EDGES:
        return edges
    bending = _bending(state.phase, series)
    is_axial, excess = _axial(bends_of(gradient), series, follows_axes=follows_axes)
    prior = edges._replace(
        steepness_weight=STEEPNESS_SHARE * edges.steepness_weight,
        bending_weight=state.settings.tv_strength
        / excess
        * tf.minimum(1.0 / bending, limits.bending),
        bending_smoothing=BENDING_SHARPNESS * bending,
        bending_is_axial=is_axial,
    )
    prior = _knowing_edges(prior, state, series)
    relief = relief_of(prior, state.unknowns, series.weight, series.stiffness)
    if float(state.prior.bending_weight) > 0.0:
        # Undamped it would swing.
        relief = 0.5 * (relief + state.prior.relief)
    return prior._replace(relief=relief)


def _knowing_edges(prior: Prior, state: SolverState, series: FocalSeries) -> Prior:
    """Return the prior that lets known edges be; sums along the axes have no direction."""
    gradient = differences(softened(state.phase))
    enough = KNOWN_STEEPNESS * _steepness(state.phase, series)
    steepness = known_part(gradient, enough, series.weight)
    enough = KNOWN_BENDING * _bending(state.phase, series)
    bending = known_part(bends_of(gradient), enough, series.weight)
    return prior._replace(
        known_steepness=(1.0 - prior.steepness_is_axial) * steepness,
        known_bending=(1.0 - prior.bending_is_axial) * bending,
    )


def _axial(
    parts: tuple[Tensor, ...], series: FocalSeries, *, follows_axes: bool
) -> tuple[Tensor, Tensor]:
    """Return 1 and by how much their mean is larger then, if parts are summed by axes.

    0 and 1 if they are not.
    """
    excess = axial_excess(parts, series.weight)
    if follows_axes and excess < axial_bound(len(parts)):
        return tf.ones([]), excess
    return tf.zeros([]), tf.ones([])


def _amplitude_prior(state: SolverState, series: FocalSeries) -> Prior:
    """Return total variation of the log amplitude, and nothing on the phase."""
    noise = tf.sqrt(tf.reduce_mean(series.stiffness[1]))
    weight = tf.minimum(
        1.0 / _steepness(state.unknowns[1], series), AMPLITUDE_WEIGHT_LIMIT * noise
    )
    return no_prior(tuple(state.phase.shape))._replace(
        amplitude_weight=state.settings.tv_strength * weight,
        amplitude_smoothing=tf.constant(AMPLITUDE_SMOOTHING),
    )


def _steepness(layer: Tensor, series: FocalSeries) -> Tensor:
    """Return the mean gradient per pixel of a layer, never zero."""
    return tf.maximum(mean_steepness(layer, series.weight), STEEPNESS_FLOOR_RAD)


def _bending(phase: Tensor, series: FocalSeries) -> Tensor:
    return tf.maximum(mean_bending(phase, series.weight), STEEPNESS_FLOOR_RAD)


def search_metric(state: SolverState, series: FocalSeries, prior: Prior) -> Tensor:
    """Return how far each wave of the unknowns may move, (2, ny, nx // 2 + 1)."""
    k_squared = squared_wavenumber(*state.phase.shape)
    # The curvature of |v| is 1 / |v|.
    steepness, amplitude_steepness = (
        _steepness(layer, series) for layer in tf.unstack(state.unknowns)
    )
    # A guess may be far off where only a few long waves fit badly.
    is_guess = state.is_smooth and state.round == 0
    damping = {
        Stage.GENTLE: 1.0,
        Stage.EDGES: DAMPING if state.is_damped else 0.0,
        Stage.WHOLE: DAMPING if is_guess else 0.0,
    }
    bending = 0.5 * prior.bending_weight**2 * k_squared**2
    edges = prior.steepness_weight / steepness * k_squared
    of_phase = series.stiffness[0] + prior.roughness + bending + edges
    of_phase += damping.get(state.stage, 0.0) * tf.reduce_max(series.precision)
    edges = prior.amplitude_weight / amplitude_steepness * k_squared
    of_amplitude = series.stiffness[1] + edges
    metric = 1.0 / (tf.stack([of_phase, of_amplitude]) + STIFFNESS_FLOOR)
    return metric * _without_mean(metric)


def _without_mean(metric: Tensor) -> Tensor:
    """Return 1 for every wave but the means, which no image tells."""
    means = [[layer, 0, 0] for layer in range(2)]
    return tf.tensor_scatter_nd_update(tf.ones_like(metric), means, [0.0, 0.0])
