"""Phase, alignment and optics, refined together; and which frames take part."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.recon.alignment import realigned
from ltemlive.recon.field import ALIGNED
from ltemlive.recon.judging import reviewed
from ltemlive.recon.model import with_used
from ltemlive.recon.placing import levelled, without_parabola
from ltemlive.recon.refocusing import has_strayed_far, optics_fit, refocused
from ltemlive.recon.rounds import FIT_EACH_OTHER
from ltemlive.recon.search import bare_search, misfit
from ltemlive.recon.solver import BETTER_FIT, StepReport, refine
from ltemlive.recon.starts import flat_again, settled_again
from ltemlive.recon.weighing import DOUBTING_ROUND, Stage

if TYPE_CHECKING:
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState

MOST_SETTLED = 6
"""Rounds in which a phase settles after its optics have moved once more."""


def refine_jointly(
    model: SeriesModel, state: SolverState, n_steps: int
) -> tuple[SeriesModel, SolverState, StepReport]:
    """Return model and state after at most ``n_steps`` steps, fewer at rest.

    As ``refine``, but the frames are moved before each round, from the second of edges on,
    when the phase begins to be right, until the last, in which it settles. From the fourth
    on, when edges have been doubted, they are refocused, too, which takes a round's time.
    Where their defocus would go farther then, they are moved and it settles again. Where
    they do not fit each other by then, they are tried as they came. Where the optics have
    turned out far from what was stated, the phase begins anew with those found. At rest it
    is asked whether all frames belong to the series; where one does not, all begins anew.
    """
    reports: list[StepReport] = []
    left, evaluations = n_steps, state.evaluations
    while left > 0 and not state.is_converged and (not reports or reports[-1].is_finite):
        if _may_move(state):
            model, state = _moved(model, state)
            # To lie elsewhere is no new image in focus.
            state = replace(state, first_amplitude=model.series.amplitude)
        state, report = refine(state, model.series, left, one_round=True)
        reports.append(report)
        left -= report.steps
        if state.is_converged and state.settings.refines_optics:
            model, state = _at_rest(model, state)
        if state.is_converged and state.settings.judges_frames:
            model, state = reviewed(model, state)
    return model, state, _together(reports, state, state.evaluations - evaluations)


def _moved(model: SeriesModel, state: SolverState) -> tuple[SeriesModel, SolverState]:
    """Return the model with its frames moved, and refocused until that is settled."""
    if _may_refocus(state):
        fit = optics_fit(model, state)
        model = refocused(model, fit)
        state = replace(
            state,
            has_settled_optics=fit.is_settled,
            optics_before=fit,
            evaluations=state.evaluations + fit.evaluations,
        )
        if fit.is_near and _has_locked_wrongly(model, state):
            # A flat phase says nothing of where the frames lie.
            flat = flat_again(state, model.series)
            return model, replace(flat, has_begun_refocused=True)
    if state.settings.aligns_frames:
        if _may_be_misplaced(model, state):
            model, state = _as_they_came(model, state)
        model = levelled(realigned(model, state), state)
        model, state = without_parabola(model, state)
    return model, state


def _may_be_misplaced(model: SeriesModel, state: SolverState) -> bool:
    """Return whether images fit so badly that their frames may lie elsewhere.

    Asked once from each beginning, after edges have been doubted. A smooth phase locks in
    nowhere.
    """
    is_early = state.stage == Stage.EDGES and state.round <= DOUBTING_ROUND
    if is_early or state.is_smooth or state.has_tried_as_they_came:
        return False
    return FIT_EACH_OTHER < state.misfit < math.inf and not all(
        member.is_aligned for member in model.used
    )


def _as_they_came(
    model: SeriesModel, state: SolverState
) -> tuple[SeriesModel, SolverState]:
    """Return both begun anew from frames that nobody has moved, where these fit better.

    Frames of one pattern again and again, or of rims that slip, are easily registered some
    pixels off, and edges then lock in there.
    """
    came = with_used(
        model,
        [
            # What does not show does not show there, either.
            replace(each.aligned(), registered_px=each.registered_px and ALIGNED)
            for each in model.used
        ],
    )
    tried = flat_again(state, came.series)
    n_steps = state.settings.gentle_steps + 2 * state.settings.round_steps
    tried, _ = refine(tried, came.series, n_steps)
    of_tried = misfit(bare_search(tried, came.series), came.series)
    is_better = of_tried < BETTER_FIT * misfit(
        bare_search(state, model.series), model.series
    )
    chosen, begun = (came, tried) if is_better else (model, state)
    return chosen, replace(
        begun,
        search=None,
        steps=state.steps,
        evaluations=tried.evaluations + 2,
        has_tried_as_they_came=True,
        # Else each beginning would bring the other about.
        has_begun_refocused=state.has_begun_refocused,
    )


def _has_locked_wrongly(model: SeriesModel, state: SolverState) -> bool:
    """Return whether edges have locked in under optics far from those found since."""
    has_edges = not state.is_smooth and state.stage < Stage.SETTLED
    return has_edges and not state.has_begun_refocused and has_strayed_far(model)


def _at_rest(model: SeriesModel, state: SolverState) -> tuple[SeriesModel, SolverState]:
    """Return both at rest, or refocused once more, to settle again."""
    fit = optics_fit(model, state)
    state = replace(
        state, evaluations=state.evaluations + fit.evaluations, optics_before=fit
    )
    if fit.is_good or state.round > MOST_SETTLED:
        return model, replace(state, optics_fit=fit)
    return refocused(model, fit), settled_again(state)


def _may_move(state: SolverState) -> bool:
    """Return whether a round begins, after one that believed images as they are."""
    is_early = state.stage == Stage.EDGES and state.round in (0, DOUBTING_ROUND + 1)
    return state.search is None and state.stage >= Stage.EDGES and not is_early


def _may_refocus(state: SolverState) -> bool:
    """Return whether optics are to be asked for, and edges good enough to tell."""
    is_early = state.stage == Stage.EDGES and state.round <= DOUBTING_ROUND
    return state.settings.refines_optics and not state.has_settled_optics and not is_early


def _together(
    reports: list[StepReport], state: SolverState, evaluations: int
) -> StepReport:
    return StepReport(
        sum(report.steps for report in reports),
        evaluations,
        tuple(value for report in reports for value in report.objective),
        all(report.is_finite for report in reports),
        state.is_converged,
    )
