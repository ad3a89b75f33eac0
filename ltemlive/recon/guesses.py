"""What to expect of a phase before the first step, asked of the images alone.

To first order, as if the phase were weak, images give a phase and the power law of its
waves at once. The strongest of them show the finest waves, but leave first order soonest; a
few weak ones may then guess better than all. Which guess is the best, the misfit of all
images tells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.recon.preparation import of_images
from ltemlive.recon.spectrum import PowerLaw, filtered, power_law
from ltemlive.recon.weighing import STIFFNESS_FLOOR, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.lbfgs import LbfgsState
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState

FEWEST = 2
"""Images that guess together; a pair, if there is one of like strength."""
SMOOTH_EXPONENT = -4.5
"""A phase whose power falls faster than this has no edges that the images resolve."""


class Guess(NamedTuple):
    """A phase, and the power law that it was drawn from."""

    phase: Tensor
    """[rad], (ny, nx)."""
    law: PowerLaw

    @property
    def is_smooth(self) -> bool:
        """Return whether no edges are resolved."""
        return self.law.exponent < SMOOTH_EXPONENT

    @property
    def roughness(self) -> Tensor:
        """Return the inverse power expected of each wave, (ny, nx // 2 + 1)."""
        return self.law.roughness(tuple(self.phase.shape))


def expecting(
    state: SolverState, series: FocalSeries, begin: Callable[..., LbfgsState]
) -> SolverState:
    """Return the state that knows what to expect of the phase.

    Asked at a flat phase, whatever it is by now: so live and final expect the same. A
    smooth phase goes on from the best guess if that fits better; one with edges does not,
    for a guess has ripples where they are. ``begin`` is that of ``search_graphs``; the
    gradient of a part counts as one of the whole.
    """
    flat = tf.stack([tf.zeros_like(series.amplitude), tf.math.log(series.amplitude)])

    def misfit(phase: Tensor, log_amplitude: Tensor) -> float:
        unknowns = tf.stack([phase, log_amplitude])
        return float(begin(unknowns, series, state.step_length).objective)

    guesses = []
    for part in weakest_first(series):
        slope = begin(flat, part, state.step_length).gradient[0]
        guesses.append(first_order_guess(slope, part))
    state = replace(state, evaluations=state.evaluations + len(guesses))
    if not any(guess.is_smooth for guess in guesses):
        return _with_edges(state, guesses[-1])
    misfits = [misfit(guess.phase, flat[1]) for guess in guesses]
    state = replace(state, evaluations=state.evaluations + len(guesses))
    best = guesses[int(np.argmin(np.nan_to_num(misfits, nan=np.inf)))]
    if not best.is_smooth:
        return _with_edges(state, guesses[-1])
    phase, log_amplitude = tf.unstack(state.unknowns)
    if misfit(best.phase, log_amplitude) < misfit(phase, log_amplitude):
        phase = best.phase
    return replace(
        state,
        unknowns=tf.stack([phase, log_amplitude]),
        roughness=best.roughness,
        is_smooth=True,
        stage=Stage.WHOLE,
        round=0,
        step_in_round=0,
        evaluations=state.evaluations + 2,
    )


def _with_edges(state: SolverState, guess: Guess) -> SolverState:
    if state.is_smooth:
        state = replace(state, stage=Stage.GENTLE, round=0, step_in_round=0)
    return replace(state, roughness=guess.roughness, is_smooth=False)


def weakest_first(series: FocalSeries) -> Iterator[FocalSeries]:
    """Yield the series of its 2, 4, 8 ... weakest images, and last the whole of it."""
    n_images = series.measured.shape[0]
    # Of the longest wave along x an image shows as much as it is defocused.
    strength = np.abs(tf.math.imag(series.transfer[:, 0, 1]).numpy())
    order = np.argsort(strength, kind="stable")
    n_taken = FEWEST
    while n_taken < n_images:
        yield _part(series, np.sort(order[:n_taken]))
        n_taken *= 2
    yield series


def first_order_guess(slope: Tensor, series: FocalSeries) -> Guess:
    """Return one Newton step from a flat phase, under the likeliest power law.

    A Wiener filter of what the images show to first order. ``slope`` is the derivative of
    their misfit by each pixel of the phase, where it is flat, (ny, nx).
    """
    stiffness = series.stiffness[0]
    taper = _taper(series.weight.numpy())
    law = power_law(slope * taper, stiffness, float(np.sum(taper**2)))
    curvature = stiffness + law.roughness(tuple(slope.shape)) + STIFFNESS_FLOOR
    return Guess(-filtered(slope, 1.0 / curvature), law)


def _taper(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a window that fades towards the rim of the frame, if the field goes on there.

    A field cut off has the spectrum of its rim at every wave.
    """
    if weight.all():
        return weight
    taper = np.zeros_like(weight)
    rows, columns = weight.any(axis=1), weight.any(axis=0)
    window = np.outer(np.hanning(rows.sum() + 2)[1:-1], np.hanning(columns.sum() + 2)[1:-1])
    taper[np.ix_(rows, columns)] = window
    return taper


def _part(series: FocalSeries, indices: NDArray[Any]) -> FocalSeries:
    """Return the series of some of its images, as stiff to a weak phase as they are."""
    part = of_images(series, indices)
    contrast = tf.math.imag(part.transfer[..., : series.stiffness.shape[-1]])
    if part.blur.shape[-1]:
        contrast *= part.blur
    precision = part.precision[:, tf.newaxis, tf.newaxis]
    stiffness = tf.reduce_sum(precision * contrast**2, axis=0)
    return part._replace(stiffness=tf.stack([stiffness, series.stiffness[1]]))
