"""What a program needs to follow a running daemon: its results, and its answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import zmq

from ltemlive.errors import WireError
from ltemlive.handshakes import HandshakeWatch
from ltemlive.sockets import connect, limit, receive_parts
from ltemlive.wire.control import Request, decode_answer, encode_request
from ltemlive.wire.limits import MAX_RESULT_BYTES
from ltemlive.wire.results import TOPICS, decode_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ltemlive.keys import ClientKeys
    from ltemlive.wire.control import Answer
    from ltemlive.wire.results import ResultMessage

_WAITING_MESSAGES = 16
_LOOK_MS = 50
"""How often to look, while waiting, whether the daemon takes us at all."""


class ControlClient:
    """A connection to the daemon's control port; use it in a ``with`` block.

    Synchronous, for one thread.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the daemon (``output.control``).
    timeout_s
        How long ``request`` waits for an answer.
    clock
        Seconds that never run backwards.
    keys
        Of this client, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address, and there are no keys.
    """

    def __init__(
        self,
        endpoint: str,
        timeout_s: float = 5.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys: ClientKeys | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._clock = clock
        self._last_id = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        limit(
            self._socket,
            waiting=_WAITING_MESSAGES,
            linger_ms=0,
            max_part_bytes=MAX_RESULT_BYTES,
        )
        # Without a daemon a request waits here, then fails; it must not be done much later.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._watch = HandshakeWatch(self._socket, keys)
        try:
            self._endpoint = connect(self._socket, endpoint, keys)
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
        """Give the socket back; a second call does nothing."""
        self._watch.close()
        self._socket.close()
        self._context.term()

    def request(self, op: str, **arguments: Any) -> Answer:
        """Return the daemon's answer, whether it is yes or no.

        Raises
        ------
        WireError
            If no answer came in time, or one that is not of this version, or the daemon
            does not let us in.
        """
        self._last_id += 1
        request = Request(self._last_id, op, arguments)
        deadline = self._clock() + self._timeout_s
        # Of what has gone before only the end counts: the daemon may be back.
        self._watch.look()
        self._wait(zmq.POLLOUT, op, deadline)
        self._socket.send_multipart(encode_request(request), zmq.NOBLOCK)
        while True:
            self._wait(zmq.POLLIN, op, deadline)
            answer = decode_answer(receive_parts(self._socket))
            # The answer to an earlier request that was given up may still come.
            if answer.id == request.id:
                return answer

    def _wait(self, readiness: int, op: str, deadline: float) -> None:
        """Return when the socket can send or give; raise where it will not."""
        while not self._socket.poll(_LOOK_MS, readiness):
            refusal = self._watch.look()
            if refusal is not None:
                raise WireError(f"{self._endpoint}: {refusal}")
            if self._clock() >= deadline:
                raise self._no_answer(op)

    def _no_answer(self, op: str) -> WireError:
        return WireError(
            f"{self._endpoint}: expected an answer to {op} within {self._timeout_s:g} s, "
            "got none; start `ltemlive run`, or use the address of its output.control"
        )


class ResultFeed:
    """A subscription to what the daemon publishes; use it in a ``with`` block.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the daemon (``output.results``).
    keys
        Of this client, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address, and there are no keys.
    """

    def __init__(self, endpoint: str, *, keys: ClientKeys | None = None) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        limit(
            self._socket,
            waiting=_WAITING_MESSAGES,
            linger_ms=0,
            max_part_bytes=MAX_RESULT_BYTES,
        )
        self._watch = HandshakeWatch(self._socket, keys)
        try:
            self._endpoint = connect(self._socket, endpoint, keys)
        except Exception:
            self.close()
            raise
        for topic in TOPICS:
            self._socket.subscribe(topic.encode() + b"\0")

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
        """Give the socket back; a second call does nothing."""
        self._watch.close()
        self._socket.close()
        self._context.term()

    def take(self, timeout_s: float) -> ResultMessage | None:
        """Return the next message, or None if none came in time.

        Raises
        ------
        WireError
            If something came that is not of this version, or the daemon does not let us
            in.
        """
        deadline = time.monotonic() + timeout_s
        left_s = timeout_s
        while not self._socket.poll(min(int(left_s * 1000.0), _LOOK_MS)):
            refusal = self._watch.look()
            if refusal is not None:
                raise WireError(f"{self._endpoint}: {refusal}")
            left_s = deadline - time.monotonic()
            if left_s <= 0.0:
                return None
        return decode_result(self._socket.recv())
