"""How the objective falls from step to step, over the revisions of a series. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.estimates import EstimateShown

_MAX_CURVE_POINTS = 4096


@dataclass(frozen=True, slots=True)
class ObjectiveCurve:
    """The objective against the solver step of one series; its newest points."""

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


NO_CURVE = ObjectiveCurve()


def extended(curve: ObjectiveCurve, estimate: EstimateShown) -> ObjectiveCurve:
    """Return the curve after one more revision of its series."""
    first = estimate.steps - len(estimate.objective) + 1
    if curve.steps and first <= curve.steps[-1]:
        # The solver began again: a cold start, or the final solve.
        curve = NO_CURVE
    steps = (*curve.steps, *range(first, estimate.steps + 1))
    values = (*curve.values, *estimate.objective)
    return ObjectiveCurve(steps[-_MAX_CURVE_POINTS:], values[-_MAX_CURVE_POINTS:])


def until(estimate: EstimateShown, whole: ObjectiveCurve) -> ObjectiveCurve:
    """Return the part of a curve of its series that ends with a revision.

    Where the solver began again after it, it is what the revision itself tells.
    """
    own = extended(NO_CURVE, estimate)
    if estimate.steps not in whole.steps:
        return own
    end = whole.steps.index(estimate.steps) + 1
    if own.values and own.values[-1:] != whole.values[end - 1 : end]:
        return own
    return ObjectiveCurve(whole.steps[:end], whole.values[:end])
