"""Phase slips: parts of an edge that were climbed the wrong way round, and their removal.

A wave that steps by s looks as if it stepped by s - 2 pi, and where s is close to pi the
two are equally far from flat. So on its way a phase may climb one part of an edge upwards
and the next downwards. Where these parts meet, the phase winds by 2 pi around a point, a
residue (Goldstein, Zebker & Werner 1988). No film has one, and no small step takes it out,
because it can but wander along the edge until it meets its opposite.

Of each step from pixel to pixel the images show all but multiples of 2 pi. So every step is
taken to be the least that it may be, and the phase whose steps come closest to those, in
the mean square (Ghiglia & Romero 1994), has no residue left. It is off around them, too,
but edges then lock in again. A film may have steps of more than pi, so both phases are on
trial: where after a round of edges the images fit the freed one no better, and it bends no
less, the other is kept.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.recon.priors import differences, mean_bending
from ltemlive.recon.search import advanced, bare_search, misfit, searching
from ltemlive.recon.weighing import DOUBTING_ROUND, Stage, doubted, weight_limits

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState

FITS_BETTER, FITS_AS_WELL = 0.97, 1.03
"""Misfit of a phase that is freed over that of one that is not: below the first it is
better, and below the second if it bends less."""
MOST_TRIALS = 3
"""That may change nothing, or come after edges have stood: what comes back again and again
would never rest. Before the edges stand, a trial may come too early to tell."""


def without_slips(state: SolverState, series: FocalSeries) -> SolverState:
    """Return the state freed of its slips, or as it was, if it has none or needs them.

    To be asked before a round, from the second of edges on. A state without slips costs
    nothing, one that has some as much as two rounds, and its edges then lock in again.
    """
    is_early = state.stage == Stage.GENTLE or (
        state.stage == Stage.EDGES and state.round == 0
    )
    if is_early or state.is_smooth or state.slips_kept >= MOST_TRIALS:
        return state
    if not has_slips(state.phase, series.weight):
        return state
    kept = _after_edges(state, state.phase, series)
    freed = _after_edges(state, with_least_steps(state.phase), series)
    spent = kept.evaluations + freed.evaluations - state.evaluations
    is_better = _misfit(freed, series) < _worth(freed, kept, series) * _misfit(kept, series)
    is_counted = not is_better or state.stage > Stage.EDGES
    return replace(
        freed if is_better else state,
        slips_kept=state.slips_kept + is_counted,
        evaluations=spent + 2,
    )


def has_slips(phase: Tensor, weight: Tensor) -> bool:
    """Return whether a phase [rad] steps by more than pi where ``weight`` is 1."""
    steps = weight * tf.abs(tf.stack(differences(phase)))
    return float(tf.reduce_max(steps)) > math.pi


def with_least_steps(phase: Tensor) -> Tensor:
    """Return the phase [rad] that has the steps closest to the least with the same wave.

    (ny, nx), wraps around; a phase that steps nowhere by more than pi is returned as it
    is, but for rounding.
    """
    field = phase.numpy().astype(float)
    excess = np.zeros_like(field, complex)
    stiffness = np.zeros_like(field)
    for axis in range(2):
        steps = np.roll(field, -1, axis) - field
        whole_turns = 2.0 * np.pi * np.rint(steps / (2.0 * np.pi))
        waves = 2.0 * np.pi * np.fft.fftfreq(field.shape[axis])
        along = np.expand_dims(np.exp(1j * waves) - 1.0, 1 - axis)
        excess += np.conj(along) * np.fft.fft2(whole_turns)
        stiffness += np.abs(along) ** 2
    stiffness[0, 0] = np.inf  # a mean no step tells
    found = field - np.fft.ifft2(excess / stiffness).real
    return tf.constant(found, tf.float32)


def _after_edges(state: SolverState, phase: Tensor, series: FocalSeries) -> SolverState:
    """Return where a round of edges leads from a phase; the steps are not counted."""
    last_round = state.round if state.stage == Stage.EDGES else 0
    start = replace(
        state,
        unknowns=tf.stack([phase, state.unknowns[1]]),
        stage=Stage.EDGES,
        round=max(last_round, DOUBTING_ROUND),
        step_in_round=0,
        misfit=math.inf,
        moved_rad=math.inf,
        is_damped=True,
    )
    believed = doubted(series, start)
    bare = bare_search(start, believed)
    limits = weight_limits(start.phase, bare.gradient[0], start.roughness, series)
    begun, search = searching(replace(start, limits=limits), believed, bare)
    reached, _ = advanced(begun, search, believed, state.settings.round_steps)
    return replace(reached, search=None, step_in_round=0, steps=state.steps)


def _misfit(state: SolverState, series: FocalSeries) -> float:
    return misfit(bare_search(state, series), series)


def _worth(freed: SolverState, kept: SolverState, series: FocalSeries) -> float:
    """Return how much of the misfit of the one the other may have."""
    bends, bent = (float(mean_bending(each.phase, series.weight)) for each in (freed, kept))
    return FITS_AS_WELL if bends < bent else FITS_BETTER
