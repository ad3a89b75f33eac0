"""Frames from somebody's PUB, who neither waits nor repeats: what is lost is counted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

import zmq

from ltemlive.arrivals import FrameRefused
from ltemlive.endpoints import loopback_endpoint
from ltemlive.errors import WireError
from ltemlive.sockets import is_worth_logging, limit, receive_parts
from ltemlive.sources.counters import SourceCounters
from ltemlive.sources.translation import arrival_of, refusal_of
from ltemlive.wire.codec import decode
from ltemlive.wire.limits import MAX_HEADER_BYTES
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat, UnusableMessageError
from ltemlive.wire.sequence import SequenceTracker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event
    from types import TracebackType

    from ltemlive.arrivals import AckStatus, Arrival

_log = logging.getLogger(__name__)

_POLL_MS = 100
_WAITING_FRAMES = 64
_MAX_SERIES = 64
"""Series that are followed at a time; the one not heard of for longest is forgotten."""


class ZmqFrameSource:
    """A subscription to frames; use it in a ``with`` block.

    Each message is a topic, which is ignored, and the three parts of ``wire.codec``. When
    a series ends, the frames of it that never came are refused, a range at a time, so that
    they are listed like every other frame that was not used.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the PUB.
    max_frame_bytes
        Longer frames are refused.

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address.
    """

    def __init__(self, endpoint: str, *, max_frame_bytes: int) -> None:
        self.endpoint = loopback_endpoint(endpoint)
        self.name = f"frames published at {self.endpoint}"
        self.counters = SourceCounters()
        self._max_frame_bytes = max_frame_bytes
        self._trackers: dict[tuple[str, str], SequenceTracker] = {}
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        limit(
            self._socket,
            waiting=_WAITING_FRAMES,
            linger_ms=0,
            max_part_bytes=max(max_frame_bytes, MAX_HEADER_BYTES),
        )
        self._socket.subscribe(b"")
        self._socket.connect(self.endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the subscription; a second call does nothing."""
        self._socket.close()
        self._context.term()

    def arrivals(self, stop: Event) -> Iterator[Arrival]:
        """Yield what is published, in the order it came, until ``stop`` is set."""
        while not stop.is_set():
            if not self._socket.poll(_POLL_MS):
                continue
            try:
                _topic, *parts = receive_parts(self._socket)
                arrivals = self._arrivals(parts)
            except WireError as error:
                self.counters.foreign += 1
                if is_worth_logging(self.counters.foreign):
                    _log.warning("%s: dropped a message: %s", self.name, error)
                continue
            yield from arrivals

    def acknowledge(
        self, receipt: object, status: AckStatus, reason: str | None = None
    ) -> None:
        """Do nothing: a publisher is not told what became of its frames."""

    def _arrivals(self, parts: list[memoryview]) -> list[Arrival]:
        try:
            message = decode(parts, max_frame_bytes=self._max_frame_bytes)
        except UnusableMessageError as error:
            if error.seq is None:
                raise
            self._count(error.producer, error.series, error.seq)
            self.counters.rejected += 1
            return [refusal_of(error)]
        if isinstance(message, Heartbeat):
            return []
        if isinstance(message, FrameMessage):
            self._count(message.producer, message.series, message.frame.meta.seq)
        lost = self._lost(message) if isinstance(message, EndMessage) else []
        return [*lost, arrival_of(message)]

    def _count(self, producer: str, series: str, seq: int) -> None:
        tracker = self._tracker(producer, series)
        dropped_before = tracker.dropped
        order = tracker.saw(seq)
        n_lost = tracker.dropped - dropped_before
        self.counters.received += 1
        self.counters.dropped += n_lost
        self.counters.disordered += order == "late"
        self.counters.duplicate += order == "repeated"
        if order == "gap":
            _log.warning("%s: series %s: %d lost before %d", self.name, series, n_lost, seq)

    def _lost(self, message: EndMessage) -> list[Arrival]:
        tracker = self._tracker(message.producer, message.series)
        dropped_before = tracker.dropped
        gaps = tracker.ended(message.n_sent)
        self.counters.dropped += tracker.dropped - dropped_before
        return [
            FrameRefused(
                producer=message.producer,
                series=message.series,
                label=str(gap[0]) if len(gap) == 1 else f"{gap[0]}-{gap[-1]}",
                reason="never came: a subscription loses what it cannot take in time; "
                "use an acknowledged connection",
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
