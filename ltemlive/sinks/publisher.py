"""Results to every client that listens, and answers to those that ask.

Nothing here can hold up ingest or the solver: they leave events on a bulletin and go on;
one thread encodes and sends, and what a slow client cannot take is dropped by its socket.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Self

import zmq

from ltemlive.door import Door
from ltemlive.errors import WireError
from ltemlive.events import AdviceGiven, FrameRejected, FrameStored, PhaseEstimate
from ltemlive.sinks.answering import Answering
from ltemlive.sinks.bulletin import Bulletin
from ltemlive.sockets import is_worth_logging, limit, receive_parts
from ltemlive.wire.control import decode_request, encode_answer
from ltemlive.wire.estimates import estimate_message
from ltemlive.wire.limits import MAX_HEADER_BYTES
from ltemlive.wire.results import (
    advice_message,
    encode_result,
    frame_message,
    status_message,
)
from ltemlive.wire.views import view_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as StopSignal
    from types import TracebackType

    from ltemlive.events import Event
    from ltemlive.sinks.bulletin import Fact
    from ltemlive.wire.control import Request
    from ltemlive.wire.results import DaemonStatus, ResultMessage

_log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0

_POLL_MS = 20
_LINGER_MS = 500
_WAITING_RESULTS = 32
"""Per client; at most 32 previews of memory for one that stalls."""
_WAITING_ANSWERS = 8
_AT_A_TIME = 8
"""Facts sent, and requests answered, before the other gets its turn."""
_LARGE_BYTES = 2**15
_REST_S = 0.02
"""After a large answer: a client that asks again at once must not take the processor
from ingest (2000 full phases a second doubled its median)."""


class ResultServer:
    """The PUB of results and the ROUTER of requests; use it in a ``with`` block.

    Both are bound when it is made. ``accept``, ``set_status`` and ``requests`` may be
    called from any thread, ``serve`` by one.

    Parameters
    ----------
    results_endpoint, control_endpoint
        ``tcp://127.0.0.1:PORT``; port 0 takes any free one.
    clock
        Seconds since 1970.
    max_rate_hz
        Estimates, statuses and views per second at most, of each.
    preview_px
        Longest side of a published array.
    door
        Whose context and keys to use, and what outlives this; None: a door of its own,
        without keys.

    Raises
    ------
    ConfigError
        If an endpoint is not permitted, or is taken.
    """

    def __init__(
        self,
        results_endpoint: str,
        control_endpoint: str,
        *,
        clock: Callable[[], float],
        max_rate_hz: float,
        preview_px: int,
        door: Door | None = None,
    ) -> None:
        self._clock = clock
        self._period_s = 1.0 / max_rate_hz
        self._preview_px = preview_px
        self._bulletin = Bulletin()
        self._answering = Answering(clock=clock)
        self._t_sent: dict[str, float] = {}
        self._n_dropped = 0
        self._closing = contextlib.ExitStack()
        if door is None:
            door = self._closing.enter_context(contextlib.closing(Door()))
        self._results = self._closing.enter_context(door.socket(zmq.PUB))
        self._control = self._closing.enter_context(door.socket(zmq.ROUTER))
        for socket, waiting in (
            (self._results, _WAITING_RESULTS),
            (self._control, _WAITING_ANSWERS),
        ):
            limit(
                socket,
                waiting=waiting,
                linger_ms=_LINGER_MS,
                max_part_bytes=MAX_HEADER_BYTES,
            )
        try:
            self.results_endpoint = door.bind(self._results, results_endpoint, "results")
            self.control_endpoint = door.bind(self._control, control_endpoint, "control")
        except Exception:
            self.close()
            raise

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
        """Give the ports back once ``serve`` has returned; again does nothing."""
        self._closing.close()

    def accept(self, event: Event) -> None:
        """Leave an event to be published; returns at once."""
        self._bulletin.put(event)

    def set_status(self, status: DaemonStatus) -> None:
        """Leave the state of the daemon to be published; returns at once."""
        self._bulletin.put_status(status)

    def requests(self) -> list[Request]:
        """Return what clients asked the daemon to do since the last call."""
        return self._answering.requests()

    def serve(self, stop: StopSignal) -> None:
        """Publish and answer until ``stop`` is set, then publish what is left."""
        while not stop.is_set():
            is_large = self._control.poll(_POLL_MS) and self._answer_some()
            self._publish()
            if is_large:
                stop.wait(_REST_S)
        while facts := self._bulletin.take_facts(_AT_A_TIME):
            self._send_facts(facts)
        self._send_estimate()
        self._send_view()
        self._send_status(even_if_old=False)

    def _publish(self) -> None:
        self._send_facts(self._bulletin.take_facts(_AT_A_TIME))
        if self._is_due("estimate", self._period_s):
            self._send_estimate()
        if self._is_due("view", self._period_s):
            self._send_view()
        if self._is_due("status", self._period_s):
            self._send_status(even_if_old=self._is_due("status", HEARTBEAT_S))

    def _is_due(self, topic: str, period_s: float) -> bool:
        if topic not in self._t_sent:
            return True
        # The wall clock may be set back, which must not silence us until it catches up.
        return not 0.0 <= self._clock() - self._t_sent[topic] < period_s

    def _send_facts(self, facts: list[Fact]) -> None:
        for fact in facts:
            self._answering.note_fact(fact)
            if isinstance(fact, PhaseEstimate):
                self._send_arrays(fact)
            elif isinstance(fact, AdviceGiven):
                self._send(advice_message(fact, t_published=self._clock()))
            elif isinstance(fact, FrameStored | FrameRejected):
                self._send(frame_message(fact, t_published=self._clock()))

    def _send_estimate(self) -> None:
        estimate = self._bulletin.take_estimate()
        if estimate is not None:
            self._send_arrays(estimate)

    def _send_view(self) -> None:
        view = self._bulletin.take_view()
        if view is not None:
            self._send(
                view_message(view, t_published=self._clock(), preview_px=self._preview_px)
            )

    def _send_status(self, *, even_if_old: bool) -> None:
        status = self._bulletin.take_status(even_if_old=even_if_old)
        if status is not None:
            self._send(status_message(status, t_published=self._clock()))

    def _send_arrays(self, estimate: PhaseEstimate) -> None:
        self._answering.keep(estimate)
        self._send(
            estimate_message(
                estimate, t_published=self._clock(), preview_px=self._preview_px
            )
        )

    def _send(self, message: ResultMessage) -> None:
        data = encode_result(message)
        self._answering.note_sent(message.topic, data)
        self._t_sent[message.topic] = self._clock()
        self._results.send(data, copy=False)

    def _answer_some(self) -> bool:
        """Answer what waits, up to a large answer; say whether there was one."""
        for _ in range(_AT_A_TIME):
            if not self._control.poll(0):
                break
            try:
                peer, *parts = receive_parts(self._control)
                request = decode_request(parts)
            except WireError as error:
                self._n_dropped += 1
                if is_worth_logging(self._n_dropped):
                    _log.warning("%s: dropped a request: %s", self.control_endpoint, error)
                continue
            answer = encode_answer(self._answering.answer(request))
            self._control.send_multipart([bytes(peer), *answer], zmq.NOBLOCK, copy=False)
            if sum(map(len, answer)) > _LARGE_BYTES:
                return True
        return False
