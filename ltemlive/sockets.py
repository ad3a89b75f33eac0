"""What every ZMQ socket of this house has in common: an address, keys, bounded messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zmq

from ltemlive.endpoints import permitted_endpoint
from ltemlive.errors import ConfigError, WireError
from ltemlive.wire.limits import MAX_PARTS

if TYPE_CHECKING:
    from typing import Any

    from ltemlive.keys import ClientKeys, Pair


def limit(
    socket: zmq.Socket[Any], *, waiting: int, linger_ms: int, max_part_bytes: int
) -> None:
    """Set what must be set before a socket binds or connects.

    Parameters
    ----------
    waiting
        Messages that may wait in each direction, per peer.
    linger_ms
        How long closing waits for what has not been sent.
    max_part_bytes
        A peer that sends a longer part is disconnected before it is stored.
    """
    socket.set_hwm(waiting)
    socket.setsockopt(zmq.LINGER, linger_ms)
    socket.setsockopt(zmq.MAXMSGSIZE, max_part_bytes)


def bind(
    socket: zmq.Socket[Any], endpoint: str, *, own: Pair | None = None, domain: str = ""
) -> str:
    """Bind to an endpoint and return it with the port that it got.

    Parameters
    ----------
    own
        The key pair of this side: only clients that the context's doorkeeper lets in, asked
        with ``domain``, are then spoken to, and none while there is no doorkeeper.

    Raises
    ------
    ConfigError
        If the address is not permitted (see ``permitted_endpoint``), or is taken.
    """
    if own is not None:
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = own.public, own.secret
        socket.setsockopt_string(zmq.ZAP_DOMAIN, domain)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    try:
        socket.bind(permitted_endpoint(endpoint, has_keys=own is not None))
    except zmq.ZMQError as error:
        raise ConfigError(
            f"{endpoint}: expected a free address, got: {error.strerror}; end the program "
            "that holds it, or choose another port"
        ) from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def connect(socket: zmq.Socket[Any], endpoint: str, keys: ClientKeys | None) -> str:
    """Connect to an endpoint, which need not be there yet, and return it as ZMQ has it.

    Raises
    ------
    ConfigError
        If the address is not permitted (see ``permitted_endpoint``).
    """
    taken = permitted_endpoint(endpoint, has_keys=keys is not None)
    if keys is not None:
        socket.curve_serverkey = keys.server
        socket.curve_publickey, socket.curve_secretkey = keys.own.public, keys.own.secret
    try:
        socket.connect(taken)
    except zmq.ZMQError as error:
        raise ConfigError(
            f"{endpoint}: expected an address to connect to, got: {error.strerror}; name "
            "the machine and the port that the other side listens on"
        ) from error
    return taken


def receive_parts(socket: zmq.Socket[Any]) -> list[memoryview]:
    """Return the parts of the message that ``socket`` has ready, not copied.

    Raises
    ------
    WireError
        If there are more than ``MAX_PARTS``. The rest is taken off the socket all the
        same, so that the next call begins with the next message.
    """
    parts: list[memoryview] = []
    count = 0
    more = True
    while more:
        part = socket.recv(zmq.NOBLOCK, copy=False)
        count += 1
        more = part.more
        if count <= MAX_PARTS:
            parts.append(part.buffer)
    if count > MAX_PARTS:
        raise WireError(f"message: expected at most {MAX_PARTS} parts, got {count}")
    return parts


def is_worth_logging(count: int) -> bool:
    """Return True for the 1st, 2nd, 4th, 8th: rubbish in a flood must not flood the log."""
    return count.bit_count() == 1


class Tally:
    """Counts of what happens again and again, each text for itself, for a log.

    Of more texts than ``n_texts`` the later ones share a count: whoever makes up new ones
    must take neither memory nor the log.
    """

    def __init__(self, n_texts: int = 256) -> None:
        self._n_texts = n_texts
        self._counts: dict[str, int] = {}

    def count(self, text: str) -> tuple[int, bool]:
        """Return how often it has happened with this time, and whether to log it."""
        is_known = text in self._counts or len(self._counts) < self._n_texts
        key = text if is_known else ""
        self._counts[key] = count = self._counts.get(key, 0) + 1
        return count, is_worth_logging(count)
