"""Where the solver begins again: at a known phase, with more images, or after trouble.

Or with other frames or optics than before. Each is pure; ``solver.cold_start`` comes first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.search import bare_search, misfit
from ltemlive.recon.slips import MOST_TRIALS
from ltemlive.recon.solver import cold_start
from ltemlive.recon.weighing import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings


def start_at(
    phase_rad: NDArray[np.float32], series: FocalSeries, settings: SolverSettings
) -> SolverState:
    """Return the state before the first step: at a phase, if it fits better than none.

    Parameters
    ----------
    phase_rad
        (ny, nx) of the solved field.
    series
        At least one defocused image.
    """
    flat = cold_start(series, settings)
    there = replace(flat, unknowns=tf.stack([tf.constant(phase_rad), flat.unknowns[1]]))
    of_flat, of_there = (
        misfit(bare_search(each, series), series) for each in (flat, there)
    )
    # Not so where it is not a number.
    return replace(there if of_there < of_flat else flat, evaluations=2)


def warm_start(state: SolverState, series: FocalSeries) -> SolverState:
    """Return the state ready for ``series``, which has changed.

    The phase is kept, the memory of the search is not; gentle steps already done count. An
    amplitude is kept unless new images in focus have brought a better guess. Slips that
    other images wanted are tried once more.
    """
    unknowns = state.unknowns
    if bool(tf.reduce_any(series.amplitude != state.first_amplitude)):
        unknowns = tf.stack([unknowns[0], tf.math.log(series.amplitude)])
    return replace(
        state,
        search=None,
        unknowns=unknowns,
        first_amplitude=series.amplitude,
        misfit=float("inf"),
        moved_rad=float("inf"),
        is_damped=True,
        slips_kept=min(state.slips_kept, MOST_TRIALS - 1),
        roughness=None,
        stage=min(state.stage, Stage.WHOLE),
        round=0,
        step_in_round=0 if state.stage else state.step_in_round,
        has_tried_as_they_came=False,
        has_settled_optics=False,
        optics_before=None,
        optics_fit=None,
        is_converged=False,
    )


def flat_again(state: SolverState, series: FocalSeries) -> SolverState:
    """Return the state of a flat phase whose steps count on from those so far."""
    return replace(
        cold_start(series, state.settings),
        steps=state.steps,
        evaluations=state.evaluations,
        begun_at=state.steps,
    )


def settled_again(state: SolverState) -> SolverState:
    """Return the state that goes on from rest under the prior it has.

    For what changes the images so little that their weights stay.
    """
    return replace(
        state,
        search=None,
        moved_rad=float("inf"),
        is_converged=False,
    )


def gentle_start(state: SolverState, series: FocalSeries) -> SolverState:
    """Return the state that starts anew from its phase, as after numerical trouble."""
    return replace(
        warm_start(state, series), stage=Stage.GENTLE, step_length=tf.ones([]), limits=None
    )
