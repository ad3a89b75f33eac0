"""Which addresses a socket of this house may have: without keys, those of this machine."""

from __future__ import annotations

import re

from ltemlive.errors import ConfigError

_ENDPOINT = re.compile(
    r"tcp://(\*|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(\d{1,5}|\*)"
)
_LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}|localhost")
_MAX_PORT = 65535


def permitted_endpoint(endpoint: str, *, has_keys: bool = False) -> str:
    """Return the endpoint as ZMQ takes it; port 0 or ``*`` asks for any free port.

    Parameters
    ----------
    has_keys
        Whether the socket speaks CURVE. Without keys any address but this machine's
        loopback would be open to everybody on the network.

    Raises
    ------
    ConfigError
        If it is not a TCP port, or not one of the loopback where there are no keys.
    """
    match = _ENDPOINT.fullmatch(endpoint)
    is_port = match is not None and (match[2] == "*" or int(match[2]) <= _MAX_PORT)
    if match is None or not is_port:
        raise ConfigError(
            f"{endpoint}: expected a loopback address such as tcp://127.0.0.1:5571; with "
            "keys any other TCP port such as tcp://192.168.1.7:5571"
        )
    is_loopback = _LOOPBACK.fullmatch(match[1]) is not None
    if not (is_loopback or has_keys):
        raise ConfigError(
            f"{endpoint}: expected a loopback address such as tcp://127.0.0.1:5571; other "
            "machines need CURVE keys: make them with `ltemlive keys DIR` and name them in "
            "security.keys (the daemon) or --keys (its clients), or use an ssh tunnel"
        )
    host = "127.0.0.1" if match[1] == "localhost" else match[1]
    port = "*" if match[2] == "*" or int(match[2]) == 0 else str(int(match[2]))
    return f"tcp://{host}:{port}"
