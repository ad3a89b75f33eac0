"""Which addresses a socket of this house may have: those of this machine alone."""

from __future__ import annotations

import re

from ltemlive.errors import ConfigError

_LOOPBACK = re.compile(r"tcp://(127(?:\.\d{1,3}){3}|localhost):(\d{1,5}|\*)")
_MAX_PORT = 65535


def loopback_endpoint(endpoint: str) -> str:
    """Return the endpoint as ZMQ takes it; port 0 or ``*`` asks for any free port.

    Raises
    ------
    ConfigError
        If it is not a TCP port of this machine's loopback. Without keys anything else
        would be open to everybody on the network.
    """
    match = _LOOPBACK.fullmatch(endpoint)
    if match is None or (match[2] != "*" and int(match[2]) > _MAX_PORT):
        raise ConfigError(
            f"{endpoint}: expected a loopback address such as tcp://127.0.0.1:5571; other "
            "machines need CURVE keys, which are not available yet: use an ssh tunnel"
        )
    host = "127.0.0.1" if match[1] == "localhost" else match[1]
    port = "*" if match[2] == "*" or int(match[2]) == 0 else str(int(match[2]))
    return f"tcp://{host}:{port}"
