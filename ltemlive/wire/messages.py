"""What a producer says and what it is answered, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ltemlive.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.arrivals import AckStatus
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame

MessageType: TypeAlias = Literal["frame", "start", "end", "hb"]
AnsweredType: TypeAlias = Literal["frame", "start", "end"]


@dataclass(frozen=True, slots=True, eq=False)
class FrameMessage:
    """One exposure of a series."""

    producer: str
    series: str
    frame: Frame
    """Its image is read-only and may lie in the buffer that was received."""
    crc32: int
    """CRC-32 of the pixel bytes."""


@dataclass(frozen=True, slots=True)
class StartMessage:
    """A series begins."""

    producer: str
    series: str
    n_expected: int | None = None
    plan_defocus_nm: tuple[float, ...] | None = None
    optics: Mapping[str, Any] = field(default_factory=dict)
    """The optional keys of ``series.yaml`` (``microscope`` on the wire), unchecked."""
    dtype: str | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class EndMessage:
    """A series ends."""

    producer: str
    series: str
    n_sent: int | None
    exit_status: ExitStatus


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The producer lives; never answered."""

    producer: str
    series: str
    last_seq: int
    """The highest seq sent so far, -1 before the first."""


IncomingMessage: TypeAlias = FrameMessage | StartMessage | EndMessage | Heartbeat


@dataclass(frozen=True, slots=True)
class Ack:
    """The daemon's answer to a frame, a start or an end."""

    series: str
    seq: int | None
    """None in the answer to a start or an end."""
    type: AnsweredType
    status: AckStatus
    reason: str | None
    credit: int
    """Messages that the producer may have unanswered."""


class UnusableMessageError(WireError):
    """A message says whose it is but cannot be used, so its producer can be told."""

    def __init__(
        self,
        reason: str,
        *,
        type_: MessageType,
        producer: str,
        series: str,
        seq: int | None,
    ) -> None:
        super().__init__(reason)
        self.type = type_
        self.producer = producer
        self.series = series
        self.seq = seq
