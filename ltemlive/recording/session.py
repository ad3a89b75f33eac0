"""The session folder: what was acknowledged is here, whatever happens next.

The journal line is the moment at which a frame is stored: its file is on the disk before,
and a frame whose line is missing may be stored again. For a replay it is noted in
between which frames the solver took when, and how many steps it did; nobody waits until the
disk has that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from ltemlive.camera import NO_CAMERA
from ltemlive.errors import FrameError, RecordingError
from ltemlive.formats.references import keep_references
from ltemlive.recording.books import Books
from ltemlive.recording.files import SessionFiles
from ltemlive.recording.folding import ledger_of
from ltemlive.recording.journal import JOURNAL_FILE, Journal, read_journal
from ltemlive.recording.layout import (
    new_series_folder,
    new_session_folder,
    series_folder,
)
from ltemlive.recording.ledger import (
    Ledger,
    SeriesRecord,
    journal_values,
)
from ltemlive.recording.stored_files import lost_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ltemlive.arrivals import SeriesAnnounced
    from ltemlive.camera import Camera
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.recording.ledger import Key
    from ltemlive.series import Microscope
    from ltemlive.settings import Settings

_log = logging.getLogger(__name__)


class SessionRecorder:
    """Record a session; safe for several threads.

    Make one with ``create`` or ``resume``. Every method that writes raises
    ``RecordingError`` if the disk refuses; nothing that was stored before is lost then,
    and the same call may be tried again when there is room.
    """

    def __init__(self, path: Path, journal: Journal, ledger: Ledger) -> None:
        self.path = path
        """The session folder."""
        self._files = SessionFiles(path)
        self._books = Books(
            journal,
            ledger,
            before_sync=lambda: self._files.sync(self._books.ledger.records),
            undone=self._files.forget,
        )

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        settings: Settings,
        versions: Mapping[str, str],
        clock: Callable[[], float],
    ) -> Self:
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
        return cls(path, Journal(path / JOURNAL_FILE, clock=clock), Ledger())

    @classmethod
    def resume(cls, path: Path, *, clock: Callable[[], float]) -> Self:
        """Open a session that was cut short and go on recording into it.

        Its series are as the journal says. Frames of those that have no result yet, and
        whose files are gone or damaged, are noted as lost: they can be stored again.
        """
        journal = Journal(path / JOURNAL_FILE, clock=clock)
        try:
            entries = read_journal(path / JOURNAL_FILE)
            recorder = cls(path, journal, ledger_of(entries, where=str(journal.path)))
            with recorder.together():
                # Not those that are finished: the user may have mended what they say.
                unfinished = (
                    each.ordinal for each in recorder.series if not each.is_finished
                )
                recorder._record("resumed", describes=unfinished)
                recorder._note_lost_frames()
        except RecordingError:
            journal.close()
            raise
        return recorder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ledger(self) -> Ledger:
        """What is recorded so far."""
        return self._books.ledger

    @property
    def series(self) -> tuple[SeriesRecord, ...]:
        """Every series of the session, oldest first."""
        return tuple(self.ledger.records.values())

    def record(self, ordinal: int) -> SeriesRecord:
        """Return what is recorded of one series."""
        return self.ledger.records[ordinal]

    def series_folder(self, ordinal: int) -> Path:
        """Return where a series and its results are."""
        return series_folder(self.path, ordinal)

    def together(self) -> AbstractContextManager[None]:
        """Group what a ``with`` block records: on the disk at its end, all or nothing.

        Other threads that record wait meanwhile.

        Raises
        ------
        RecordingError
            At the end of the block, if the disk refuses; nothing of the group is recorded
            then, nor where the block itself raises.
        """
        return self._books.together()

    def announce(self, announced: SeriesAnnounced) -> None:
        """Note durably what a producer says about a series before its first frame."""
        self._record(
            "announced",
            producer=announced.producer,
            series=announced.series,
            optics=dict(announced.optics),
            n_expected=announced.n_expected,
            plan_defocus_nm=announced.plan_defocus_nm,
        )

    def open_series(
        self,
        announced: SeriesAnnounced,
        microscope: Microscope,
        shape: tuple[int, int],
        camera: Camera = NO_CAMERA,
    ) -> int:
        """Make the folder of a new series and return its ordinal, counted from 1.

        The reference images of its camera are kept in it, under names of our own.
        A series that is open already keeps its ordinal, so a repeated start is harmless.

        Parameters
        ----------
        announced
            What its producer calls it, and said about it before.
        shape
            (ny, nx) of its raw frames.
        """
        with self.together():
            records = self.ledger.records
            for record in records.values():
                if record.key == (announced.producer, announced.series):
                    return record.ordinal
            ordinal = len(records) + 1
            new_series_folder(self.path, ordinal)
            kept = None
            if camera.changes_frames:
                kept = keep_references(self.series_folder(ordinal), camera)
            self._record(
                "opened",
                describes=(ordinal,),
                ordinal=ordinal,
                producer=announced.producer,
                series=announced.series,
                shape=shape,
                n_expected=announced.n_expected,
                plan_defocus_nm=announced.plan_defocus_nm,
                microscope=microscope.model_copy(update={"camera": kept}).model_dump(),
            )
            return ordinal

    def received(self, key: Key, frame_label: str, crc32: int) -> None:
        """Note that a frame came in, whatever becomes of it."""
        producer, series = key
        self._books.append(
            "received",
            durable=False,
            producer=producer,
            series=series,
            frame=frame_label,
            crc32=crc32,
        )

    def store(self, ordinal: int, frame: Frame, crc32: int, t: float) -> Path:
        """Put a frame on the disk and return its file.

        It may be acknowledged when its group has ended: frame file, its folder and the
        journal line are fsynced then. That is on return where there is no group.

        Parameters
        ----------
        ordinal
            The series it belongs to, as ``open_series`` gave it.
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
        seq = frame.meta.seq
        with self.together():
            record = self.record(ordinal)
            if record.frame(seq) is not None:
                raise FrameError(f"frame {seq} of {record.series}: stored already")
            values = journal_values(frame)
            file = self._files.write_frame(record, frame)
            producer, series = record.key
            values |= {"producer": producer, "series": series, "crc32": crc32, "t": t}
            self._books.append("stored", ordinal=ordinal, **values)
            return file

    def reject(
        self, series: str, frame_label: str, reason: str, ordinal: int | None
    ) -> None:
        """Note durably that a frame is not used, and why."""
        self._books.append(
            "rejected", series=series, frame=frame_label, reason=reason, ordinal=ordinal
        )

    def begun(self, ordinal: int, start: int | None = None) -> None:
        """Note that a series got a new engine, which knows none of its frames.

        ``start`` is the series whose result its phase may start from.
        """
        self._books.append("begun", durable=False, ordinal=ordinal, start=start)

    def added(self, ordinal: int, seqs: tuple[int, ...]) -> None:
        """Note which frames the engine took in one call."""
        self._books.append("added", durable=False, ordinal=ordinal, seqs=seqs)

    def wished(self, ordinal: int, seq: int, use: bool | None) -> None:
        """Note durably that the user wants a frame used or not; None: as it fits."""
        self._record("wished", describes=(ordinal,), ordinal=ordinal, seq=seq, use=use)

    def refined(self, ordinal: int, rev: int, steps: int, fingerprint: str) -> None:
        """Note how many steps the engine did in one call, and what came out.

        ``fingerprint`` is a hash, in hex, of the bytes of the phase: a replay must give
        the same.
        """
        self._books.append(
            "refined",
            durable=False,
            ordinal=ordinal,
            rev=rev,
            steps=steps,
            fingerprint=fingerprint,
        )

    def end_series(self, ordinal: int, exit_status: ExitStatus) -> None:
        """Note durably that no more frames of a series will come."""
        self._record(
            "ended", describes=(ordinal,), ordinal=ordinal, exit_status=exit_status
        )

    def reopen_series(self, ordinal: int) -> None:
        """Note durably that a series goes on after all."""
        self._record("reopened", ordinal=ordinal)

    def finished(self, ordinal: int, rev: int, times_reopened: int = 0) -> None:
        """Note durably that the final result is on the disk; rev 0: there can be none.

        It is that of the series as it was when it had been reopened so often; where it has
        gone on since, another one is still to come.
        """
        self._record("finished", ordinal=ordinal, rev=rev, times_reopened=times_reopened)

    def close(self) -> None:
        """Note that the session ended, or that it stopped before; harmless if repeated.

        A session whose series have not all ended can be resumed, as after a crash.
        """
        if not self._books.is_open:
            return
        try:
            self._record("closed" if self.ledger.is_complete else "stopped")
        except RecordingError as error:
            # All that counts is on the disk; the next start will resume this session.
            _log.warning("%s", error)
        finally:
            self._books.close()

    def _note_lost_frames(self) -> None:
        for record in self.series:
            # One that was abandoned may go on, and then be solved again.
            if record.is_finished and record.exit_status != "abandoned":
                continue
            for seq, reason in lost_frames(self.series_folder(record.ordinal), record):
                _log.warning("%s: frame %d: %s", record.series, seq, reason)
                self._record(
                    "lost",
                    describes=(record.ordinal,),
                    ordinal=record.ordinal,
                    seq=seq,
                    reason=reason,
                )

    def _record(self, kind: str, *, describes: Iterable[int] = (), **values: Any) -> None:
        """Append a durable entry; the series it is about are described anew, durably."""
        with self.together():
            self._files.describe(describes)
            self._books.append(kind, **values)
