"""What never came, and what came late: counted from the numbers on what did come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ltemlive.arrivals import FrameRefused
from ltemlive.wire.sequence import SequenceTracker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ltemlive.sources.counters import SourceCounters
    from ltemlive.wire.messages import EndMessage
    from ltemlive.wire.sequence import Order

_log = logging.getLogger(__name__)

_MAX_SERIES = 64
"""Series that are followed at a time; the one not heard of for longest is forgotten."""


class Losses:
    """Follow the numbers of every series; ``counters`` gets what is lost and disordered.

    Parameters
    ----------
    name
        Of the source, for the log.
    reason
        Why a frame may never come, for the record.
    recorded
        Numbers that came before the daemon was started again, by producer and series.
    """

    def __init__(
        self,
        counters: SourceCounters,
        *,
        name: str,
        reason: str,
        recorded: Mapping[tuple[str, str], Collection[int]],
    ) -> None:
        self._counters = counters
        self._name = name
        self._reason = reason
        self._trackers: dict[tuple[str, str], SequenceTracker] = {}
        for (producer, series), numbers in recorded.items():
            for seq in sorted(numbers):
                self._tracker(producer, series).saw(seq)

    def saw(self, producer: str, series: str, seq: int) -> Order:
        """Note that a frame came, whatever becomes of it."""
        tracker = self._tracker(producer, series)
        dropped_before = tracker.dropped
        order = tracker.saw(seq)
        n_lost = tracker.dropped - dropped_before
        self._counters.dropped += n_lost
        self._counters.disordered += order == "late"
        if order == "gap":
            _log.warning(
                "%s: series %s: %d missing before %d", self._name, series, n_lost, seq
            )
        return order

    def at_end(self, message: EndMessage) -> list[FrameRefused]:
        """Return what never came of a series that ends, a range of numbers at a time."""
        tracker = self._tracker(message.producer, message.series)
        dropped_before = tracker.dropped
        gaps = tracker.ended(message.n_sent)
        self._counters.dropped += tracker.dropped - dropped_before
        return [
            FrameRefused(
                producer=message.producer,
                series=message.series,
                label=str(gap[0]) if len(gap) == 1 else f"{gap[0]}-{gap[-1]}",
                reason=self._reason,
            )
            for gap in gaps
        ]

    def _tracker(self, producer: str, series: str) -> SequenceTracker:
        key = (producer, series)
        tracker = self._trackers.pop(key, None) or SequenceTracker()
        self._trackers[key] = tracker
        while len(self._trackers) > _MAX_SERIES:
            del self._trackers[next(iter(self._trackers))]
        return tracker
