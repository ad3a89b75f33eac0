"""The thread that listens to the daemon, so that the window never waits for it.

Three subscriptions: estimates, and views of frames, are large and only the newest counts
(CONFLATE); everything else is small and all of it counts. As soon as the link is up, and
again after every loss, the latest messages are asked for over the control port, so that a
window opened late shows what the others show. The results of earlier series come after
that, one at a time.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

import zmq
from pyqtgraph.Qt import QtCore

from ltemlive.client import ControlClient
from ltemlive.dashboard.shown.finished import final_revisions
from ltemlive.dashboard.shown.snapshot import (
    DisplaySnapshot,
    merge,
    with_finished,
    with_link,
)
from ltemlive.endpoints import permitted_endpoint
from ltemlive.errors import WireError
from ltemlive.handshakes import HandshakeWatch
from ltemlive.sockets import connect, limit
from ltemlive.wire.limits import MAX_RESULT_BYTES
from ltemlive.wire.results import decode_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from ltemlive.keys import ClientKeys

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


class _Subscription(NamedTuple):
    socket: _Socket
    watch: HandshakeWatch


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
    keys
        Of this client, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If an endpoint is not a loopback address, and there are no keys.
    """

    snapshot_changed = QtCore.Signal(object)

    def __init__(
        self,
        results_endpoint: str,
        control_endpoint: str,
        *,
        clock: Callable[[], float],
        timeout_s: float = 2.0,
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__()
        has_keys = keys is not None
        self._results_endpoint = permitted_endpoint(results_endpoint, has_keys=has_keys)
        self._control_endpoint = permitted_endpoint(control_endpoint, has_keys=has_keys)
        self._keys = keys
        self._clock = clock
        self._timeout_s = timeout_s
        self._snapshot = DisplaySnapshot()
        self._handed_over = self._snapshot
        self._may_hand_over = threading.Event()
        self._may_hand_over.set()
        self._stopped = threading.Event()
        self._t_catch_up: float | None = None
        """When to ask for the latest results; None where they are known."""
        self._t_knock: float | None = None
        """When to connect again, where ZMQ does not; None where it does."""
        self._finished: list[int] = []
        """Revisions of earlier series that are still to be asked for."""

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
            open_socket = functools.partial(self._subscription, context, closing)
            estimates = open_socket(("estimate",), is_newest_only=True)
            views = open_socket(("view",), is_newest_only=True)
            events = open_socket(_SMALL_TOPICS, is_newest_only=False)
            self._listen(events, estimates, views)

    def _listen(self, *subscriptions: _Subscription) -> None:
        """Take what comes in this order: a status tells whether an estimate counts."""
        _, estimates, _ = subscriptions
        poller = zmq.Poller()
        poller.register(estimates.watch.monitor, zmq.POLLIN)
        for each in subscriptions:
            poller.register(each.socket, zmq.POLLIN)
        while not self._stopped.is_set():
            poller.poll(_POLL_MS)
            # What came before a reconnect goes first: it may be of an older session.
            for data in itertools.chain(*(_waiting(each.socket) for each in subscriptions)):
                self._merge(data)
            # The link is told of once, though all may be refused.
            for each in subscriptions:
                if each is not estimates:
                    each.watch.look()
            self._follow(estimates.watch)
            self._knock(*subscriptions)
            self._catch_up()
            self._hand_over()
            self._fetch_finished()

    def _follow(self, watch: HandshakeWatch) -> None:
        refusal = watch.look()
        if watch.has_come_up and watch.is_up:
            self._snapshot = with_link(self._snapshot, "up")
            self._t_catch_up = self._clock()
        elif refusal is not None:
            text = f"{self._results_endpoint}: {refusal}"
            self._snapshot = with_link(self._snapshot, "refused", text)
            self._t_catch_up = None
        elif watch.has_lost_peer and self._snapshot.refusal is None:
            self._snapshot = with_link(self._snapshot, "down")
            self._t_catch_up = None

    def _knock(self, *subscriptions: _Subscription) -> None:
        """Try again where the daemon said no: by now it may know our key."""
        refused = [each for each in subscriptions if each.watch.has_given_up]
        if refused and self._t_knock is None:
            self._t_knock = self._clock() + _RETRY_S
        if not refused or self._t_knock is None or self._clock() < self._t_knock:
            return
        self._t_knock = None
        for socket, watch in refused:
            watch.begin_again()
            # It is not connected, but would take itself for it.
            with contextlib.suppress(zmq.ZMQError):
                socket.disconnect(self._results_endpoint)
            connect(socket, self._results_endpoint, self._keys)

    def _catch_up(self) -> None:
        if self._t_catch_up is None or self._clock() < self._t_catch_up:
            return
        try:
            with ControlClient(
                self._control_endpoint, self._timeout_s, keys=self._keys
            ) as client:
                answers = [client.request("latest", topic=name) for name in _LATEST_TOPICS]
                told = client.request("events")
        except WireError as error:
            _log.warning("the latest results are not known yet: %s", error)
            self._t_catch_up = self._clock() + _RETRY_S
            return
        self._t_catch_up = None
        for answer in answers:
            # A daemon that has no estimate yet says no, and that is no fault.
            if answer.ok and answer.buffer is not None:
                self._merge(answer.buffer)
        known = {each.rev for each in self._snapshot.history.entries}
        self._finished = [rev for rev in final_revisions(told) if rev not in known]

    def _fetch_finished(self) -> None:
        """Ask for the newest result that is missing; the live ones are on screen by now."""
        if not self._finished or self._snapshot.link != "up":
            return
        rev = self._finished.pop()
        try:
            with ControlClient(
                self._control_endpoint, self._timeout_s, keys=self._keys
            ) as client:
                answer = client.request("full", array="phase", rev=rev)
            if answer.ok and answer.buffer is not None:
                message = decode_result(answer.buffer)
                self._snapshot = with_finished(self._snapshot, message)
        except WireError as error:
            _log.warning("the result of an earlier series is not shown: %s", error)

    def _merge(self, data: bytes | memoryview) -> None:
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

    def _subscription(
        self,
        context: zmq.Context[_Socket],
        closing: contextlib.ExitStack,
        topics: tuple[str, ...],
        *,
        is_newest_only: bool,
    ) -> _Subscription:
        socket = closing.enter_context(context.socket(zmq.SUB))
        limit(socket, waiting=_WAITING, linger_ms=0, max_part_bytes=MAX_RESULT_BYTES)
        socket.setsockopt(zmq.CONFLATE, int(is_newest_only))
        socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _SILENCE_MS)
        watch = HandshakeWatch(socket, self._keys)
        closing.callback(watch.close)
        for topic in topics:
            # Without the NUL a topic would also match every longer one.
            socket.subscribe(topic.encode("ascii") + b"\0")
        connect(socket, self._results_endpoint, self._keys)
        return _Subscription(socket, watch)


def _waiting(socket: _Socket) -> Iterator[bytes]:
    """Yield what has come in; not for ever, however fast it comes."""
    for _ in range(_MOST_AT_ONCE):
        if not socket.poll(0):
            return
        yield socket.recv(zmq.NOBLOCK)
