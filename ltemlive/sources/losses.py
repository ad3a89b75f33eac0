"""What never came, and what came late: counted from the numbers on what did come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ltemlive.arrivals import FrameRefused
from ltemlive.wire.sequence import SequenceTracker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ltemlive.sources.counters import SourceCounters
    from ltemlive.sources.recorded import Key
    from ltemlive.wire.messages import EndMessage
    from ltemlive.wire.sequence import Order

_log = logging.getLogger(__name__)

MAX_SERIES = 64
"""Series of one peer that are followed; its one not heard of for longest is forgotten."""
MAX_FOLLOWED = 1024
"""Series that are followed altogether."""
MAX_FORGOTTEN = 1 << 16
"""Series that are known to have been forgotten; after these no other is followed."""


class Losses:
    """Follow the numbers of every series; ``counters`` gets what is lost and disordered.

    Of a series that had to be forgotten nothing is said any more: its frames may have come.

    Parameters
    ----------
    name
        Of the source, for the log.
    reason
        Why a frame may never come, for the record.
    recorded
        Numbers that came before the daemon was started again, by producer and series.
    knows_beginning
        Whether what comes before the first number seen is missing. Producers that wait for
        answers begin with what nobody has answered: what was before is with somebody else.
    """

    def __init__(
        self,
        counters: SourceCounters,
        *,
        name: str,
        reason: str,
        recorded: Mapping[Key, Collection[int]],
        knows_beginning: bool = True,
    ) -> None:
        self._counters = counters
        self._name = name
        self._reason = reason
        self._knows_beginning = knows_beginning
        self._followed: dict[Key, tuple[SequenceTracker, bytes]] = {}
        self._forgotten: set[int] = set()
        for key, numbers in recorded.items():
            # Each its own peer: none is pushed out by the others before it is heard of.
            tracker = self._tracker(key, repr(key).encode())
            if tracker is not None:
                for seq in sorted(numbers):
                    tracker.saw(seq)
                counters.dropped += tracker.dropped

    def saw(self, producer: str, series: str, seq: int, *, peer: bytes = b"") -> Order:
        """Note that a frame came from ``peer``, whatever becomes of it."""
        tracker = self._tracker((producer, series), peer)
        if tracker is None:
            return "next"
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
        """Return what never came of a series that ends, a range of numbers at a time.

        An end may come again, where the disk did not take it: so do these.
        """
        tracker, _ = self._followed.get((message.producer, message.series), (None, b""))
        if tracker is None:
            return []
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

    def _tracker(self, key: Key, peer: bytes) -> SequenceTracker | None:
        """Return what follows a series, None if it was forgotten and so may lack frames."""
        tracker, owner = self._followed.pop(key, (None, None))
        if tracker is None:
            if hash(key) in self._forgotten or len(self._forgotten) >= MAX_FORGOTTEN:
                return None
            tracker = SequenceTracker(knows_beginning=self._knows_beginning)
        self._followed[key] = tracker, peer
        if owner != peer:
            self._make_room(peer)
        return tracker

    def _make_room(self, peer: bytes) -> None:
        of_peer = [key for key, (_, owner) in self._followed.items() if owner == peer]
        for key in of_peer[:-MAX_SERIES] or list(self._followed)[:-MAX_FOLLOWED]:
            del self._followed[key]
            self._forgotten.add(hash(key))
            if len(self._forgotten) == MAX_FORGOTTEN:
                _log.warning(
                    "%s: too many series, no other is checked for losses", self._name
                )
