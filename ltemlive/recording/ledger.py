"""What is recorded of a session, as values: its series, their frames, and what was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from ltemlive.errors import FrameError
from ltemlive.series import Microscope, RejectedFrame, SeriesDescription, SeriesFrame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.arrivals import SeriesAnnounced
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame

FRAMES_FOLDER = "frames"

Key: TypeAlias = tuple[str, str]
"""Producer and series."""


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One stored frame, without its image."""

    seq: int
    crc32: int
    """Of the raw pixel bytes as they came in."""
    defocus_nm: float | None
    exposure_s: float | None
    t_exposure_start: float | None
    meta: Mapping[str, Any]
    t: float
    """When it was stored, seconds since 1970."""
    use: bool | None = None
    """Whether the user wants it used; None: as it fits."""

    @property
    def file(self) -> str:
        """Its name within the folder of the series."""
        return f"{FRAMES_FOLDER}/{frame_file_name(self.seq)}"


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """One series as recorded so far."""

    ordinal: int
    producer: str
    series: str
    microscope: Microscope
    n_expected: int | None = None
    frames: tuple[FrameRecord, ...] = ()
    """In the order in which they were stored."""
    rejected: tuple[RejectedFrame, ...] = ()
    exit_status: ExitStatus | None = None
    """None while the series goes on."""
    is_finished: bool = False
    """Whether its final result was computed, or could not be."""
    times_reopened: int = 0
    """How often it went on after it had been abandoned."""
    has_result: bool = False
    """Whether a final result is on the disk."""
    plan_defocus_nm: tuple[float, ...] | None = None
    """Defocus by index, for frames that do not say theirs."""
    shape: tuple[int, int] | None = None
    """(ny, nx) of its raw frames."""

    @property
    def key(self) -> Key:
        """What its producer calls it."""
        return self.producer, self.series

    def frame(self, seq: int) -> FrameRecord | None:
        """Return the stored frame with this number, None if there is none."""
        return next((frame for frame in self.frames if frame.seq == seq), None)

    def description(self) -> SeriesDescription:
        """Return what ``series.yaml`` says, frames in seq order."""
        frames = tuple(
            SeriesFrame(
                file=frame.file,
                defocus_nm=frame.defocus_nm,
                exposure_s=frame.exposure_s,
                seq=frame.seq,
                use=frame.use,
            )
            for frame in sorted(self.frames, key=lambda frame: frame.seq)
        )
        optics = self.microscope.model_dump()
        return SeriesDescription(series=self.series, frames=frames, **optics)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a session has recorded."""

    records: Mapping[int, SeriesRecord] = field(default_factory=dict)
    """Series by ordinal, oldest first."""
    announced: Mapping[Key, SeriesAnnounced] = field(default_factory=dict)
    """Series that have no frame yet."""
    last_rev: int = 0
    """The highest revision of any estimate."""

    @property
    def is_complete(self) -> bool:
        """Whether every series has ended and its final result been computed."""
        return all(record.is_finished for record in self.records.values())


def frame_file_name(seq: int) -> str:
    """Return the file name of a frame; a number, never a producer's word."""
    return f"{seq:06d}.tif"


def journal_values(frame: Frame) -> dict[str, Any]:
    """Return what the journal keeps of a frame, if ``series.yaml`` can hold it, too.

    Raises
    ------
    FrameError
        If it cannot.
    """
    meta = frame.meta
    # Producers that do not know the exposure send 0.
    exposure_s = meta.exposure_s if meta.exposure_s and meta.exposure_s > 0.0 else None
    try:
        SeriesFrame(
            file="", defocus_nm=meta.defocus_nm, exposure_s=exposure_s, seq=meta.seq
        )
    except ValidationError as error:
        detail = error.errors()[0]
        raise FrameError(
            f"frame {meta.seq}: {detail['loc'][0]}: {detail['msg']}, got {detail['input']}"
        ) from error
    return {
        "seq": meta.seq,
        "defocus_nm": meta.defocus_nm,
        "exposure_s": exposure_s,
        "t_exposure_start": meta.t_exposure_start,
        "use": meta.use,
        "meta": dict(meta.meta),
    }
