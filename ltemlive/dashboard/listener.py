"""The thread that listens to the daemon, so that the window never waits for it.

Two subscriptions: estimates are large and only the newest counts (CONFLATE); everything
else is small and all of it counts. As soon as the link is up, and again after every loss,
the latest messages are asked for over the control port, so that a window opened late shows
what the others show.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import operator
import threading
from typing import TYPE_CHECKING

import zmq
from pyqtgraph.Qt import QtCore
from zmq.utils.monitor import recv_monitor_message

from ltemlive.client import ControlClient
from ltemlive.dashboard.snapshot import DisplaySnapshot, Link, merge, with_link
from ltemlive.endpoints import loopback_endpoint
from ltemlive.errors import WireError
from ltemlive.sockets import limit
from ltemlive.wire.limits import MAX_RESULT_BYTES
from ltemlive.wire.results import decode_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    _Socket: TypeAlias = zmq.Socket[bytes]

_log = logging.getLogger(__name__)

_SMALL_TOPICS = ("status", "frame", "advice")
_LATEST_TOPICS = ("status", "estimate", "advice")
"""In this order: the status tells whether the revisions seen so far still count."""

_POLL_MS = 50
_RETRY_S = 1.0
_WAITING = 1000
_MOST_AT_ONCE = 200
_RECONNECT_MS = 200
_HEARTBEAT_MS = 1000
_SILENCE_MS = 4000
"""A peer whose machine was switched off says no goodbye."""

_LINKS: dict[int, Link] = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: "up",
    zmq.EVENT_DISCONNECTED: "down",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "refused",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "refused",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "refused",
}
_LINK_EVENTS = functools.reduce(operator.or_, _LINKS)


class EstimateListener(QtCore.QThread):
    """Keep a ``DisplaySnapshot`` up to date and hand it over by signal.

    A stalled window must not pile up estimates: after ``snapshot_changed`` the next one
    waits until ``release`` was called, and is then the newest.

    Parameters
    ----------
    results_endpoint, control_endpoint
        Where the daemon publishes, and where it answers.
    clock
        Seconds that never run backwards; the window counts ages by the same clock.
    timeout_s
        Longest wait for one answer, and so roughly for the thread to end.

    Raises
    ------
    ConfigError
        If an endpoint is not a loopback address.
    """

    snapshot_changed = QtCore.Signal(object)

    def __init__(
        self,
        results_endpoint: str,
        control_endpoint: str,
        *,
        clock: Callable[[], float],
        timeout_s: float = 2.0,
    ) -> None:
        super().__init__()
        self._results_endpoint = loopback_endpoint(results_endpoint)
        self._control_endpoint = loopback_endpoint(control_endpoint)
        self._clock = clock
        self._timeout_s = timeout_s
        self._snapshot = DisplaySnapshot()
        self._handed_over = self._snapshot
        self._may_hand_over = threading.Event()
        self._may_hand_over.set()
        self._stopped = threading.Event()
        self._t_catch_up: float | None = None
        """When to ask for the latest results; None where they are known."""

    def release(self) -> None:
        """Allow the next snapshot; the one before has been drawn."""
        self._may_hand_over.set()

    def stop(self) -> None:
        """Ask the thread to end and wait until it has; a second call does nothing."""
        self._stopped.set()
        self.wait()

    def run(self) -> None:
        """Listen until ``stop`` (Qt calls this in the new thread)."""
        with zmq.Context() as context, contextlib.ExitStack() as closing:
            estimates = self._subscribed(context, ("estimate",), is_newest_only=True)
            closing.callback(estimates.close)
            link = estimates.get_monitor_socket(_LINK_EVENTS)
            closing.callback(link.close)
            closing.callback(estimates.disable_monitor)
            events = self._subscribed(context, _SMALL_TOPICS, is_newest_only=False)
            closing.callback(events.close)
            self._listen(link, events, estimates)

    def _listen(self, link: _Socket, events: _Socket, estimates: _Socket) -> None:
        poller = zmq.Poller()
        for socket in (link, events, estimates):
            poller.register(socket, zmq.POLLIN)
        while not self._stopped.is_set():
            poller.poll(_POLL_MS)
            # What came before a reconnect goes first: it may be of an older session.
            for data in itertools.chain(_waiting(events), _waiting(estimates)):
                self._merge(data)
            self._follow(link)
            self._catch_up()
            self._hand_over()

    def _follow(self, link: _Socket) -> None:
        while link.poll(0):
            event = recv_monitor_message(link, zmq.NOBLOCK)
            state = _LINKS[event["event"]]
            self._snapshot = with_link(self._snapshot, state)
            self._t_catch_up = self._clock() if state == "up" else None

    def _catch_up(self) -> None:
        if self._t_catch_up is None or self._clock() < self._t_catch_up:
            return
        try:
            with ControlClient(self._control_endpoint, self._timeout_s) as client:
                answers = [client.request("latest", topic=name) for name in _LATEST_TOPICS]
        except WireError as error:
            _log.warning("the latest results are not known yet: %s", error)
            self._t_catch_up = self._clock() + _RETRY_S
            return
        self._t_catch_up = None
        for answer in answers:
            # A daemon that has no estimate yet says no, and that is no fault.
            if answer.ok and answer.buffer is not None:
                self._merge(answer.buffer)

    def _merge(self, data: bytes) -> None:
        try:
            message = decode_result(data)
            self._snapshot = merge(self._snapshot, message, now=self._clock())
        except WireError as error:
            _log.warning("message from %s dropped: %s", self._results_endpoint, error)

    def _hand_over(self) -> None:
        is_new = self._snapshot is not self._handed_over
        if is_new and self._may_hand_over.is_set():
            self._may_hand_over.clear()
            self._handed_over = self._snapshot
            self.snapshot_changed.emit(self._snapshot)

    def _subscribed(
        self,
        context: zmq.Context[_Socket],
        topics: tuple[str, ...],
        *,
        is_newest_only: bool,
    ) -> _Socket:
        socket = context.socket(zmq.SUB)
        limit(socket, waiting=_WAITING, linger_ms=0, max_part_bytes=MAX_RESULT_BYTES)
        socket.setsockopt(zmq.CONFLATE, int(is_newest_only))
        socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _SILENCE_MS)
        for topic in topics:
            # Without the NUL a topic would also match every longer one.
            socket.subscribe(topic.encode("ascii") + b"\0")
        socket.connect(self._results_endpoint)
        return socket


def _waiting(socket: _Socket) -> Iterator[bytes]:
    """Yield what has come in; not for ever, however fast it comes."""
    for _ in range(_MOST_AT_ONCE):
        if not socket.poll(0):
            return
        yield socket.recv(zmq.NOBLOCK)
