"""Which frames belong to a series, once a phase has been made of it.

When the solver rests, the frame that the others predict worst is set aside, if it is far
worse than they are, and the solver begins anew without it. When it rests again, the frame
is predicted by a phase that knows nothing of it any more: one that fits after all comes
back, and stays; of one that does not, it is asked what would make it fit.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from ltemlive.physics.optics import is_in_focus
from ltemlive.recon.arrival import CLEAR, compared, first_looked, reach_of
from ltemlive.recon.field import UPRIGHT
from ltemlive.recon.innovation import (
    POOR_SCORE,
    image_scores,
    part_shape,
    unseen_score,
)
from ltemlive.recon.members import Aside
from ltemlive.recon.model import as_stated, known_as, with_used
from ltemlive.recon.placing import expected_turn
from ltemlive.recon.solver import cold_start
from ltemlive.recon.starts import flat_again
from ltemlive.recon.verdicts import BLANK, is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltemlive.recon.field import Turn
    from ltemlive.recon.innovation import Score
    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings

POOR_PART, POOR_PART_UNSURE, CHANCE = 1.3, 4.0, 5.0
"""Score of the worst part from which a frame does not belong, of large parts; and standard
deviations of chance, of small ones. Right frames have had 1.02 to 1.14 in 512 x 512 pixels,
another state of the sample 1.5 to 16. Edges that no pixel resolves do not survive being
interpolated: right frames that are turned have had 2.7, in fine detail at weak defocus.
Outer parts show what lies beyond the frame: sharp steps there have had 1.5."""
FEWEST_LEFT = 3
"""Images that tell which of them is wrong, two of them defocused."""
MOST_ASIDE = 1 / 3
"""Of a series: what most frames contradict is no longer the frames' fault."""
LARGEST_LOG, N_LOGS, LOG_TOLERANCE = 0.7, 9, 0.01
"""By which a stated defocus may be wrong, as logarithm of a factor; how it is searched."""


class _Fit(NamedTuple):
    """How well a frame fits a phase that knows nothing of it."""

    member: Member
    """With the defocus, and in the place, that this is about."""
    score: Score


class _Limits(NamedTuple):
    """Scores from which a frame does not belong to the others."""

    whole: float
    worst_part: float
    worst_part_unsure: float
    """Of a frame that is turned, and of outer parts."""

    def excess(self, fit: _Fit) -> float:
        """Return how far above the limits a score is; up to 1 it is not."""
        score, is_turned = fit.score, fit.member.turn != UPRIGHT
        of_part = self.worst_part_unsure if is_turned else self.worst_part
        ratios = [
            score.whole / self.whole,
            score.worst_part / of_part,
            score.worst_outer_part / self.worst_part_unsure,
        ]
        return float(np.fmax.reduce(ratios))


def reviewed(model: SeriesModel, state: SolverState) -> tuple[SeriesModel, SolverState]:
    """Return the model with one frame more or less, and the state to go on from.

    The same state where all is well. It has come to rest on the frames that the model uses;
    what is wrong with those that are set aside is then known better.
    """
    scores = image_scores(state, model)
    limits = _limits(scores, model)
    for member in model.members:
        if member.aside is not None and member.aside.fault == "misfit":
            again = _judged_again(model, member, state, limits)
            if again.aside is None:
                return begun_again(with_used(model, [again]), state, state.settings)
            model = known_as(model, [again])
    poor = [
        (limits.excess(fit), _fit(model, fit.member, state).score, fit)
        for fit in map(_Fit, model.used, scores)
        if limits.excess(fit) > 1.0 and fit.member.wish is None and not fit.member.was_back
    ]
    if poor:
        *_, worst = max(poor, key=lambda each: each[:2])
        reason = f"does not fit the others ({_figure(worst.score)})"
        aside = Aside("misfit", reason, is_explained=False)
        out = replace(worst.member, aside=aside)
        if _can_do(known_as(model, [out])):
            return begun_again(with_used(model, [out]), state, state.settings)
    return model, state


def _limits(scores: Sequence[Score], model: SeriesModel) -> _Limits:
    """Return the limits, relative to what is usual: no camera is as the model says."""
    seen = [score for score in scores if not math.isnan(score.worst)]
    usual, usual_part = (
        max([1.0, statistics.median(each)] if seen else [1.0])
        for each in (
            [score.whole for score in seen],
            [score.worst for score in seen],
        )
    )
    by_chance = CHANCE * math.sqrt(2.0 / math.prod(part_shape(model.field.shape)))
    of_part = (POOR_PART, POOR_PART_UNSURE)
    return _Limits(
        POOR_SCORE * usual, *((each + by_chance) * usual_part for each in of_part)
    )


def begun_again(
    model: SeriesModel, state: SolverState | None, settings: SolverSettings
) -> tuple[SeriesModel, SolverState]:
    """Return the model with its frames looked at anew, and a flat phase.

    What a wrong frame has done to edges, to where the others lie and to their defocus, no
    later step undoes. ``state`` is the one so far, whose steps count on.
    """
    model = as_stated(model)
    model = first_looked(model, settings) if settings.looks_at_frames else model
    if state is None:
        return model, cold_start(model.series, settings)
    return model, flat_again(state, model.series)


def _can_do(model: SeriesModel) -> bool:
    """Return whether the frames left tell a phase, and are most of the series."""
    n_misfits = sum(
        member.aside is not None and member.aside.fault == "misfit"
        for member in model.members
    )
    return (
        model.problem is None
        and len(model.defocused) >= 2
        and len(model.used) >= FEWEST_LEFT
        and n_misfits <= max(1.0, MOST_ASIDE * len(model.members))
    )


def _judged_again(
    model: SeriesModel, member: Member, state: SolverState, limits: _Limits
) -> Member:
    """Return a frame that was set aside: in its place again, or with a better reason."""
    stated = _placed_anew(model, member.with_sign(0), state)
    for fit in (stated, _placed_anew(model, member.with_sign(-1), state)):
        if limits.excess(fit) < 1.0:
            return replace(fit.member, aside=None, was_back=True)
    if member.aside is not None and member.aside.is_explained:
        return member
    if is_blank(model, member, state):
        return replace(member, aside=BLANK)
    best = stated
    if not is_in_focus(member.stated_nm, model.microscope):
        best = _at_other_defocus(model, member, state)
    if limits.excess(best) < 1.0:
        reason = (
            f"fits the others at {_mm(best.member.image.defocus_nm)} "
            f"({_figure(best.score)}), not at {_mm(member.stated_nm)} as stated "
            f"({_figure(stated.score)})"
        )
    else:
        reason = (
            "shows another state of the sample, or optics other than stated "
            f"({_figure(stated.score)})"
        )
    return replace(member, aside=Aside("misfit", reason))


def _at_other_defocus(model: SeriesModel, member: Member, state: SolverState) -> _Fit:
    """Return a frame with the defocus at which it fits best, on either side of focus."""

    def at(log_factor: float, sign: float) -> _Fit:
        defocus_nm = sign * np.exp(log_factor) * member.stated_nm
        there = member.with_defocus(float(defocus_nm))
        return _placed_anew(model, there, state, reach=UPRIGHT)

    grid = np.linspace(-LARGEST_LOG, LARGEST_LOG, N_LOGS)
    pairs = [(float(log), sign) for sign in (1.0, -1.0) for log in grid]
    middle, sign = min(pairs, key=lambda pair: at(*pair).score.whole)
    step = grid[1] - grid[0]
    found = minimize_scalar(
        lambda log_factor: at(log_factor, sign).score.whole,
        bounds=(middle - step, middle + step),
        options={"xatol": LOG_TOLERANCE},
    )
    return at(float(found.x), sign)


def _placed_anew(
    model: SeriesModel, member: Member, state: SolverState, reach: Turn | None = None
) -> _Fit:
    if state.settings.aligns_frames:
        reach = reach_of(state.settings) if reach is None else reach
        expected = expected_turn(model.used, member)
        found = compared(model, member, state, expected, reach)
        if found.clarity > CLEAR:
            shift_px, turn = found.shift_px, found.turn
            member = replace(member, shift_px=shift_px, registered_px=shift_px, turn=turn)
        else:
            member = replace(member, registered_px=None)
    return _fit(model, member, state)


def _fit(model: SeriesModel, member: Member, state: SolverState) -> _Fit:
    return _Fit(member, unseen_score(model, member, state))


def _figure(score: Score) -> str:
    return (
        f"misfit squared {score.whole:.1f}, in its worst part {score.worst:.1f}; 1 is "
        "noise alone"
    )


def _mm(defocus_nm: float) -> str:
    return f"{defocus_nm * 1e-6:+.4g} mm"
