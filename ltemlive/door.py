"""The way into the daemon: the one context of its sockets, and who fails to come in.

With keys every socket speaks CURVE, and a doorkeeper says whose key is welcome; without,
nobody is asked. Either way whoever fails at the door is told of in the log: their own side
sees little of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import zmq
from zmq.utils.monitor import recv_monitor_message

from ltemlive import sockets
from ltemlive.doorkeeper import Doorkeeper
from ltemlive.handshakes import FAILURES, client_reason, daemon_reason
from ltemlive.sockets import Tally

if TYPE_CHECKING:
    from threading import Event as StopSignal

    from ltemlive.keys import DaemonKeys

_log = logging.getLogger(__name__)

_Socket: TypeAlias = "zmq.Socket[Any]"
_Reason: TypeAlias = Callable[[int, int], str]

_POLL_MS = 100
_AT_A_TIME = 100
"""Events of one socket that are taken before the others get their turn."""
_IO_THREADS = 4
"""One for each socket: a client of the results must not hold up the frames."""
_PUBLISHER_REMEDY = "put its public key into the folder of keys, as publisher.key"


@dataclass(slots=True)
class _Watched:
    """What is said of those whose handshake with a socket fails."""

    what: str
    reason: _Reason


class Door:
    """The context of the daemon's sockets: bind and connect them, then run ``serve``.

    One thread opens the sockets, one then calls ``serve``. Close the sockets before it.

    Parameters
    ----------
    keys
        None: plain sockets on this machine's loopback.
    clock
        Seconds that never run backwards.
    """

    def __init__(
        self, keys: DaemonKeys | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._tally = Tally()
        self._watched: dict[_Socket, _Watched] = {}
        self._n_opened = 0
        self.context = zmq.Context(io_threads=_IO_THREADS)
        # There before any socket: who comes early waits for ``serve``.
        self._keeper = (
            Doorkeeper(self.context, keys, clock=clock) if keys is not None else None
        )

    def close(self) -> None:
        """Let go of the context once ``serve`` has returned; again does nothing."""
        for monitor in self._watched:
            monitor.close(0)
        if self._keeper is not None:
            self._keeper.close()
        self.context.term()

    def socket(self, kind: int) -> _Socket:
        """Return a socket with an I/O thread of its own."""
        socket: _Socket = self.context.socket(kind)
        socket.setsockopt(zmq.AFFINITY, 1 << (self._n_opened % _IO_THREADS))
        self._n_opened += 1
        return socket

    def bind(self, socket: _Socket, endpoint: str, name: str) -> str:
        """Bind a socket and return its endpoint; ``name`` says what it is for.

        Raises
        ------
        ConfigError
            If the address is not permitted or taken.
        """
        own = self._keys.own if self._keys is not None else None

        def reason(event: int, value: int) -> str:
            return daemon_reason(event, value, has_keys=own is not None)

        # A key that is not welcome is told of by the doorkeeper, who knows the address.
        events = FAILURES & ~zmq.EVENT_HANDSHAKE_FAILED_AUTH
        watched = self._watch(socket, events, name, reason)
        bound = sockets.bind(socket, endpoint, own=own, domain=name)
        watched.what = f"{name} at {bound}: refused a client"
        return bound

    def connect(self, socket: _Socket, endpoint: str, name: str) -> str:
        """Connect a socket, by the publisher's key where there is one.

        Raises
        ------
        ConfigError
            If the address is not permitted.
        """
        keys = self._keys.publisher if self._keys is not None else None

        def reason(event: int, value: int) -> str:
            return client_reason(event, value, keys, remedy=_PUBLISHER_REMEDY)

        watched = self._watch(socket, FAILURES, name, reason)
        connected = sockets.connect(socket, endpoint, keys)
        watched.what = f"{name} at {connected}: not taken in"
        return connected

    def serve(self, stop: StopSignal) -> None:
        """Say who may come in, and log who may not, until ``stop`` is set."""
        poller = zmq.Poller()
        for monitor in self._watched:
            poller.register(monitor, zmq.POLLIN)
        if self._keeper is not None:
            poller.register(self._keeper.socket, zmq.POLLIN)
        while not stop.is_set():
            for socket, _ in poller.poll(_POLL_MS):
                if socket in self._watched:
                    self._tell(socket)
                elif self._keeper is not None:
                    self._keeper.answer()

    def _watch(self, socket: _Socket, events: int, name: str, reason: _Reason) -> _Watched:
        address = f"inproc://handshakes-{len(self._watched)}"
        socket.monitor(address, events)
        monitor: _Socket = self.context.socket(zmq.PAIR)
        watched = self._watched[monitor] = _Watched(name, reason)
        # A monitor that is full stops the I/O thread, and so its socket.
        monitor.setsockopt(zmq.RCVHWM, 0)
        monitor.connect(address)
        return watched

    def _tell(self, monitor: _Socket) -> None:
        watched = self._watched[monitor]
        for _ in range(_AT_A_TIME):
            if not monitor.poll(0):
                return
            event = recv_monitor_message(monitor, zmq.NOBLOCK)
            reason = watched.reason(int(event["event"]), int(event["value"]))
            text = f"{watched.what}: {reason}"
            count, is_worth_it = self._tally.count(text)
            if is_worth_it:
                _log.warning("%s (%d times)", text, count)
