"""Frames from somebody's PUB, who neither waits nor repeats: what is lost is counted."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Self

import zmq

from ltemlive.arrivals import ProducerHeard
from ltemlive.door import Door
from ltemlive.errors import WireError
from ltemlive.sockets import is_worth_logging, limit, receive_parts
from ltemlive.sources.counters import SourceCounters
from ltemlive.sources.grouping import grouped
from ltemlive.sources.losses import Losses
from ltemlive.sources.recorded import NOTHING_RECORDED, Recorded
from ltemlive.sources.translation import arrival_of, refusal_of
from ltemlive.sources.unanswered import Kept, Unanswered
from ltemlive.wire.codec import decode
from ltemlive.wire.limits import MAX_HEADER_BYTES
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat, UnusableMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event
    from types import TracebackType

    from ltemlive.arrivals import AckStatus, Arrival

_log = logging.getLogger(__name__)

_POLL_MS = 100
_WAITING_FRAMES = 64
_REASON = (
    "never came: a subscription loses what it cannot take in time; use an acknowledged "
    "connection"
)


class ZmqFrameSource:
    """A subscription to frames; use it in a ``with`` block.

    Each message is a topic, which is ignored, and the three parts of ``wire.codec``. When
    a series ends, the frames of it that never came are refused, a range at a time, so that
    they are listed like every other frame that was not used. What is not acknowledged is
    handed over again, see ``unanswered``: the publisher will not send it again.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the PUB.
    max_frame_bytes
        Longer frames are refused.
    recorded
        What is recorded already, where the daemon was started again.
    clock
        Seconds that never run backwards.
    door
        Whose context and keys to use, and what outlives this; None: a door of its own,
        without keys.

    Raises
    ------
    ConfigError
        If the endpoint is not permitted.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        max_frame_bytes: int,
        recorded: Recorded = NOTHING_RECORDED,
        clock: Callable[[], float] = time.monotonic,
        door: Door | None = None,
    ) -> None:
        self.counters = SourceCounters()
        self._clock = clock
        self._max_frame_bytes = max_frame_bytes
        self._closing = contextlib.ExitStack()
        if door is None:
            door = self._closing.enter_context(contextlib.closing(Door()))
        self._socket = self._closing.enter_context(door.socket(zmq.SUB))
        limit(
            self._socket,
            waiting=_WAITING_FRAMES,
            linger_ms=0,
            max_part_bytes=max(max_frame_bytes, MAX_HEADER_BYTES),
        )
        self._socket.subscribe(b"")
        try:
            self.endpoint = door.connect(self._socket, endpoint, "published frames")
        except Exception:
            self.close()
            raise
        self.name = f"frames published at {self.endpoint}"
        self._unanswered = Unanswered(clock())
        self._losses = Losses(
            self.counters, name=self.name, reason=_REASON, recorded=recorded.numbers
        )

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
        self._closing.close()

    def arrivals(self, stop: Event) -> Iterator[list[Arrival]]:
        """Yield what is published, in the order it came, until ``stop`` is set."""
        return grouped(self._one_by_one(stop))

    def _one_by_one(self, stop: Event) -> Iterator[Arrival | None]:
        while not stop.is_set():
            yield from self._offer_again()
            if not self._socket.poll(0):
                yield None
                self._socket.poll(_POLL_MS)
                continue
            try:
                _topic, *parts = receive_parts(self._socket)
                arrivals = self._arrivals(parts)
            except WireError as error:
                self.counters.foreign += 1
                if is_worth_logging(self.counters.foreign):
                    _log.warning("%s: dropped a message: %s", self.name, error)
                continue
            yield from self._unanswered.hand_over(arrivals)
        yield from self._unanswered.offer_again(self._clock())
        yield None
        n_lost = self._unanswered.n_frames()
        self.counters.dropped += n_lost
        if n_lost:
            _log.warning("%s: %d frames lost: the disk refused them", self.name, n_lost)

    def _offer_again(self) -> Iterator[Arrival | None]:
        """Yield what the disk refused, about each second, if that is not too much."""
        if self._unanswered.has_too_much():
            yield None
            self.counters.dropped += self._unanswered.give_up()
        now = self._clock()
        if self._unanswered.is_due(now):
            yield from self._unanswered.offer_again(now)

    def acknowledge(
        self, receipt: object, status: AckStatus, reason: str | None = None
    ) -> None:
        """Note what is recorded; a publisher is not told what became of its frames."""
        if isinstance(receipt, Kept):
            self._unanswered.settle(receipt)

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
            return [ProducerHeard(message.producer, message.series)]
        if isinstance(message, EndMessage):
            return [*self._losses.at_end(message), arrival_of(message)]
        if isinstance(message, FrameMessage):
            self._count(message.producer, message.series, message.frame.meta.seq)
        return [arrival_of(message)]

    def _count(self, producer: str, series: str, seq: int) -> None:
        self.counters.received += 1
        order = self._losses.saw(producer, series, seq)
        self.counters.duplicate += order == "repeated"
