"""What the journal says about a session: a pure fold over its entries.

The recorder folds each entry in as it writes it, a resumed or replayed session folds them
all; so both know the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.errors import RecordingError
from ltemlive.recording.ledger import FrameRecord, Ledger, SeriesRecord
from ltemlive.series import Microscope, RejectedFrame, SeriesFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_ANNOUNCED = 256
"""Series that were announced and have no frame yet; the oldest is forgotten."""
MAX_REJECTED = 2000
"""Refused frames of one series that are listed; the journal has them all."""

_OF_A_SERIES = ("stored", "wished", "rejected", "ended", "reopened", "finished", "lost")


def ledger_of(entries: Iterable[Mapping[str, Any]], *, where: str) -> Ledger:
    """Return what the entries of a journal say together; errors begin with ``where``.

    Raises
    ------
    RecordingError
        If an entry lacks a value or has an impossible one.
    """
    ledger = Ledger()
    for number, entry in enumerate(entries, start=1):
        try:
            ledger = folded(ledger, entry)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(
                f"{where}: line {number}: expected a complete `{entry['kind']}` entry, got "
                f"one without a good {str(error).splitlines()[0]}; restore the file from a "
                "copy"
            ) from error
    return ledger


def folded(ledger: Ledger, entry: Mapping[str, Any]) -> Ledger:
    """Return ``ledger`` as it is after ``entry``; kinds that say nothing pass by."""
    ledger = replace(ledger, last_rev=max(ledger.last_rev, entry.get("rev", 0)))
    if entry["kind"] == "announced":
        return _with_announcement(ledger, entry)
    ordinal = entry.get("ordinal")
    if ordinal is None:
        return ledger
    if entry["kind"] == "opened":
        record = _opened(entry)
        announced = {
            key: each for key, each in ledger.announced.items() if key != record.key
        }
        ledger = replace(ledger, announced=announced)
    elif entry["kind"] in _OF_A_SERIES:
        record = _changed(ledger.records[ordinal], entry)
    else:
        return ledger
    return replace(ledger, records={**ledger.records, ordinal: record})


def _changed(record: SeriesRecord, entry: Mapping[str, Any]) -> SeriesRecord:
    match entry["kind"]:
        case "stored":
            return replace(record, frames=(*record.frames, _stored(entry)))
        case "wished":
            frames = tuple(
                replace(frame, use=entry["use"]) if frame.seq == entry["seq"] else frame
                for frame in record.frames
            )
            return replace(record, frames=frames)
        case "rejected":
            return _with_rejection(record, str(entry["frame"]), str(entry["reason"]))
        case "ended":
            return replace(record, exit_status=entry["exit_status"], is_finished=False)
        case "reopened":
            times = record.times_reopened + 1
            return replace(
                record, exit_status=None, is_finished=False, times_reopened=times
            )
        case "lost":
            return _without(record, entry["seq"], str(entry["reason"]))
        case _:
            return _finished(record, entry)


def _finished(record: SeriesRecord, entry: Mapping[str, Any]) -> SeriesRecord:
    # A solve that began before the series went on says nothing of its later frames.
    if entry.get("times_reopened", record.times_reopened) != record.times_reopened:
        return record
    return replace(record, is_finished=True, has_result=entry["rev"] > 0)


def _without(record: SeriesRecord, seq: int, reason: str) -> SeriesRecord:
    frames = tuple(frame for frame in record.frames if frame.seq != seq)
    return _with_rejection(replace(record, frames=frames), str(seq), reason)


def _with_rejection(record: SeriesRecord, frame: str, reason: str) -> SeriesRecord:
    rejected = RejectedFrame(frame, reason)
    # Whoever missed the answer sends it again; one line of the report is enough.
    if len(record.rejected) >= MAX_REJECTED or rejected in record.rejected:
        return record
    return replace(record, rejected=(*record.rejected, rejected))


def _with_announcement(ledger: Ledger, entry: Mapping[str, Any]) -> Ledger:
    announced = SeriesAnnounced(
        producer=entry["producer"],
        series=entry["series"],
        optics=entry["optics"],
        n_expected=entry["n_expected"],
        plan_defocus_nm=_in_tuple(entry["plan_defocus_nm"]),
    )
    key = (announced.producer, announced.series)
    kept = {**ledger.announced, key: announced}
    newest = list(kept.items())[-MAX_ANNOUNCED:]
    return replace(ledger, announced=dict(newest))


def _opened(entry: Mapping[str, Any]) -> SeriesRecord:
    ny, nx = entry.get("shape") or (0, 0)
    return SeriesRecord(
        ordinal=entry["ordinal"],
        producer=entry["producer"],
        series=entry["series"],
        microscope=Microscope.model_validate(entry["microscope"]),
        n_expected=entry["n_expected"],
        plan_defocus_nm=_in_tuple(entry.get("plan_defocus_nm")),
        shape=(ny, nx) if ny else None,
    )


def _in_tuple(values: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


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
