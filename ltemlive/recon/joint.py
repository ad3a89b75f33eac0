"""Phase, alignment and optics, refined together; and which frames take part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.recon.alignment import realigned
from ltemlive.recon.judging import reviewed
from ltemlive.recon.refocusing import optics_fit, refocused
from ltemlive.recon.solver import StepReport, refine, warm_start
from ltemlive.recon.weighing import Stage

if TYPE_CHECKING:
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState


def refine_jointly(
    model: SeriesModel, state: SolverState, n_steps: int
) -> tuple[SeriesModel, SolverState, StepReport]:
    """Return model and state after at most ``n_steps`` steps, fewer at rest.

    As ``refine``, but the frames are moved and refocused before each round, from the second
    of edges on, when the phase begins to be right, until the last, in which it settles.
    Where their defocus would go farther then, the whole prior is weighed again. At rest it
    is asked whether all of them belong to the series; where one does not, all begins anew.
    """
    reports: list[StepReport] = []
    left = n_steps
    while left > 0 and not state.is_converged and (not reports or reports[-1].is_finite):
        if _may_move(state):
            model, state = _moved(model, state)
            # To lie elsewhere is no new image in focus.
            state = replace(state, first_amplitude=model.series.amplitude)
        state, report = refine(state, model.series, left, one_round=True)
        reports.append(report)
        left -= report.steps
        if state.is_converged and not _is_settled(model, state):
            state = warm_start(state, model.series)
        if state.is_converged and state.settings.judges_frames:
            model, state = reviewed(model, state)
    return model, state, _together(reports, state)


def _moved(model: SeriesModel, state: SolverState) -> tuple[SeriesModel, SolverState]:
    """Return the model with its frames moved, and refocused until that is settled."""
    if state.settings.refines_optics and not state.has_settled_optics:
        fit = optics_fit(model, state)
        model = refocused(model, fit)
        state = replace(state, has_settled_optics=fit.is_settled)
    if state.settings.aligns_frames:
        model = realigned(model, state)
    return model, state


def _is_settled(model: SeriesModel, state: SolverState) -> bool:
    is_refined = state.settings.refines_optics
    return not is_refined or optics_fit(model, state).is_good


def _may_move(state: SolverState) -> bool:
    is_first = state.stage == Stage.EDGES and state.round == 0
    return state.search is None and state.stage >= Stage.EDGES and not is_first


def _together(reports: list[StepReport], state: SolverState) -> StepReport:
    return StepReport(
        sum(report.steps for report in reports),
        sum(report.evaluations for report in reports),
        tuple(value for report in reports for value in report.objective),
        all(report.is_finite for report in reports),
        state.is_converged,
    )
