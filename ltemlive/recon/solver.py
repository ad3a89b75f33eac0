"""The solver: a pure step from one explicit state to the next.

    refine(state, series, n_steps) -> (state, report)

Warm start is to pass the previous state, together with a series that has grown: nothing
else survives between frames, so restart, replay and test come free.

Before the first step the images are asked what to expect (``guesses``). Where power falls
so fast that no edge is resolved, its law is the prior, and the best guess the start; of the
longest waves the phase itself tells more than a law, once it hardly moves (``rings``).

Otherwise the steps come in rounds, the rounds in stages. The first step is gentle: no prior
on the phase, and a metric so damped that all its waves move alike. Then edges lock in under
total variation, damped for as long as that makes the images fit better, because a hasty
step towards strongly defocused images leaves phase slips along edges that no later step
repairs. Slips of a whole turn come all the same where an edge steps by nearly pi, and are
taken out on trial (``slips``). When the phase hardly moves any more, the whole prior is
weighed by it, four times, told which edges are known, and relieved where the data know
better. One search under the prior thus found goes on until it rests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.guesses import expecting
from ltemlive.recon.priors import no_prior
from ltemlive.recon.rings import expecting_rings
from ltemlive.recon.rounds import after_steps, is_last_weighing, steps_to_look
from ltemlive.recon.search import advanced, bare_search, misfit, searching
from ltemlive.recon.slips import without_slips
from ltemlive.recon.weighing import (
    Stage,
    WeightLimits,
    believed_part,
    doubted,
    weight_limits,
)

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.lbfgs import LbfgsState
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.priors import Prior
    from ltemlive.recon.refocusing import OpticsFit
    from ltemlive.settings import SolverSettings


EDGES_CLOSE_RAD = 0.1
"""Edges still lock in where a round moves the phase by more."""
BETTER_FIT = 0.97
"""A round that brings the misfit below this part of what it was has been worth damping."""


@dataclass(frozen=True, slots=True, eq=False)
class SolverState:
    """Everything that one step hands to the next."""

    settings: SolverSettings
    search: LbfgsState | None
    """None until the series has an image, and between rounds."""
    unknowns: Tensor
    """Phase [rad] and log amplitude, float32, (2, ny, nx) of the solved field."""
    first_amplitude: Tensor
    """Where the amplitude started from."""
    round_start: Tensor
    """The phase when the round began."""
    last_look: Tensor
    """The phase when the search was last asked whether it still moves."""
    prior: Prior
    metric: Tensor
    step_length: Tensor
    """Of the metric's step, for the next search to begin with."""
    roughness: Tensor | None = None
    """Inverse power expected of each wave of the phase; None until its images are asked."""
    is_smooth: bool = False
    """Whether its power falls so fast that there are no edges to lock in."""
    limits: WeightLimits | None = None
    """Of this round's weights; None until edges lock in."""
    misfit: float = float("inf")
    """Of the images when the round began; pure noise would have 1."""
    moved_rad: float = float("inf")
    """In the last round."""
    is_damped: bool = True
    """Whether this round of edges is."""
    slips_kept: int = 0
    """How often to take out its steps of more than pi has made nothing better, or has come
    after edges had stood."""
    stage: Stage = Stage.GENTLE
    round: int = 0
    """Within the stage."""
    step_in_round: int = 0
    steps: int = 0
    evaluations: int = 0
    begun_at: int = 0
    """Steps of all starts before this one: frames turned out not to belong, or optics to be
    far off."""
    has_tried_as_they_came: bool = False
    """Whether frames that fit badly have been tried where nobody has moved them."""
    has_settled_optics: bool = False
    """Whether what is known of defocus and divergence moves them no farther (``joint``)."""
    has_begun_refocused: bool = False
    """Whether the phase has begun anew because they were far off."""
    optics_before: OpticsFit | None = None
    """What moved them last."""
    optics_fit: OpticsFit | None = None
    """What the images say of defocus and divergence where the phase has come to rest."""
    is_converged: bool = False

    @property
    def steps_since_begun(self) -> int:
        """Return the steps since the phase was flat."""
        return self.steps - self.begun_at

    @property
    def phase(self) -> Tensor:
        """Return the phase [rad], (ny, nx)."""
        return self.unknowns[0]

    @property
    def amplitude(self) -> Tensor:
        """Return the amplitude of the exit wave, (ny, nx)."""
        return tf.exp(self.unknowns[1])


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a call of ``refine`` did."""

    steps: int
    evaluations: int
    objective: tuple[float, ...]
    """After each step, in units of noise (a perfect fit has half the number of pixels), the
    prior included: comparable within a round."""
    is_finite: bool
    is_converged: bool


def cold_start(series: FocalSeries, settings: SolverSettings) -> SolverState:
    """Return the state before the first step: a flat phase, the guessed amplitude."""
    flat = tf.zeros_like(series.amplitude)
    start = tf.stack([flat, tf.math.log(series.amplitude)])
    return SolverState(
        settings,
        search=None,
        unknowns=start,
        first_amplitude=series.amplitude,
        round_start=flat,
        last_look=flat,
        prior=no_prior(tuple(flat.shape)),
        metric=tf.zeros_like(series.stiffness),
        step_length=tf.ones([]),
    )


def refine(
    state: SolverState, series: FocalSeries, n_steps: int, *, one_round: bool = False
) -> tuple[SolverState, StepReport]:
    """Return the state after at most ``n_steps`` steps, fewer where it has converged.

    Pure: equal arguments give equal results, to the bit on one machine with one number of
    threads. A result that is not finite is reported, never raised.

    Parameters
    ----------
    state
        From ``cold_start``, ``starts.warm_start`` or the last call.
    series
        At least one defocused image; the same as in the last call, or else the state
        went through ``starts.warm_start``.
    n_steps
        Budget; every step costs one gradient, rarely two.
    one_round
        Whether to come back where a round ends, before the budget is spent.
    """
    objective: list[float] = []
    evaluations = state.evaluations
    is_finite = True
    while len(objective) < n_steps and not state.is_converged and is_finite:
        search = state.search
        if search is None:
            state, search = _begun_round(state, series)
        budget = min(n_steps - len(objective), steps_to_look(state))
        state, reached = advanced(state, search, doubted(series, state), budget)
        objective.extend(reached)
        is_finite = all(value < float("inf") for value in reached)
        if is_finite:
            state = after_steps(state, series.weight)
        if one_round and state.search is None:
            break
    report = StepReport(
        len(objective),
        state.evaluations - evaluations,
        tuple(objective),
        is_finite,
        state.is_converged,
    )
    return state, report


def _begun_round(state: SolverState, series: FocalSeries) -> tuple[SolverState, LbfgsState]:
    """Ask the images anew if they have changed, and start a search with an empty memory."""
    if state.roughness is None:
        state = expecting(state, series)
    state = without_slips(state, series)
    believed = doubted(series, state)
    bare = bare_search(state, believed)
    if state.stage in (Stage.EDGES, Stage.WHOLE) and not state.is_smooth:
        # In noise that is the same in all rounds.
        part = float(believed_part(believed.precision, series))
        state = _with_misfit(state, believed, bare, misfit(bare, believed) / part)
    if state.is_smooth and is_last_weighing(state):
        state = expecting_rings(state, believed)
    return searching(state, believed, bare)


def _with_misfit(
    state: SolverState, series: FocalSeries, bare: LbfgsState, value: float
) -> SolverState:
    """Return the state that knows how well the images fit, and what weights they allow."""
    is_worth_it = value < BETTER_FIT * state.misfit or state.moved_rad > EDGES_CLOSE_RAD
    return replace(
        state,
        limits=weight_limits(state.phase, bare.gradient[0], state.roughness, series),
        misfit=value,
        is_damped=state.is_damped and is_worth_it,
    )
