"""What the daemon answers to a frame, a start or an end, to bytes and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ltemlive.wire.fields import one_line, read_header
from ltemlive.wire.jsontext import dump_object
from ltemlive.wire.limits import MAX_REASON_CHARACTERS
from ltemlive.wire.messages import Ack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltemlive.arrivals import AckStatus
    from ltemlive.wire.messages import AnsweredType

ACK_MAGIC = b"ltem.ack.v1"

_ANSWERED_TYPES = ("frame", "start", "end")
_STATUSES = ("stored", "duplicate", "rejected", "ok")
_MAX_CREDIT = 1024


def encode_ack(ack: Ack) -> list[bytes]:
    """Return the two parts of an answer."""
    header: dict[str, Any] = {
        "series": ack.series,
        "seq": ack.seq,
        "status": ack.status,
        "reason": None if ack.reason is None else one_line(ack.reason),
        "credit": ack.credit,
    }
    if ack.type != "frame":
        header = {"type": ack.type, **header}
    return [ACK_MAGIC, dump_object(header, where="ack")]


def decode_ack(parts: Sequence[bytes | memoryview]) -> Ack:
    """Return what the two parts of an answer say; without a type it answers a frame.

    Raises
    ------
    WireError
        If this is no answer of this version.
    """
    fields = read_header(parts, magic=ACK_MAGIC, n_parts=(2,), where="ack")
    type_ = "frame"
    if "type" in fields.values:
        type_ = fields.choice("type", _ANSWERED_TYPES)
    reason = None
    if fields.values.get("reason") is not None:
        reason = fields.text("reason", most=MAX_REASON_CHARACTERS)
    return Ack(
        series=fields.text("series"),
        seq=fields.whole("seq") if type_ == "frame" else None,
        type=cast("AnsweredType", type_),
        status=cast("AckStatus", fields.choice("status", _STATUSES)),
        reason=reason,
        credit=fields.whole("credit", most=_MAX_CREDIT),
    )
