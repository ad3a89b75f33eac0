"""What every ZMQ socket of this house has in common: loopback only, bounded messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zmq

from ltemlive.endpoints import loopback_endpoint
from ltemlive.errors import ConfigError, WireError
from ltemlive.wire.limits import MAX_PARTS

if TYPE_CHECKING:
    from typing import Any


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


def bind(socket: zmq.Socket[Any], endpoint: str) -> str:
    """Bind to a loopback endpoint and return it with the port that it got.

    Raises
    ------
    ConfigError
        If the address is not a loopback address, or is taken.
    """
    try:
        socket.bind(loopback_endpoint(endpoint))
    except zmq.ZMQError as error:
        raise ConfigError(
            f"{endpoint}: expected a free address, got: {error.strerror}; end the program "
            "that holds it, or choose another port"
        ) from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


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
