"""The session folder: what was acknowledged is here, whatever happens next.

The journal line is the moment at which a frame is stored: its file is on the disk before,
and a frame whose line is missing may be stored again.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Self

from ltemlive.camera import NO_CAMERA
from ltemlive.errors import FrameError, RecordingError
from ltemlive.formats.images import write_frame_tiff
from ltemlive.formats.references import keep_references
from ltemlive.recording.journal import JOURNAL_FILE, Journal, read_journal
from ltemlive.recording.layout import (
    new_series_folder,
    new_session_folder,
    series_folder,
    write_description,
)
from ltemlive.recording.ledger import (
    FRAMES_FOLDER,
    SeriesRecord,
    folded,
    frame_file_name,
    journal_values,
    series_records,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ltemlive.camera import Camera
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.series import Microscope
    from ltemlive.settings import Settings

_log = logging.getLogger(__name__)


class SessionRecorder:
    """Record a session; safe for several threads, one of which stores frames.

    Make one with ``create`` or ``resume``. Every method that writes raises
    ``RecordingError`` if the disk refuses; nothing that was stored before is lost then,
    and the same call may be tried again when there is room.
    """

    def __init__(
        self, path: Path, journal: Journal, records: Mapping[int, SeriesRecord]
    ) -> None:
        self.path = path
        """The session folder."""
        self._journal = journal
        self._records = dict(records)
        self._lock = threading.RLock()
        self._is_open = True

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        settings: Settings,
        versions: Mapping[str, str],
        clock: Callable[[], float],
    ) -> SessionRecorder:
        """Make a new session folder below ``root``, named by its UTC start time.

        Parameters
        ----------
        root
            Made if it is missing.
        settings
            As resolved; stored in ``session.yaml``.
        versions
            Of the packages that the numbers depend on.
        clock
            Seconds since 1970.
        """
        path = new_session_folder(
            root, settings=settings, versions=versions, t_started=clock()
        )
        return cls(path, Journal(path / JOURNAL_FILE, clock=clock), {})

    @classmethod
    def resume(cls, path: Path, *, clock: Callable[[], float]) -> SessionRecorder:
        """Open a session that was cut short and go on recording into it.

        Its series, their frames included, are as the journal says.
        """
        journal = Journal(path / JOURNAL_FILE, clock=clock)
        try:
            records = series_records(
                read_journal(path / JOURNAL_FILE), where=str(path / JOURNAL_FILE)
            )
            for record in records.values():
                write_description(path, record, durable=True)
            journal.append("resumed", durable=True)
        except RecordingError:
            journal.close()
            raise
        return cls(path, journal, records)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def series(self) -> tuple[SeriesRecord, ...]:
        """Every series of the session, oldest first."""
        with self._lock:
            return tuple(self._records.values())

    def record(self, ordinal: int) -> SeriesRecord:
        """Return what is recorded of one series."""
        with self._lock:
            return self._records[ordinal]

    def series_folder(self, ordinal: int) -> Path:
        """Return where a series and its results are."""
        return series_folder(self.path, ordinal)

    def open_series(
        self,
        producer: str,
        series: str,
        microscope: Microscope,
        n_expected: int | None,
        camera: Camera = NO_CAMERA,
    ) -> int:
        """Make the folder of a new series and return its ordinal, counted from 1.

        The reference images of its camera are kept in it, under names of our own.
        A series that is open already keeps its ordinal, so a repeated start is harmless.
        """
        with self._lock:
            for record in self._records.values():
                if (record.producer, record.series) == (producer, series):
                    return record.ordinal
            ordinal = len(self._records) + 1
            new_series_folder(self.path, ordinal)
            kept = None
            if camera.changes_frames:
                kept = keep_references(self.series_folder(ordinal), camera)
            microscope = microscope.model_copy(update={"camera": kept})
            record = SeriesRecord(ordinal, producer, series, microscope)
            write_description(self.path, record, durable=True)
            self._append(
                "opened",
                ordinal=ordinal,
                producer=producer,
                series=series,
                n_expected=n_expected,
                microscope=microscope.model_dump(),
            )
            return ordinal

    def received(self, producer: str, series: str, frame_label: str, crc32: int) -> None:
        """Note that a frame came in, whatever becomes of it."""
        self._append(
            "received",
            durable=False,
            producer=producer,
            series=series,
            frame=frame_label,
            crc32=crc32,
        )

    def store(
        self,
        ordinal: int,
        producer: str,
        series: str,
        frame: Frame,
        crc32: int,
        t: float,
    ) -> Path:
        """Put a frame on the disk and return its file; it may be acknowledged then.

        Frame file, its folder and the journal line are fsynced on return.

        Parameters
        ----------
        ordinal
            The series it belongs to, as ``open_series`` gave it.
        producer, series
            Who sent it, for the journal.
        frame
            The raw frame.
        crc32
            Of its raw pixel bytes.
        t
            When it came in, seconds since 1970.

        Raises
        ------
        FrameError
            If a frame with this seq is stored already, or its defocus is impossible.
        RecordingError
            If the disk refuses; the frame is not stored then.
        """
        meta = frame.meta
        with self._lock:
            record = self._records[ordinal]
            if record.frame(meta.seq) is not None:
                raise FrameError(f"frame {meta.seq} of {series}: stored already")
            values = journal_values(frame)
            file = self.series_folder(ordinal) / FRAMES_FOLDER / frame_file_name(meta.seq)
            write_frame_tiff(
                file,
                frame.image,
                pixel_nm=meta.pixel_nm or record.microscope.pixel_nm,
                defocus_nm=meta.defocus_nm,
                seq=meta.seq,
                durable=True,
            )
            values |= {"producer": producer, "series": series, "crc32": crc32, "t": t}
            # A description that runs ahead is mended by the next frame or by ``resume``;
            # one that lags behind would hide a frame that was acknowledged.
            entry = {"kind": "stored", "ordinal": ordinal, **values}
            write_description(
                self.path, folded(self._records, entry)[ordinal], durable=False
            )
            self._append("stored", ordinal=ordinal, **values)
            return file

    def reject(
        self, series: str, frame_label: str, reason: str, ordinal: int | None
    ) -> None:
        """Note durably that a frame is not used, and why."""
        self._append(
            "rejected", series=series, frame=frame_label, reason=reason, ordinal=ordinal
        )

    def added(self, ordinal: int, seqs: tuple[int, ...]) -> None:
        """Note which frames the engine took in one call."""
        self._append("added", durable=False, ordinal=ordinal, seqs=seqs)

    def wished(self, ordinal: int, seq: int, use: bool | None) -> None:
        """Note durably that the user wants a frame used or not; None: as it fits."""
        with self._lock:
            entry = {"kind": "wished", "ordinal": ordinal, "seq": seq, "use": use}
            write_description(
                self.path, folded(self._records, entry)[ordinal], durable=True
            )
            self._append("wished", ordinal=ordinal, seq=seq, use=use)

    def refined(self, ordinal: int, rev: int, steps: int, fingerprint: str) -> None:
        """Note how many steps the engine did in one call, and what came out.

        ``fingerprint`` is a hash, in hex, of the bytes of the phase: a replay must give
        the same.
        """
        self._append(
            "refined",
            durable=False,
            ordinal=ordinal,
            rev=rev,
            steps=steps,
            fingerprint=fingerprint,
        )

    def end_series(self, ordinal: int, exit_status: ExitStatus) -> None:
        """Note durably that no more frames of a series will come."""
        with self._lock:
            write_description(self.path, self._records[ordinal], durable=True)
            self._append("ended", ordinal=ordinal, exit_status=exit_status)

    def close(self) -> None:
        """Note that the session ended well and let the journal go; harmless if repeated."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            try:
                self._journal.append("closed", durable=True)
            except RecordingError as error:
                # All that counts is on the disk; the next start will resume this session.
                _log.warning("%s", error)
            finally:
                self._journal.close()

    def _append(self, kind: str, *, durable: bool = True, **values: Any) -> None:
        with self._lock:
            if not self._is_open:
                raise RecordingError(
                    f"{self.path}: expected an open session, got a closed one"
                )
            entry = self._journal.append(kind, durable=durable, **values)
            self._records = folded(self._records, entry)
