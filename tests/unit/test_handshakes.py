from pathlib import Path

import pytest
import zmq

from ltemlive.handshakes import client_reason, daemon_reason
from ltemlive.keys import ClientKeys, Pair

KEYS = ClientKeys(Path("for-me"), Pair(b"", b""), b"", Path("for-me/daemon.key"))
HUNG_UP = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
PROTOCOL = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
AUTH = zmq.EVENT_HANDSHAKE_FAILED_AUTH
MECHANISM = zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
CRYPTOGRAPHIC = zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
EPIPE = 32


@pytest.mark.parametrize(
    ("event", "value", "keys", "says"),
    [
        (HUNG_UP, EPIPE, None, "hangs up, and may ask for keys: use --keys DIR"),
        (PROTOCOL, MECHANISM, None, "asks for keys: use --keys DIR"),
        (PROTOCOL, MECHANISM, KEYS, "it has no keys, we have those of for-me"),
        (HUNG_UP, EPIPE, KEYS, "its key may be another than for-me/daemon.key"),
        (AUTH, 400, KEYS, "it does not know the key of for-me"),
    ],
)
def test_a_client_says_what_is_wrong_with_its_keys(event, value, keys, says):
    assert says in client_reason(event, value, keys)


@pytest.mark.parametrize(
    ("event", "value", "has_keys", "says"),
    [
        (PROTOCOL, CRYPTOGRAPHIC, True, "it expects another key of this daemon"),
        (PROTOCOL, MECHANISM, True, "it has no keys: give it some"),
        (PROTOCOL, MECHANISM, False, "it has keys, and this daemon has none"),
        (
            PROTOCOL,
            zmq.PROTOCOL_ERROR_ZMTP_UNSPECIFIED,
            True,
            "speaks no ZMTP; it may have no keys",
        ),
        (HUNG_UP, EPIPE, False, "it may have keys, and this daemon has none"),
    ],
)
def test_a_daemon_says_what_is_wrong_with_a_client(event, value, has_keys, says):
    assert says in daemon_reason(event, value, has_keys=has_keys)
