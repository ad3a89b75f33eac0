"""Frames from somebody's PUB, who neither waits nor repeats: what is lost is counted."""

from __future__ import annotations

import contextlib
import logging
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
from ltemlive.wire.codec import decode
from ltemlive.wire.limits import MAX_HEADER_BYTES
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat, UnusableMessageError

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    they are listed like every other frame that was not used.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the PUB.
    max_frame_bytes
        Longer frames are refused.
    recorded
        What is recorded already, where the daemon was started again.
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
        door: Door | None = None,
    ) -> None:
        self.counters = SourceCounters()
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
