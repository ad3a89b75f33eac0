"""What there is to look at: estimates of open series, and of the last that is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.events import AdviceGiven

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ltemlive.engine import LiveEngine
    from ltemlive.events import Event, PhaseEstimate
    from ltemlive.results import Viewable


@dataclass(frozen=True, slots=True, eq=False)
class Over:
    """The last estimate of a series that is over, and what it was made of."""

    estimate: PhaseEstimate
    basis: Viewable | None

    def view(self, seq: int | None) -> Event:
        """Return the view of a frame, or (None) of TIE; an advice where there is none."""
        if self.basis is None:
            text = f"nothing to show of {self.estimate.series}"
            return AdviceGiven(text, "warning", self.estimate.ordinal)
        return self.basis.view(seq, self.estimate)


def left_of(engine: LiveEngine | None) -> Over | None:
    """Return what there is to look at of an engine that is let go of."""
    newest = None if engine is None else engine.newest
    return None if newest is None else Over(*newest)


def shown(
    engines: Mapping[int, LiveEngine],
    finished: Over | None,
    seq: int | None,
    ordinal: int | None,
) -> Sequence[Event]:
    """Return the view of a frame, or (None) of TIE, of a series, or an advice.

    Parameters
    ----------
    engines, finished
        Of the open series by ordinal, and of the last that is over.
    ordinal
        None: the newest of them.
    """
    is_over = {} if finished is None else {finished.estimate.ordinal: finished}
    newest = max((*engines, *is_over), default=0)
    ordinal = newest if ordinal is None else ordinal
    if ordinal in engines:
        return engines[ordinal].view(seq)
    if ordinal in is_over:
        return [is_over[ordinal].view(seq)]
    which = f"series {ordinal} is not" if ordinal else "no series is"
    text = f"nothing to show: {which} open, nor the last to finish"
    return [AdviceGiven(text, "warning")]
