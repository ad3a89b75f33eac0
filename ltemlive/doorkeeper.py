"""Whose key is welcome: the answers to ZAP, the protocol by which ZMQ asks.

https://rfc.zeromq.org/spec/27. ``zmq.auth`` has such a handler too: it tells neither who
was refused nor why, and dies unseen with its event loop.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import zmq
from zmq.utils import z85

from ltemlive.keys import CLIENTS
from ltemlive.sockets import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.keys import DaemonKeys

_log = logging.getLogger(__name__)

_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"
_REREAD_S = 1.0
"""The files are read again no sooner: nobody outside can keep the disk busy."""


class Doorkeeper:
    """Answer for every CURVE server of a context; for one thread.

    The files are looked at again while the daemon runs: a client whose key is put there
    may come in, and one whose key is taken away may not come in again.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        keys: DaemonKeys,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._t_read = clock()
        self._allowed = keys.allowed()
        self._tally = Tally()
        self.socket: zmq.Socket[Any] = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(_ENDPOINT)

    def close(self) -> None:
        """Answer no more: nobody new comes in then."""
        self.socket.close()

    def answer(self) -> None:
        """Answer one question that has come."""
        peer, _, version, number, domain, address, _identity, mechanism, *credentials = (
            self.socket.recv_multipart(zmq.NOBLOCK)
        )
        name = None
        if version == _VERSION and mechanism == b"CURVE" and len(credentials) == 1:
            key = z85.encode(credentials[0])
            name = self._name_of(key)
            if name is None:
                self._tell(domain.decode(), address.decode(), key.decode())
        status = (b"200", b"OK", name.encode()) if name else (b"400", b"unknown key", b"")
        reply = [peer, b"", _VERSION, number, *status, b""]
        self.socket.send_multipart(reply, zmq.NOBLOCK)

    def _name_of(self, key: bytes) -> str | None:
        now = self._clock()
        if now - self._t_read >= _REREAD_S:
            self._t_read, self._allowed = now, self._keys.allowed()
        return self._allowed.get(key)

    def _tell(self, domain: str, address: str, key: str) -> None:
        folder = self._keys.folder / CLIENTS
        text = (
            f"{domain}: refused a client from {address}: its key {key} is not in {folder}: "
            "put its client.key there, under the name of the client"
        )
        count, is_worth_it = self._tally.count(text)
        if is_worth_it:
            _log.warning("%s (%d times)", text, count)
