"""Which addresses in the settings are open: only all of the settings say, by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import InitErrorDetails, PydanticCustomError

from ltemlive.endpoints import permitted_endpoint
from ltemlive.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

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
    has_keys = _part(_part(values, "security"), "keys") is not None
    for section, key in _ENDPOINTS:
        endpoint = _part(_part(values, section), key)
        if not isinstance(endpoint, str):
            continue
        try:
            permitted_endpoint(endpoint, has_keys=has_keys)
        except ConfigError as error:
            expected = str(error).partition("expected ")[2]
            yield InitErrorDetails(
                type=PydanticCustomError("endpoint", "{expected}", {"expected": expected}),
                loc=(section, key),
                input=endpoint,
            )


def _part(values: Any, name: str) -> Any:
    """Return a part of what is not checked yet: a mapping, a section, or anything else."""
    return values.get(name) if isinstance(values, dict) else getattr(values, name, None)


def as_before(detail: ErrorDetails) -> InitErrorDetails:
    """Return an error that was told, so that it can be told again among others."""
    return InitErrorDetails(
        type=detail["type"],
        loc=detail["loc"],
        input=detail["input"],
        ctx=detail.get("ctx", {}),
    )
