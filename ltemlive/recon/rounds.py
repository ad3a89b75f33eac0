"""When a round of the search is over, a stage done, and the phase at rest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.physics.accuracy import without_plane
from ltemlive.recon.weighing import Stage

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.solver import SolverState

WEIGHING_ROUNDS = 4
"""Of the whole prior, before it settles."""
EDGES_STAND = 6.0
"""In units of the tolerance: a round of edges that moves the phase by less is the last, and
it is over where a few steps move it by less than half of that."""
MOST_EDGES_ROUNDS = 10
"""Of edges, whether they stand or not."""
REST = 0.2
"""In units of the tolerance: the last search rests where a look finds less. Edges of images
of strong defocus creep, a fiftieth of what they are off in each look."""
FIT_EACH_OTHER = 1.2
"""Misfit (noise has 1) above which images contradict each other: it would never rest so."""
LOOK_STEPS = 5
"""So often the search is asked whether it still moves."""


def steps_to_look(state: SolverState) -> int:
    """Return after how many steps ``after_steps`` may end the round."""
    to_look = LOOK_STEPS - state.step_in_round % LOOK_STEPS
    return int(min(to_look, _round_length(state) - state.step_in_round))


def after_steps(state: SolverState, weight: Tensor) -> SolverState:
    """End the round where it is over, or where the search hardly moves any more.

    ``weight`` is 1 where the camera saw, (ny, nx).
    """
    if state.step_in_round >= _round_length(state):
        return _end_round(state, weight)
    rest_rad = _rest_rad(state)
    if state.step_in_round % LOOK_STEPS or not rest_rad:
        return state
    if _moved_rad(state.phase - state.last_look, weight) < rest_rad:
        return _end_round(state, weight)
    return replace(state, last_look=state.phase)


def is_last_weighing(state: SolverState) -> bool:
    """Return whether this round is the last that weighs the whole prior."""
    return state.stage == Stage.WHOLE and state.round + 1 >= WEIGHING_ROUNDS


def _round_length(state: SolverState) -> float:
    """Return the steps of a round at most; the last one goes on until it rests."""
    settings = state.settings
    return {
        Stage.GENTLE: settings.gentle_steps,
        Stage.EDGES: settings.round_steps,
        Stage.WHOLE: settings.weighing_steps,
        Stage.SETTLED: math.inf,
    }[state.stage]


def _rest_rad(state: SolverState) -> float:
    """Return the move between two looks below which the round is over; 0: none is.

    Damped edges creep, without noise for many rounds.
    """
    if state.stage == Stage.SETTLED and state.misfit < FIT_EACH_OTHER:
        return REST * state.settings.tolerance_rad
    if state.stage == Stage.SETTLED or state.is_smooth:
        return state.settings.tolerance_rad
    if state.stage == Stage.EDGES and not state.is_damped:
        return 0.5 * EDGES_STAND * state.settings.tolerance_rad
    return 0.0


def _end_round(state: SolverState, weight: Tensor) -> SolverState:
    """Go on to the next round, or to the next stage, or rest."""
    moved_rad = _moved_rad(state.phase - state.round_start, weight)
    tolerance_rad = state.settings.tolerance_rad
    is_done = {
        Stage.GENTLE: True,
        Stage.EDGES: _edges_stand(state, moved_rad),
        Stage.WHOLE: is_last_weighing(state),
        Stage.SETTLED: False,
    }[state.stage]
    # A search that stalls after it has moved is begun anew, without memory.
    is_stalled = state.search is not None and bool(state.search.is_stalled)
    goes_on = is_stalled and moved_rad > tolerance_rad
    return replace(
        state,
        search=None,
        stage=Stage(state.stage + 1) if is_done else state.stage,
        round=0 if is_done else state.round + 1,
        step_in_round=0,
        moved_rad=moved_rad,
        is_converged=state.stage == Stage.SETTLED and not goes_on,
    )


def _edges_stand(state: SolverState, moved_rad: float) -> bool:
    """Return whether edges stand; among images that contradict each other they never do."""
    do_stand = moved_rad < EDGES_STAND * state.settings.tolerance_rad
    return (do_stand and not state.is_damped) or state.round + 1 >= MOST_EDGES_ROUNDS


def _moved_rad(move: Tensor, weight: Tensor) -> float:
    """Return the rms of a move within the frame, less its plane, which hardly shows."""
    seen = weight.numpy() > 0.0
    frame = move.numpy()[np.ix_(seen.any(axis=1), seen.any(axis=0))]
    return float(without_plane(frame).std())
