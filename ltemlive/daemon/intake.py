"""What becomes of each arrival: on disk first, then the solver's, told and acknowledged."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ltemlive.arrivals import SeriesClosed
from ltemlive.daemon.desk import Desk, FrameRepeated
from ltemlive.daemon.mailbox import SeriesOpened, SeriesOver, StoredFrame
from ltemlive.daemon.unrecorded import Unrecorded
from ltemlive.errors import RecordingError
from ltemlive.events import AdviceGiven, FrameRejected, FrameStored, SeriesStarted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event as StopSignal

    from ltemlive.arrivals import Arrival
    from ltemlive.daemon.desk import Effect, Outcome
    from ltemlive.daemon.mailbox import Mailbox
    from ltemlive.daemon.protocols import FrameSource
    from ltemlive.daemon.silence import Silence
    from ltemlive.daemon.status import StatusBoard
    from ltemlive.daemon.trouble import DiskTrouble
    from ltemlive.events import ExitStatus
    from ltemlive.recording.ledger import Key

_log = logging.getLogger(__name__)


class Intake:
    """Record arrivals of all sources; one lock, so that series keep their order.

    What a group of arrivals leads to waits until the disk has the whole group: nobody
    hears of a frame that could still be lost.

    Parameters
    ----------
    trouble
        Told when the disk refuses and when it takes frames again; its ``publish`` takes
        all other events as well.
    silence
        Knows the series that are open already, and learns of all others.
    """

    def __init__(
        self,
        desk: Desk,
        mailbox: Mailbox,
        board: StatusBoard,
        trouble: DiskTrouble,
        silence: Silence,
    ) -> None:
        self._desk = desk
        self._recorder = desk.recorder
        self._mailbox = mailbox
        self._board = board
        self._trouble = trouble
        self._silence = silence
        self._unrecorded = Unrecorded()
        self._lock = threading.Lock()

    def resume(self) -> None:
        """Tell the board what is recorded already, and the solver what it left undone."""
        for record in self._recorder.series:
            ordinal, series = record.ordinal, record.series
            self._board.accept(SeriesStarted(ordinal, series, record.n_expected))
            for frame in record.frames:
                stored = FrameStored(ordinal, series, frame.seq, frame.defocus_nm, frame.t)
                self._board.accept(stored)
            for refused in record.rejected:
                rejected = FrameRejected(series, refused.frame, refused.reason, ordinal)
                self._board.accept(rejected)
            if record.exit_status is None:
                opened = SeriesOpened(ordinal, series, record.microscope, is_resumed=True)
                self._mailbox.put(opened)
            elif not record.is_finished:
                self._mailbox.put(
                    SeriesOver(ordinal, record.exit_status, record.times_reopened)
                )

    def run(self, source: FrameSource, stop: StopSignal) -> None:
        """Take what a source yields until ``stop`` is set; answer on the same thread."""
        for group in source.arrivals(stop):
            owed = self._unrecorded.owed()
            for arrival, (status, reason) in self._recorded([*owed, *group]):
                source.acknowledge(arrival.receipt, status, reason)

    def handle(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Record a group of arrivals and return what to answer to each.

        Raises
        ------
        RecordingError
            If the disk refuses: nothing of the group is recorded, nor may be answered.
        """
        with self._lock:
            known = self._desk.registry.copy()
            try:
                with self._recorder.together():
                    outcomes = [self._desk.outcome(arrival) for arrival in arrivals]
            except BaseException:
                self._desk.registry.restore(known)
                self._desk.effects.clear()
                raise
            for effect in self._desk.effects:
                self._let_happen(effect)
            self._desk.effects.clear()
            self._note_signs_of_life(arrivals, outcomes)
            return outcomes

    def end_abandoned(self) -> None:
        """End every series whose producer is gone; where the disk refuses, once more."""
        for key in self._silence.gone():
            try:
                self.handle([SeriesClosed(*key, "abandoned")])
            except RecordingError as error:
                self._trouble.began("frames", error)
                return
            self._unrecorded.given_up(key)
            if self._unrecorded.is_empty:
                self._trouble.is_over("frames")
            _log.warning("series %s is abandoned: its producer gives no sign", key[1])

    def end_series(self, exit_status: ExitStatus = "success") -> str | None:
        """End the newest open series and return its id; None where none is open.

        Raises
        ------
        RecordingError
            If the disk refuses; the series stays open then.
        """
        with self._lock:
            key = self._desk.registry.newest_open()
        if key is None:
            return None
        self.handle([SeriesClosed(*key, exit_status)])
        return key[1]

    def reset_series(self) -> str | None:
        """Have the newest open series solved anew; return its id, None where none is open.

        Its frames come from the disk again. No end of it can come before: that one waits
        for the lock.
        """
        with self._lock:
            key = self._desk.registry.newest_open()
            ordinal = None if key is None else self._desk.registry[key].ordinal
            if ordinal is None:
                return None
            record = self._recorder.record(ordinal)
            self._mailbox.put(
                SeriesOpened(ordinal, record.series, record.microscope, is_resumed=True)
            )
        text = f"{record.series}: reset, it is solved anew from the frames on disk"
        self._trouble.publish(AdviceGiven(text, "info", ordinal))
        return record.series

    def _recorded(self, group: Sequence[Arrival]) -> list[tuple[Arrival, Outcome]]:
        """Return what is recorded of a group: what is not comes again, and may fit then."""
        try:
            outcomes = self.handle(group)
        except RecordingError as error:
            self._trouble.began("frames", error)
            if len(group) > 1:
                return self._recorded_one_by_one(group)
            self._unrecorded.refused(group[0])
            return []
        for arrival in group:
            self._unrecorded.recorded(arrival)
        if self._unrecorded.is_empty:
            self._trouble.is_over("frames")
        return list(zip(group, outcomes, strict=True))

    def _recorded_one_by_one(
        self, group: Sequence[Arrival]
    ) -> list[tuple[Arrival, Outcome]]:
        """Return what is recorded: one that is refused does not hold up those beside it.

        But an end does not overtake a frame of its series that is to come again.
        """
        recorded: list[tuple[Arrival, Outcome]] = []
        refused: set[Key] = set()
        for arrival in group:
            key = (arrival.producer, arrival.series)
            is_early = key in refused or self._unrecorded.is_owed_of(key)
            if isinstance(arrival, SeriesClosed) and is_early:
                self._unrecorded.refused(arrival)
                continue
            done = self._recorded([arrival])
            recorded += done
            if not done:
                refused.add(key)
        return recorded

    def _note_signs_of_life(
        self, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]
    ) -> None:
        for arrival, (status, _) in zip(arrivals, outcomes, strict=True):
            key = (arrival.producer, arrival.series)
            if isinstance(arrival, SeriesClosed):
                self._silence.ended(key)
            elif status == "stored":
                self._silence.opened(key)
            else:
                self._silence.heard(key)

    def _let_happen(self, effect: Effect) -> None:
        if isinstance(effect, FrameRepeated):
            self._board.note_duplicate()
        elif isinstance(effect, SeriesOpened | StoredFrame | SeriesOver):
            self._mailbox.put(effect)
        else:
            self._trouble.publish(effect)
