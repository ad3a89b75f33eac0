"""Which addresses in the settings are open: only all of the settings say, by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ltemlive.endpoints import permitted_endpoint
from ltemlive.errors import ConfigError
from ltemlive.refusals import part_of, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import InitErrorDetails

_ENDPOINTS = (
    ("input", "zmq"),
    ("input", "zmq_sub"),
    ("output", "results"),
    ("output", "control"),
)
"""Section and key of every address."""


def forbidden_endpoints(values: Any) -> Iterator[InitErrorDetails]:
    """Yield an error for each address in the settings that no socket may have.

    ``values`` may be anything that settings are made of: what is no text is no address, and
    refused elsewhere.
    """
    has_keys = part_of(part_of(values, "security"), "keys") is not None
    for section, key in _ENDPOINTS:
        endpoint = part_of(part_of(values, section), key)
        if not isinstance(endpoint, str):
            continue
        try:
            permitted_endpoint(endpoint, has_keys=has_keys)
        except ConfigError as error:
            expected = str(error).partition("expected ")[2]
            yield refusal((section, key), expected, endpoint)
