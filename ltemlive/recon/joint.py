"""Phase and alignment, refined together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.recon.alignment import realigned
from ltemlive.recon.judging import reviewed
from ltemlive.recon.solver import StepReport, refine
from ltemlive.recon.weighing import Stage

if TYPE_CHECKING:
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState


def refine_jointly(
    model: SeriesModel, state: SolverState, n_steps: int
) -> tuple[SeriesModel, SolverState, StepReport]:
    """Return model and state after at most ``n_steps`` steps, fewer at rest.

    As ``refine``, but the frames are moved before each round, from the second of edges on,
    when the phase begins to be right, until the last, in which it settles. At rest it is
    asked whether all of them belong to the series; where one does not, all begins anew.
    """
    reports: list[StepReport] = []
    left = n_steps
    while left > 0 and not state.is_converged and (not reports or reports[-1].is_finite):
        if state.settings.aligns_frames and _may_move(state):
            model = realigned(model, state)
            # To lie elsewhere is no new image in focus.
            state = replace(state, first_amplitude=model.series.amplitude)
        state, report = refine(state, model.series, left, one_round=True)
        reports.append(report)
        left -= report.steps
        if state.is_converged and state.settings.judges_frames:
            model, state = reviewed(model, state)
    return model, state, _together(reports, state)


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
