"""How stiff the problem is where its search rests, and what noise pulls at it.

There the misfit of the images is a parabola of any small move, by Gauss and Newton: of
images that are as predicted, the gradient at a move is the curvature along it. The prior
sums lengths, which are none; the parabola that touches each of them from above where it
rests (Geman & Reynolds 1992) stands for it:

    |v| <= |v_0| / 2 + |v|^2 / (2 |v_0|)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from ltemlive.recon.known_edges import unknown_part
from ltemlive.recon.priors import bends_of, differences, no_prior
from ltemlive.recon.rehearsal import as_predicted, in_noise
from ltemlive.recon.spectrum import filtered
from ltemlive.recon.sums import total

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.priors import Prior
    from ltemlive.recon.solver import SolverState

    Evaluate: TypeAlias = Callable[..., tuple[Tensor, Tensor]]

traced = partial(tf.function, autograph=False)
"""Decorator: make a graph of a function. Not compiled: that takes seconds at the first
phase that comes to rest, and no search waits for these."""
SMALL_MOVE_RAD = 0.01
"""Rms of the move whose gradient is taken for the curvature: at .05 rad strong defocus
bends it, and float32 still resolves a tenth of this."""


class PriorParabola(NamedTuple):
    """Curvature of a prior by each part that it sums, (ny, nx) each, and by wave.

    Of gradient and bends it sums what goes no known way; which is known, the prior says.
    """

    steepness: tuple[Tensor, ...]
    bending: tuple[Tensor, ...]
    absorption: tuple[Tensor, ...]
    known_steepness: Tensor
    known_bending: Tensor
    roughness: Tensor


class Curvature(NamedTuple):
    """The problem of a series as a parabola about where its search rests."""

    unknowns: Tensor
    """Phase and log amplitude there, (2, ny, nx)."""
    predicted: FocalSeries
    """As the unknowns have it: no image pulls."""
    prior: PriorParabola


def curvature_at_rest(model: SeriesModel, state: SolverState) -> Curvature:
    """Return the parabola about a state whose search rests."""
    return Curvature(
        state.unknowns,
        as_predicted(model.series, state),
        _parabola(state.prior, state.unknowns, model.series.weight),
    )


def curved(curvature: Curvature, move: Tensor, evaluate: Evaluate) -> Tensor:
    """Return the curvature times a move of phase and log amplitude; one gradient.

    To be called within a graph; ``evaluate`` is that of ``search_graphs``.
    """
    times = tf.sqrt(tf.reduce_mean(move**2)) / SMALL_MOVE_RAD
    moved = curvature.unknowns + tf.math.divide_no_nan(move, times)
    _, pull = evaluate(moved, curvature.predicted, no_prior(tuple(move.shape[1:])))
    rough = filtered(move[0], curvature.prior.roughness)
    return times * pull + _pull_of_prior(move, curvature.prior) + _of_phase(rough)


def random_pull(
    curvature: Curvature, evaluate: Evaluate, rng: np.random.Generator
) -> Tensor:
    """Return what noise pulls at phase and log amplitude; one gradient.

    That of the images, and as much of the prior as if it had been measured, so that the
    pull has the curvature for covariance.
    """
    shape = tuple(curvature.unknowns.shape[1:])
    of_prior = _random_pull_of_prior(curvature.prior, shape, rng)
    noisy = in_noise(curvature.predicted, rng)
    _, of_images = evaluate(curvature.unknowns, noisy, no_prior(shape))
    return of_prior - of_images


@traced
def _parabola(prior: Prior, unknowns: Tensor, seen: Tensor) -> PriorParabola:
    gradient, bends, absorption = _summed(unknowns, prior)
    steepness = _inverse_lengths(
        gradient, prior.steepness_smoothing, prior.steepness_is_axial
    )
    bending = _inverse_lengths(bends, prior.bending_smoothing, prior.bending_is_axial)
    absorbing = _inverse_lengths(absorption, prior.amplitude_smoothing, tf.zeros([]))
    unseen = 1.0 - seen
    return PriorParabola(
        tuple(
            prior.steepness_weight * seen * each + prior.border_weight * unseen
            for each in steepness
        ),
        tuple(prior.bending_weight * seen * each for each in bending),
        tuple(
            prior.amplitude_weight * seen * each + prior.amplitude_weight**2 * unseen
            for each in absorbing
        ),
        prior.known_steepness,
        prior.known_bending,
        prior.roughness,
    )


def _summed(
    unknowns: Tensor, prior: Prior | PriorParabola
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return what is summed: of gradient, bends and the gradient of the log amplitude."""
    gradient = differences(unknowns[0])
    return (
        unknown_part(gradient, prior.known_steepness),
        unknown_part(bends_of(gradient), prior.known_bending),
        differences(unknowns[1]),
    )


def _inverse_lengths(
    parts: tuple[Tensor, ...], smoothing: Tensor, is_axial: Tensor
) -> list[Tensor]:
    together = tf.add_n([part**2 for part in parts])
    return [
        tf.math.rsqrt(together + is_axial * (part**2 - together) + smoothing**2)
        for part in parts
    ]


def _random_pull_of_prior(
    prior: PriorParabola, shape: tuple[int, ...], rng: np.random.Generator
) -> Tensor:
    def drawn(curvatures: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(
            tf.sqrt(each) * rng.standard_normal(shape, np.float32) for each in curvatures
        )

    drawn_parts = tuple(map(drawn, (prior.steepness, prior.bending, prior.absorption)))
    pulls = _pulled(drawn_parts, prior)
    rough = tf.constant(rng.standard_normal(shape, np.float32))
    return pulls + _of_phase(filtered(rough, tf.sqrt(prior.roughness)))


def _of_phase(of_phase: Tensor) -> Tensor:
    return tf.stack([of_phase, tf.zeros_like(of_phase)])


def _pull_of_prior(move: Tensor, prior: PriorParabola) -> Tensor:
    """Return the curvature of what the prior sums, times a move, (2, ny, nx)."""
    with tf.GradientTape() as tape:
        tape.watch(move)
        curvatures = (prior.steepness, prior.bending, prior.absorption)
        value = 0.5 * tf.add_n(
            [
                _sum_of(parts, tuple(map(tf.multiply, by, parts)))
                for by, parts in zip(curvatures, _summed(move, prior), strict=True)
            ]
        )
    return tape.gradient(value, move)


@traced
def _pulled(pulls: tuple[tuple[Tensor, ...], ...], prior: PriorParabola) -> Tensor:
    """Return what pulls at phase and log amplitude where what is summed is pulled at."""
    move = tf.zeros([2, *pulls[0][0].shape])
    with tf.GradientTape() as tape:
        tape.watch(move)
        value = tf.add_n(list(map(_sum_of, pulls, _summed(move, prior))))
    return tape.gradient(value, move)


def _sum_of(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> Tensor:
    return tf.add_n([total(a * b) for a, b in zip(one, other, strict=True)])
