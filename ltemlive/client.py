"""What a program needs to follow a running daemon: its results, and its answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import zmq

from ltemlive.endpoints import loopback_endpoint
from ltemlive.errors import WireError
from ltemlive.sockets import limit, receive_parts
from ltemlive.wire.control import Request, decode_answer, encode_request
from ltemlive.wire.limits import MAX_RESULT_BYTES
from ltemlive.wire.results import TOPICS, decode_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ltemlive.wire.control import Answer
    from ltemlive.wire.results import ResultMessage

_WAITING_MESSAGES = 16


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

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address.
    """

    def __init__(
        self,
        endpoint: str,
        timeout_s: float = 5.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = loopback_endpoint(endpoint)
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
        self._socket.setsockopt(zmq.SNDTIMEO, int(timeout_s * 1000.0))
        self._socket.connect(self._endpoint)

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
        self._socket.close()
        self._context.term()

    def request(self, op: str, **arguments: Any) -> Answer:
        """Return the daemon's answer, whether it is yes or no.

        Raises
        ------
        WireError
            If no answer came in time, or one that is not of this version.
        """
        self._last_id += 1
        request = Request(self._last_id, op, arguments)
        deadline = self._clock() + self._timeout_s
        try:
            self._socket.send_multipart(encode_request(request))
        except zmq.Again as error:
            raise self._no_answer(op) from error
        while (left_s := deadline - self._clock()) > 0.0:
            if not self._socket.poll(int(left_s * 1000.0) + 1):
                continue
            answer = decode_answer(receive_parts(self._socket))
            # The answer to an earlier request that was given up may still come.
            if answer.id == request.id:
                return answer
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

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address.
    """

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        limit(
            self._socket,
            waiting=_WAITING_MESSAGES,
            linger_ms=0,
            max_part_bytes=MAX_RESULT_BYTES,
        )
        self._socket.connect(loopback_endpoint(endpoint))
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
        self._socket.close()
        self._context.term()

    def take(self, timeout_s: float) -> ResultMessage | None:
        """Return the next message, or None if none came in time.

        Raises
        ------
        WireError
            If something came that is not of this version.
        """
        if not self._socket.poll(int(timeout_s * 1000.0)):
            return None
        return decode_result(self._socket.recv())
