"""Why a peer and a socket of ours do not come together: told, where ZMQ is silent.

A socket whose handshake fails only ever looks as if nobody were there. What happened stands
in its monitor, and differs by side. With libzmq 4.3.5, measured:

======================== ============================== ===============================
what is wrong            the daemon sees                its client sees
======================== ============================== ===============================
key not allowed          AUTH (the doorkeeper as well)  AUTH, and never tries again
another key of the       PROTOCOL, cryptographic        NO_DETAIL (hung up), tries again
daemon
only one has keys        PROTOCOL, mechanism; or        PROTOCOL, and never tries again;
                         NO_DETAIL                      or NO_DETAIL, tries again
======================== ============================== ===============================

NO_DETAIL once is no reason: a daemon that ends hangs up on whoever has just connected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import zmq
from zmq.utils.monitor import recv_monitor_message

if TYPE_CHECKING:
    from typing import Any

    from ltemlive.keys import ClientKeys

FAILURES = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
PATIENCE = 3
"""Times in a row that a peer may hang up before it is worth a word."""

_CLIENT_REMEDY = "use --keys DIR (made with `ltemlive keys`)"
_CRYPTOGRAPHIC = int(zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
_MECHANISM = int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)


def client_reason(
    event: int, value: int, keys: ClientKeys | None, *, remedy: str = _CLIENT_REMEDY
) -> str:
    """Return why the peer that we connected to did not take us, and what to do.

    Parameters
    ----------
    event, value
        As the monitor of our socket told them.
    keys
        Ours, None where we have none.
    remedy
        How to get keys.
    """
    if keys is None:
        says = "asks for keys" if value == _MECHANISM else "hangs up, and may ask for keys"
        return f"it {says}: {remedy}"
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return (
            f"it does not know the key of {keys.folder}: have that public key put into the "
            "folder of those that may come in"
        )
    if value == _MECHANISM:
        return (
            f"it has no keys, we have those of {keys.folder}: use keys there, or not here"
        )
    return (
        f"it hangs up: its key may be another than {keys.server_file} (copy it again), or "
        "it may have no keys"
    )


def daemon_reason(event: int, value: int, *, has_keys: bool) -> str:
    """Return why a client that connected to us did not get in."""
    if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _CRYPTOGRAPHIC:
        return "it expects another key of this daemon: give it daemon.key again"
    if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _MECHANISM:
        if has_keys:
            return "it has no keys: give it some with `ltemlive keys DIR --client NAME`"
        return "it has keys, and this daemon has none: set security.keys"
    # Where only one has keys, either may be the first to hang up.
    if has_keys:
        return "it hung up, or speaks no ZMTP; it may have no keys"
    return "it hung up, or speaks no ZMTP; it may have keys, and this daemon has none"


class HandshakeWatch:
    """What became of the connection of a socket that connects; for that socket's thread.

    Make it before the socket connects, and close it before the socket.
    """

    def __init__(self, socket: zmq.Socket[Any], keys: ClientKeys | None) -> None:
        self._socket = socket
        self._keys = keys
        self._n_hung_up = 0
        self._reason: str | None = None
        self.is_up = False
        """Whether there is a peer that takes us, as of the last ``look``."""
        self.has_lost_peer = self.has_come_up = False
        """Whether the connection broke, or was made, since the ``look`` before."""
        self.has_given_up = False
        """Whether ZMQ tries no more: the socket must connect again, or is of no use."""
        events = FAILURES | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
        self.monitor = socket.get_monitor_socket(events)

    def close(self) -> None:
        """Stop watching; a second call does nothing."""
        if not self.monitor.closed:
            self._socket.disable_monitor()
            self.monitor.close(0)

    def look(self) -> str | None:
        """Return why the peer does not take us, if it is known by now; else None.

        A peer that hangs up is told of each time it has done so ``PATIENCE`` times; one
        that says no for good is told of each time.
        """
        self.has_lost_peer = self.has_come_up = False
        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor, zmq.NOBLOCK)
            self._note(int(event["event"]), int(event["value"]))
        if not self.has_given_up:
            if self._n_hung_up < PATIENCE:
                return None
            self._n_hung_up = 0
        return self._reason

    def begin_again(self) -> None:
        """Forget what was, for a socket that is about to connect again."""
        self._n_hung_up, self._reason, self.has_given_up = 0, None, False

    def _note(self, event: int, value: int) -> None:
        if event == zmq.EVENT_DISCONNECTED:
            self.has_lost_peer, self.is_up = True, False
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.begin_again()
            self.has_come_up = self.is_up = True
        else:
            self._n_hung_up += 1
            self._reason = client_reason(event, value, self._keys)
            self.has_given_up = event != zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
