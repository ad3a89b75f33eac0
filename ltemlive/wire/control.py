"""Questions to the daemon and its answers, to bytes and back.

Two parts: the magic and a JSON object, whose further keys are the arguments of the request
or the values of the answer. An answer that carries arrays has them as a third part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ltemlive.errors import WireError
from ltemlive.wire.fields import Fields, one_line, read_header
from ltemlive.wire.jsontext import dump_object
from ltemlive.wire.limits import MAX_REASON_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTROL_MAGIC = b"ltem.ctl.v1"

_REQUEST_KEYS = ("id", "op")
_ANSWER_KEYS = ("id", "ok", "error")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    id: int
    """The client's own number; the answer repeats it."""
    op: str
    """Name of the operation, such as ``ping`` or ``latest``."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon says to a request."""

    id: int
    ok: bool
    error: str | None = None
    """Why not, in one line; None if ``ok``."""
    values: Mapping[str, Any] = field(default_factory=dict)
    buffer: bytes | memoryview | None = None
    """One result message as ``wire.results`` encodes it, where one was asked for."""


def encode_request(request: Request) -> list[bytes]:
    """Return the two parts of a request."""
    header = {
        "id": request.id,
        "op": request.op,
        **_without(request.arguments, _REQUEST_KEYS),
    }
    return [CONTROL_MAGIC, dump_object(header, where="request")]


def decode_request(parts: Sequence[bytes | memoryview]) -> Request:
    """Return what the two parts of a request say.

    Raises
    ------
    WireError
        If this is no request of this version.
    """
    fields = read_header(parts, magic=CONTROL_MAGIC, n_parts=(2,), where="request")
    return Request(
        id=fields.whole("id"),
        op=fields.text("op"),
        arguments=_without(fields.values, _REQUEST_KEYS),
    )


def frame_wish(request: Request) -> tuple[int, bool | None, int | None]:
    """Return what ``use_frame`` asks for: seq, whether to use it, and its series.

    None for "as it fits", and for the newest series that is open.

    Raises
    ------
    WireError
        If an argument is missing or impossible.
    """
    fields = Fields(request.arguments, request.op)
    if "use" not in request.arguments:
        raise WireError(f"{request.op}: use: expected true, false or null, got nothing")
    use = None if request.arguments["use"] is None else fields.flag("use")
    return fields.whole("seq"), use, _ordinal(fields)


def view_wish(request: Request) -> tuple[int | None, int | None]:
    """Return what ``view`` asks for: the seq of a frame, or None for TIE, and its series.

    None for the newest series.

    Raises
    ------
    WireError
        If an argument is missing or impossible.
    """
    fields = Fields(request.arguments, request.op)
    is_frame = fields.choice("what", ("frame", "tie")) == "frame"
    return fields.whole("seq") if is_frame else None, _ordinal(fields)


def encode_answer(answer: Answer) -> list[bytes | memoryview]:
    """Return the two or three parts of an answer."""
    error = None if answer.error is None else one_line(answer.error)
    values = _without(answer.values, _ANSWER_KEYS)
    header = {"id": answer.id, "ok": answer.ok, "error": error, **values}
    parts: list[bytes | memoryview] = [CONTROL_MAGIC, dump_object(header, where="answer")]
    return parts if answer.buffer is None else [*parts, answer.buffer]


def decode_answer(parts: Sequence[bytes | memoryview]) -> Answer:
    """Return what the two or three parts of an answer say.

    Raises
    ------
    WireError
        If this is no answer of this version.
    """
    fields = read_header(parts, magic=CONTROL_MAGIC, n_parts=(2, 3), where="answer")
    error = None
    if fields.values.get("error") is not None:
        error = fields.text("error", most=MAX_REASON_CHARACTERS)
    return Answer(
        id=fields.whole("id"),
        ok=fields.flag("ok"),
        error=error,
        values=_without(fields.values, _ANSWER_KEYS),
        buffer=bytes(parts[2]) if len(parts) == 3 else None,
    )


def _ordinal(fields: Fields) -> int | None:
    is_newest = fields.values.get("ordinal") is None
    return None if is_newest else fields.whole("ordinal", least=1)


def _without(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}
