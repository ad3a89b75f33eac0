"""What to expect of a phase before the first step, asked of the images alone.

To first order, as if the phase were weak, images give a phase and the power law of its
waves at once. The strongest of them show the finest waves, but leave first order soonest; a
few weak ones may then guess better than all. Which guess is the best, the misfit of all
images tells: at once where one of them fits, otherwise after a few steps from each.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.recon.preparation import of_images
from ltemlive.recon.search import advanced, bare_search, misfit, searching
from ltemlive.recon.spectrum import PowerLaw, filtered, power_law, weak_contrasts
from ltemlive.recon.weighing import STIFFNESS_FLOOR, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState

FITS = 1.2
"""Misfit up to which a guess is rated as it is. All may be far off where a phase is strong;
then some steps tell those that lead on from those that lead into a trap."""
TRIAL_STEPS = 5
"""Enough to part them by a factor of two in misfit, on wires of 10 to 20 rad."""
LEAST_STRENGTH = 1e-3
"""Of an image that guesses alone, relative to the strongest."""
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


def expecting(state: SolverState, series: FocalSeries) -> SolverState:
    """Return the state that knows what to expect of the phase.

    Asked at a flat phase, whatever it is by now: so live and final expect the same. A
    smooth phase goes on from the best guess if that fits better; one with edges does not,
    for a guess has ripples where they are. The gradient of a part counts as one of the
    whole.
    """
    flat = _at(state, tf.zeros_like(series.amplitude), series)
    guesses = []
    for part in weakest_first(series):
        slope = bare_search(flat, part).gradient[0]
        guesses.append(first_order_guess(slope, part))
    state = replace(state, evaluations=state.evaluations + len(guesses))
    if not any(guess.is_smooth for guess in guesses):
        return _with_edges(state, guesses[-1])
    trials = [_as_it_is(flat, guess, series) for guess in guesses]
    if min(trial.misfit for trial in trials) > FITS:
        trials = [_after_some_steps(flat, guess, series) for guess in guesses]
    best = min(trials, key=lambda trial: trial.misfit)
    spent = sum(trial.evaluations for trial in trials)
    state = replace(state, evaluations=state.evaluations + spent)
    if not best.guess.is_smooth:
        return _with_edges(state, guesses[-1])
    unknowns = state.unknowns
    if best.misfit < misfit(bare_search(state, series), series):
        unknowns = best.unknowns
    return replace(
        state,
        unknowns=unknowns,
        roughness=best.guess.roughness,
        is_smooth=True,
        stage=Stage.WHOLE,
        round=0,
        step_in_round=0,
        evaluations=state.evaluations + 1,
    )


class _Trial(NamedTuple):
    """Where a guess leads."""

    guess: Guess
    unknowns: Tensor
    misfit: float
    """Infinite where it leads nowhere."""
    evaluations: int


def _as_it_is(flat: SolverState, guess: Guess, series: FocalSeries) -> _Trial:
    return _rated(_at(flat, guess.phase, series), guess, series, evaluations=1)


def _after_some_steps(flat: SolverState, guess: Guess, series: FocalSeries) -> _Trial:
    """Return where a few steps under its own law take a guess."""
    start = replace(
        _at(flat, guess.phase, series),
        roughness=guess.roughness,
        is_smooth=True,
        stage=Stage.WHOLE,
        round=0,
    )
    begun, search = searching(start, series, bare_search(start, series))
    tried, _ = advanced(begun, search, series, TRIAL_STEPS)
    return _rated(tried, guess, series, evaluations=tried.evaluations + 1)


def _rated(
    state: SolverState, guess: Guess, series: FocalSeries, *, evaluations: int
) -> _Trial:
    value = misfit(bare_search(state, series), series)
    value = value if math.isfinite(value) else math.inf
    return _Trial(guess, state.unknowns, value, evaluations)


def _at(state: SolverState, phase: Tensor, series: FocalSeries) -> SolverState:
    """Return the state at a phase, with the first amplitude and nothing spent."""
    unknowns = tf.stack([phase, tf.math.log(series.amplitude)])
    return replace(state, unknowns=unknowns, evaluations=0)


def _with_edges(state: SolverState, guess: Guess) -> SolverState:
    if state.is_smooth:
        state = replace(state, stage=Stage.GENTLE, round=0, step_in_round=0)
    return replace(state, roughness=guess.roughness, is_smooth=False)


def weakest_first(series: FocalSeries) -> Iterator[FocalSeries]:
    """Yield the series of its 1, 2, 4 ... weakest images, and last the whole of it."""
    n_images = series.measured.shape[0]
    # Of the longest wave along x an image shows as much as it is defocused.
    strength = 0.5 * np.abs(
        (series.transfer[:, 0, 1] - tf.math.conj(series.transfer[:, 0, -1])).numpy()
    )
    order = np.argsort(strength, kind="stable")
    # One in focus that is moved or blurred has optics of its own, and shows no phase.
    order = order[strength[order] > LEAST_STRENGTH * strength.max(initial=0.0)]
    n_taken = 1
    while n_taken < min(n_images, len(order)):
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
    stiffness = tf.zeros_like(series.stiffness[0])
    for index in range(len(indices)):
        of_phase, _ = weak_contrasts(part.transfer[index], part.blur[index])
        stiffness += part.precision[index] * of_phase**2
    return part._replace(stiffness=tf.stack([stiffness, series.stiffness[1]]))
