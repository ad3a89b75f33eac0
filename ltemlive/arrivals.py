"""What a source hands in: a series begins, a frame comes, or cannot be read, it ends.

An arrival carries a ``receipt`` that only its source understands; whoever consumed the
arrival gives it back with an ``AckStatus``, and the source answers its producer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.camera import Camera
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame

AckStatus: TypeAlias = Literal["stored", "duplicate", "rejected", "ok"]


@dataclass(frozen=True, slots=True)
class SeriesAnnounced:
    """A producer says that a series begins."""

    producer: str
    """Unique to one run of one producer; with ``series`` it identifies the series."""
    series: str
    optics: Mapping[str, Any] = field(default_factory=dict)
    """Keys of ``series.Optics`` that the producer stated, unchecked."""
    n_expected: int | None = None
    camera: Camera | None = None
    """What becomes of its raw frames; None: what the settings say."""
    plan_defocus_nm: tuple[float, ...] | None = None
    """Defocus by index, for frames that do not say theirs."""
    receipt: object = None


@dataclass(frozen=True, slots=True)
class FrameArrived:
    """A frame came in whole; its image owns its memory or is read-only."""

    producer: str
    series: str
    frame: Frame
    crc32: int
    """CRC-32 of the raw pixel bytes: tells a repetition from a conflict."""
    label: str
    """How the user knows it: its seq, or its file name."""
    receipt: object = None


@dataclass(frozen=True, slots=True)
class FrameRefused:
    """Something came that is no usable frame; the series goes on."""

    producer: str
    series: str
    label: str
    reason: str
    receipt: object = None


@dataclass(frozen=True, slots=True)
class SeriesClosed:
    """A producer says that no more frames of a series will come."""

    producer: str
    series: str
    exit_status: ExitStatus
    n_sent: int | None = None
    receipt: object = None


@dataclass(frozen=True, slots=True)
class ProducerHeard:
    """A producer gives a sign of life, and nothing else."""

    producer: str
    series: str
    receipt: object = None


Arrival: TypeAlias = (
    SeriesAnnounced | FrameArrived | FrameRefused | SeriesClosed | ProducerHeard
)
