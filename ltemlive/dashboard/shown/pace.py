"""How fast frames come and the solver steps, from what the daemon tells. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.content import StatusShown
    from ltemlive.dashboard.shown.estimates import EstimateShown

SPAN_S = 30.0
"""Over which frames are counted: exposures take seconds."""
STEPS_SPAN_S = 5.0
"""Over which steps are counted; a solver that rested longer has no pace."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Counts with the times at which the daemon told them, the oldest first."""

    stored: tuple[tuple[float, int], ...] = ()
    steps: tuple[tuple[float, int], ...] = ()
    ordinal: int | None = None
    """Series whose steps are counted."""

    @property
    def frames_per_s(self) -> float | None:
        """Return how many frames a second were stored; None before there is a span."""
        return _per_second(self.stored)

    @property
    def steps_per_s(self) -> float | None:
        """Return how many steps a second the solver took; None where it rests."""
        return _per_second(self.steps)


NO_PACE = Pace()


def paced_frames(pace: Pace, status: StatusShown) -> Pace:
    """Return the pace after a heartbeat; steps that are too old count no more."""
    now = status.t_published
    told = (*pace.stored, (now, dict(status.counters)["stored"]))
    rests = status.state != "solving"
    steps = () if rests else _within(pace.steps, now, STEPS_SPAN_S)
    return replace(pace, stored=_within(told, now, SPAN_S), steps=steps)


def paced_steps(pace: Pace, estimate: EstimateShown) -> Pace:
    """Return the pace after an estimate."""
    now = estimate.t_published
    begins = pace.ordinal != estimate.ordinal or estimate.is_final
    before = () if begins else pace.steps
    if before and before[-1][1] > estimate.steps:
        before = ()
    steps = _within((*before, (now, estimate.steps)), now, STEPS_SPAN_S)
    return replace(pace, steps=steps, ordinal=estimate.ordinal)


def _within(
    told: tuple[tuple[float, int], ...], now: float, span_s: float
) -> tuple[tuple[float, int], ...]:
    return tuple(each for each in told if now - each[0] <= span_s)


def _per_second(told: tuple[tuple[float, int], ...]) -> float | None:
    if len(told) < 2:
        return None
    (first, count), (last, counted) = told[0], told[-1]
    return (counted - count) / (last - first) if last > first else None
