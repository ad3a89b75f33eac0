"""What small result messages say, checked and made ready to draw. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from ltemlive.errors import WireError
from ltemlive.wire.fields import Fields, brief
from ltemlive.wire.limits import (
    DEFOCUS_NM,
    MAX_LISTED_FRAMES,
    MAX_REASON_CHARACTERS,
    UNIX_TIME_S,
)
from ltemlive.wire.results import FrameRow, FrameState

if TYPE_CHECKING:
    from ltemlive.wire.results import ResultMessage

NoticeLevel: TypeAlias = Literal["info", "warning", "error"]
COUNTERS = (
    "received",
    "stored",
    "dropped",
    "disordered",
    "duplicate",
    "rejected",
    "queued",
)


@dataclass(frozen=True, slots=True)
class StatusShown:
    """What the daemon says of itself each second."""

    session: str
    state: str
    device: str | None
    ordinal: int | None
    series: str | None
    n_expected: int | None
    counters: tuple[tuple[str, int], ...]
    frames: tuple[FrameRow, ...]
    version: str
    t_published: float
    problem: str | None = None
    """What the disk refuses now."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the banner."""

    text: str
    level: NoticeLevel
    ordinal: int | None = None
    """The series it is about, if it is about one."""


def read_status(message: ResultMessage) -> StatusShown:
    """Return the status in a message; WireError where a key is missing or impossible."""
    fields = Fields(message.header, "status")
    series = message.header.get("series")
    device = message.header.get("device")
    rows = message.header.get("frames")
    if not isinstance(rows, list) or len(rows) > MAX_LISTED_FRAMES:
        raise WireError(f"status: frames: expected a list of at most {MAX_LISTED_FRAMES}")
    return StatusShown(
        session=fields.text("session"),
        state=fields.text("state"),
        device=None if device is None else fields.text("device"),
        ordinal=fields.whole_or_none("ordinal"),
        series=None if series is None else fields.text("series"),
        n_expected=fields.whole_or_none("n_expected"),
        counters=tuple((name, fields.whole(name)) for name in COUNTERS),
        frames=tuple(_row(row) for row in rows),
        version=fields.text("version"),
        t_published=fields.number("t_published", UNIX_TIME_S),
        problem=None
        if message.header.get("problem") is None
        else fields.text("problem", most=MAX_REASON_CHARACTERS),
    )


def read_frame(message: ResultMessage) -> tuple[int | None, FrameRow]:
    """Return the ordinal of its series (where there is one) and the row of a frame."""
    return Fields(message.header, "frame").whole_or_none("ordinal"), _row(message.header)


def read_advice(message: ResultMessage) -> Notice:
    """Return the advice in a message; WireError where a key is missing or impossible."""
    fields = Fields(message.header, "advice")
    text = fields.text("text", most=MAX_REASON_CHARACTERS)
    level = cast("NoticeLevel", fields.choice("level", get_args(NoticeLevel)))
    return Notice(text, level, fields.whole_or_none("ordinal"))


def _row(values: object) -> FrameRow:
    if not isinstance(values, dict):
        raise WireError(f"frames: expected an object per frame, got {brief(values)}")
    fields = Fields(values, "frame")
    reason = values.get("reason")
    return FrameRow(
        seq=fields.whole_or_none("seq"),
        frame=fields.text("frame"),
        defocus_nm=fields.number_or_none("defocus_nm", DEFOCUS_NM),
        state=cast("FrameState", fields.choice("state", get_args(FrameState))),
        reason=None
        if reason is None
        else fields.text("reason", most=MAX_REASON_CHARACTERS),
    )
