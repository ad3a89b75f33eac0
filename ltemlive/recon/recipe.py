"""The recipe of Zhou, Cherukara & Phatak (arXiv 2012.04037), rebuilt to compare with.

The amplitude is that of the denoised image in focus and stays; the phase starts at 0.5 rad
and goes downhill on the mean squared error of the defocused images. The authors' code makes
a new Adam optimiser in every iteration, which leaves of it a clipped gradient: each pixel
moves by g / (|g| + softening). In ``paper+TV`` total variation is added to the error with
their fixed weight. They stopped where the error hardly fell any more, and so does this.

Two things are not theirs. The error is the project's own, at equal precision: an image is
scaled to fit where they divide by its mean. And weight and softening are those of 512 x 512
pixels whatever the size of an image, for else the recipe would depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.compiled import compiled
from ltemlive.recon.objective import objective_and_gradient, seen_in
from ltemlive.recon.priors import no_prior

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tensorflow import Tensor

    from ltemlive.recon.objective import FocalSeries

START_RAD = 0.5
AUTHORS_PIXELS = 512 * 512
SOFTENING = 0.5 * AUTHORS_PIXELS * 3.16e-6
"""Of the clipped gradient; the authors' 3.16e-6 is of a mean of squares over all pixels,
this of half their sum, for each image."""
TV_WEIGHT = 0.5 * AUTHORS_PIXELS * 4e-8
"""Of total variation in ``paper+TV``, for each image; theirs, in the same units."""
TV_STEPS = 5000
"""Under total variation the steps shake too much to tell whether the error falls."""
STEPS_PER_LOOK = 50
LEAST_FALL = 3e-5
"""The error must fall by this part of itself from look to look; so they had 1789 steps for
four images, where this takes about as many."""


@dataclass(frozen=True, slots=True, eq=False)
class RecipeState:
    """Where the descent stands."""

    unknowns: Tensor
    """Phase [rad] and log amplitude, which stays; float32, (2, ny, nx) of the field."""
    steps: int = 0
    error: tuple[float, ...] = ()
    """Mean over pixels and images of the squared residual, before each step; with total
    variation where there is any."""

    @property
    def phase(self) -> Tensor:
        """Return the phase [rad], (ny, nx)."""
        return self.unknowns[0]


def descend(series: FocalSeries, max_steps: int, *, with_tv: bool) -> Iterator[RecipeState]:
    """Yield the state every 50 steps, until the error rests or ``max_steps`` are done.

    With total variation after 5000 steps, whatever the error.

    Parameters
    ----------
    series
        The defocused images alone, with the amplitude of the one in focus.
    with_tv
        Whether total variation is added to the error.
    """
    n_images = series.measured.shape[0]
    series = series._replace(precision=tf.ones_like(series.precision))
    max_steps = min(max_steps, TV_STEPS) if with_tv else max_steps
    tv_weight = tf.constant(n_images * TV_WEIGHT if with_tv else 0.0)
    flat = tf.fill(series.amplitude.shape, START_RAD)
    state = RecipeState(tf.stack([flat, tf.math.log(series.amplitude)]))
    n_measured = float(tf.reduce_sum(seen_in(series.measured)))
    advance = _descent(tuple(series.amplitude.shape), tuple(series.blur.shape[1:]))
    while state.steps < max_steps:
        n_steps = min(STEPS_PER_LOOK, max_steps - state.steps)
        unknowns, objective = advance(
            state.unknowns, series, tv_weight, tf.constant(n_steps)
        )
        before = state.error[-1] if state.error else float("inf")
        error = tuple(2.0 / n_measured * float(value) for value in objective.numpy())
        state = RecipeState(unknowns, state.steps + n_steps, (*state.error, *error))
        yield state
        if not with_tv and not error[-1] < (1.0 - LEAST_FALL) * before:
            return


@cache
def _descent(
    shape: tuple[int, int], blur_shape: tuple[int, int]
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return the graph that goes downhill on series of one kind, however many images.

    Were both kinds of coherence to meet in one trace, the shape of the blur would be open,
    and the blur left out.
    """
    bare = no_prior(shape)

    @partial(tf.function, reduce_retracing=True)
    def advance(
        unknowns: Tensor, series: FocalSeries, tv_weight: Tensor, n_steps: Tensor
    ) -> tuple[Tensor, Tensor]:
        n_images = tf.cast(tf.shape(series.measured)[0], tf.float32)
        objectives = tf.TensorArray(tf.float32, size=n_steps, element_shape=[])
        for step in tf.range(n_steps):
            objective, gradient = objective_and_gradient(unknowns, series, bare)
            steepness, along_steepness = _total_variation(unknowns[0])
            objective += tv_weight * steepness
            along_phase = (gradient[0] + tv_weight * along_steepness) / n_images
            move = along_phase / (tf.abs(along_phase) + SOFTENING)
            unknowns -= tf.stack([move, tf.zeros_like(move)])
            objectives = objectives.write(step, objective)
        return unknowns, objectives.stack()

    graph: Callable[..., tuple[Tensor, Tensor]] = advance
    return graph


@compiled
def _total_variation(phase: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the steps along both axes, and its derivative."""
    with tf.GradientTape() as tape:
        tape.watch(phase)
        value = tf.image.total_variation(phase[..., tf.newaxis])
    return value, tape.gradient(value, phase)
