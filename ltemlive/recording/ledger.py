"""What the journal says about each series: a pure fold over its entries.

The recorder folds each entry in as it writes it, a resumed or replayed session folds them
all; so both know the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ltemlive.errors import FrameError, RecordingError
from ltemlive.series import Microscope, RejectedFrame, SeriesDescription, SeriesFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame

FRAMES_FOLDER = "frames"
_KINDS = ("opened", "stored", "wished", "rejected", "ended")


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


def series_records(
    entries: Iterable[Mapping[str, Any]], *, where: str
) -> dict[int, SeriesRecord]:
    """Return the series of a journal by ordinal; errors begin with ``where``.

    Raises
    ------
    RecordingError
        If an entry lacks a value or has an impossible one.
    """
    records: dict[int, SeriesRecord] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            records = folded(records, entry)
        except (KeyError, TypeError, ValidationError) as error:
            raise RecordingError(
                f"{where}: line {number}: expected a complete `{entry['kind']}` entry, got "
                f"one without a good {str(error).splitlines()[0]}; restore the file from a "
                "copy"
            ) from error
    return records


def folded(
    records: Mapping[int, SeriesRecord], entry: Mapping[str, Any]
) -> dict[int, SeriesRecord]:
    """Return ``records`` as they are after ``entry``; kinds that say nothing pass by."""
    ordinal = entry.get("ordinal")
    if ordinal is None or entry["kind"] not in _KINDS:
        return dict(records)
    if entry["kind"] == "opened":
        return {**records, ordinal: _opened(entry)}
    record = records[ordinal]
    if entry["kind"] == "stored":
        record = replace(record, frames=(*record.frames, _stored(entry)))
    elif entry["kind"] == "wished":
        frames = tuple(
            replace(frame, use=entry["use"]) if frame.seq == entry["seq"] else frame
            for frame in record.frames
        )
        record = replace(record, frames=frames)
    elif entry["kind"] == "rejected":
        rejected = RejectedFrame(str(entry["frame"]), str(entry["reason"]))
        # Whoever missed the answer sends it again; one line of the report is enough.
        if rejected not in record.rejected:
            record = replace(record, rejected=(*record.rejected, rejected))
    else:
        record = replace(record, exit_status=entry["exit_status"])
    return {**records, ordinal: record}


def _opened(entry: Mapping[str, Any]) -> SeriesRecord:
    return SeriesRecord(
        ordinal=entry["ordinal"],
        producer=entry["producer"],
        series=entry["series"],
        microscope=Microscope.model_validate(entry["microscope"]),
        n_expected=entry["n_expected"],
    )


def _stored(entry: Mapping[str, Any]) -> FrameRecord:
    checked = SeriesFrame(
        file="",
        seq=entry["seq"],
        defocus_nm=entry["defocus_nm"],
        exposure_s=entry["exposure_s"],
    )
    return FrameRecord(
        seq=int(entry["seq"]),
        crc32=entry["crc32"],
        defocus_nm=checked.defocus_nm,
        exposure_s=checked.exposure_s,
        t_exposure_start=entry["t_exposure_start"],
        meta=entry["meta"],
        t=entry["t"],
        use=entry.get("use"),
    )
