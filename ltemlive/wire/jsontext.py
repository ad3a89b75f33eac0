"""Strict JSON: what every language reads alike, and nothing that can hurt the reader.

Python's parser takes NaN and 1e999, guesses UTF-16, lets the last of two equal keys win,
and passes on half surrogates that no file can store. All of that is refused here.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

from ltemlive.errors import WireError
from ltemlive.wire.limits import MAX_HEADER_BYTES, MAX_JSON_DEPTH

if TYPE_CHECKING:
    from collections.abc import Mapping

_INT64_DIGITS = 19


def parse_object(
    text: bytes | memoryview, *, where: str, max_bytes: int = MAX_HEADER_BYTES
) -> dict[str, Any]:
    """Return the JSON object in ``text``; errors begin with ``where``.

    Raises
    ------
    WireError
        If the text is longer than ``max_bytes``, is not UTF-8, is not one JSON object,
        or holds a key twice, a number that is not finite or beyond 64 bits, nesting
        beyond 32 levels, or half a surrogate pair.
    """
    nbytes = len(text)
    if nbytes > max_bytes:
        raise WireError(
            f"{where}: expected JSON of at most {max_bytes} bytes, got {nbytes}"
        )
    try:
        value = json.loads(
            bytes(text).decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_int64,
            object_pairs_hook=_unique,
        )
        _check_depth_and_text(value)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise WireError(f"{where}: expected strict JSON, got: {reason}") from error
    if not isinstance(value, dict):
        raise WireError(f"{where}: expected a JSON object, got {type(value).__name__}")
    return value


def dump_object(
    value: Mapping[str, Any], *, where: str, max_bytes: int = MAX_HEADER_BYTES
) -> bytes:
    """Return ``value`` as compact UTF-8 JSON, keys in their own order.

    Half surrogates, which file names may hold, become question marks.

    Raises
    ------
    WireError
        If a value has no JSON form (NaN included) or the text exceeds ``max_bytes``.
    """
    try:
        text = json.dumps(
            dict(value), allow_nan=False, ensure_ascii=False, separators=(",", ":")
        ).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"{where}: expected values that JSON has, got: {error}") from error
    if len(text) > max_bytes:
        raise WireError(
            f"{where}: expected JSON of at most {max_bytes} bytes, got {len(text)}"
        )
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:24]}, which is not finite")
    return value


def _int64(text: str) -> int:
    if len(text.lstrip("-")) > _INT64_DIGITS:
        raise ValueError(f"the number {text[:24]}..., beyond 64 bits")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("the same key twice")
    return values


def _check_depth_and_text(value: Any) -> None:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        for inner in level:
            if isinstance(inner, str):
                inner.encode("utf-8")
        level = [child for inner in level for child in _children(inner)]
        if not level:
            return
    raise ValueError(f"more than {MAX_JSON_DEPTH} levels")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []
