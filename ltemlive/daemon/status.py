"""The state of the daemon as clients see it, put together from every thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ltemlive
from ltemlive.events import FrameRejected, FrameStored, PhaseEstimate, SeriesStarted
from ltemlive.wire.limits import MAX_LISTED_FRAMES
from ltemlive.wire.results import DaemonStatus, FrameRow

if TYPE_CHECKING:
    from ltemlive.events import Event
    from ltemlive.wire.results import DaemonState


class StatusBoard:
    """An event sink that keeps what the heartbeat tells; safe for several threads."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._phase: DaemonState = "starting"
        self._device: str | None = None
        self._started: SeriesStarted | None = None
        self._rows: dict[str, FrameRow] = {}
        self._stored = 0
        self._rejected = 0
        self._duplicate = 0
        self._n_left_out = 0
        self._problem: str | None = None

    def accept(self, event: Event) -> None:
        """Take an event; the table is that of the newest series."""
        with self._lock:
            if isinstance(event, SeriesStarted):
                self._started, self._rows, self._n_left_out = event, {}, 0
            elif isinstance(event, FrameStored):
                self._stored += 1
                label = str(event.seq)
                row = FrameRow(event.seq, label, event.defocus_nm, "stored", None)
                self._put_row(event.ordinal, label, row)
            elif isinstance(event, FrameRejected):
                self._rejected += 1
                seq = int(event.frame) if event.frame.isdecimal() else None
                row = FrameRow(seq, event.frame, None, "rejected", event.reason)
                self._put_row(event.ordinal, event.frame, row)
            elif isinstance(event, PhaseEstimate):
                self._mark_used(event)

    def note_duplicate(self) -> None:
        """Count a frame that came again."""
        with self._lock:
            self._duplicate += 1

    def note_problem(self, text: str | None) -> None:
        """Say what the disk refuses; None: nothing any more."""
        with self._lock:
            self._problem = text

    def note_device(self, device: str) -> None:
        """Say what solves, once it is known."""
        with self._lock:
            self._device = device

    def note_phase(self, phase: DaemonState) -> None:
        """Say what the daemon is doing; once it is stopping it stays so."""
        with self._lock:
            if self._phase != "stopping":
                self._phase = phase

    def status(self, *, queued: int, dropped: int, disordered: int) -> DaemonStatus:
        """Return the state now; the three counters belong to others."""
        with self._lock:
            started = self._started
            return DaemonStatus(
                session=self._session,
                state=self._phase,
                device=self._device,
                ordinal=started.ordinal if started else None,
                series=started.series if started else None,
                n_expected=started.n_expected if started else None,
                received=self._stored + self._rejected + self._duplicate,
                stored=self._stored,
                dropped=dropped,
                disordered=disordered,
                duplicate=self._duplicate,
                rejected=self._rejected,
                queued=queued,
                frames=tuple(self._rows.values()),
                frames_left_out=self._n_left_out,
                problem=self._problem,
                version=ltemlive.__version__,
            )

    def _put_row(self, ordinal: int | None, label: str, row: FrameRow) -> None:
        current = self._started.ordinal if self._started else None
        was = self._rows.get(label)
        is_conflict = (
            row.state == "rejected" and was is not None and was.state != "rejected"
        )
        if ordinal in (current, None) and not is_conflict:
            self._rows[label] = row
            if len(self._rows) > MAX_LISTED_FRAMES:
                self._leave_out_one()

    def _leave_out_one(self) -> None:
        """Forget the oldest refused row: no flood of those drives a stored frame out."""
        refused = (label for label, row in self._rows.items() if row.state == "rejected")
        del self._rows[next(refused, next(iter(self._rows)))]
        self._n_left_out += 1

    def _mark_used(self, estimate: PhaseEstimate) -> None:
        if self._started is None or estimate.ordinal != self._started.ordinal:
            return
        for seq in estimate.seqs_used:
            self._rows[str(seq)] = FrameRow(seq, str(seq), self._stated_nm(seq), "used")
        for seq, reason in estimate.set_aside:
            stated_nm = self._stated_nm(seq)
            self._rows[str(seq)] = FrameRow(seq, str(seq), stated_nm, "aside", reason)

    def _stated_nm(self, seq: int) -> float | None:
        was = self._rows.get(str(seq))
        return None if was is None else was.defocus_nm
