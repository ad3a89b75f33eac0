"""The socket of a producer: bytes to one daemon, and its answers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import zmq

from ltemlive.errors import WireError
from ltemlive.handshakes import HandshakeWatch
from ltemlive.sockets import Tally, connect, limit, receive_parts
from ltemlive.wire.limits import MAX_HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltemlive.keys import ClientKeys

_log = logging.getLogger(__name__)

_WAITING_MESSAGES = 16


class ProducerSocket:
    """A DEALER that holds nothing back: what it takes is on its way, or lost.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the daemon (``input.zmq``).
    keys
        Of this producer, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address, and there are no keys.
    """

    def __init__(self, endpoint: str, keys: ClientKeys | None = None) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        limit(
            self._socket,
            waiting=_WAITING_MESSAGES,
            linger_ms=0,
            max_part_bytes=MAX_HEADER_BYTES,
        )
        # Without a daemon nothing may pile up in the socket: its owner keeps it.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._tally = Tally()
        self._watch = HandshakeWatch(self._socket, keys)
        try:
            self.endpoint = connect(self._socket, endpoint, keys)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; a second call does nothing."""
        self._watch.close()
        self._socket.close()
        self._context.term()

    def has_sent(self, parts: list[bytes]) -> bool:
        """Send a message; return False where nobody is there, or too much waits."""
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        return True

    def has_room(self, wait_s: float) -> bool:
        """Return whether a message can be sent, waiting ``wait_s`` for it at most."""
        return bool(self._socket.poll(int(wait_s * 1000.0), zmq.POLLOUT))

    def answers(self, wait_s: float) -> Iterator[list[memoryview]]:
        """Yield what has come, waiting ``wait_s`` at most for the first."""
        timeout_ms = int(wait_s * 1000.0)
        while self._socket.poll(timeout_ms):
            yield receive_parts(self._socket)
            timeout_ms = 0

    def was_lost(self) -> bool:
        """Return whether the connection has ended since the last call.

        Raises
        ------
        WireError
            If the daemon does not let us in, and ZMQ has given up.
        """
        refusal = self._watch.look()
        if refusal is not None and self._watch.has_given_up:
            raise WireError(f"{self.endpoint}: {refusal}")
        # Behind a tunnel a daemon that is being restarted hangs up as well: frames wait.
        if refusal is not None and self._tally.count(refusal)[1]:
            _log.warning("%s: %s; trying again", self.endpoint, refusal)
        return self._watch.has_lost_peer
