"""The solver's thread: frames into the engine, steps while there is time, final results."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ltemlive.daemon.engines import Beginning
from ltemlive.daemon.final_results import FinalResults
from ltemlive.daemon.mailbox import (
    FrameWished,
    SeriesOpened,
    SeriesOver,
    StoredFrame,
    batches_of,
)
from ltemlive.errors import RecordingError
from ltemlive.events import AdviceGiven, PhaseEstimate
from ltemlive.recording.replay import recorded_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from threading import Event as StopSignal

    from ltemlive.daemon.engines import LiveSolver
    from ltemlive.daemon.mailbox import Letter, Mailbox
    from ltemlive.daemon.status import StatusBoard
    from ltemlive.daemon.trouble import DiskTrouble
    from ltemlive.frames import Frame
    from ltemlive.recording.session import SessionRecorder
    from ltemlive.settings import SolverSettings

_log = logging.getLogger(__name__)

TAKE_TIMEOUT_S = 0.1


@dataclass(slots=True)
class _LiveSeries:
    ordinal: int
    series: str
    wants_steps: bool = False
    seqs: set[int] = field(default_factory=set)
    """Frames that its engine was given."""


def fingerprint(estimate: PhaseEstimate) -> str:
    """Return a hash of the phase's bytes: equal estimates, equal fingerprints."""
    return hashlib.sha256(estimate.phase_rad.tobytes()).hexdigest()[:16]


class SolvingLoop:
    """Drive the engine of each open series from the mailbox; run by one thread.

    Parameters
    ----------
    solver
        Where the engines are; it may take a minute until it can say its device.
    trouble
        Told where the disk refuses; its ``publish`` takes all other events as well.
    """

    def __init__(
        self,
        solver: LiveSolver,
        mailbox: Mailbox,
        recorder: SessionRecorder,
        board: StatusBoard,
        settings: SolverSettings,
        trouble: DiskTrouble,
    ) -> None:
        self._solver = solver
        self._mailbox = mailbox
        self._recorder = recorder
        self._board = board
        self._settings = settings
        self._trouble = trouble
        self._publish = trouble.publish
        self._results = FinalResults(solver, recorder, trouble, self._show_views)
        self._live: dict[int, _LiveSeries] = {}

    def run(self, stop: StopSignal) -> None:
        """Solve until ``stop`` is set and the mailbox is empty.

        Of a mailbox that is held, what waits is left undone: the next daemon resumes it.
        """
        self._board.note_device(self._solver.device)
        while True:
            letters = self._mailbox.take(TAKE_TIMEOUT_S)
            self._show_views()
            if letters:
                self._board.note_phase("solving")
                self._open_letters(letters)
            elif stop.is_set():
                return
            elif self._mailbox.is_held:
                self._board.note_phase("paused")
            elif not self._refine_when_idle():
                self._board.note_phase("waiting")
                self._results.try_again()

    def _open_letters(self, letters: Iterable[Letter]) -> None:
        """Take several frames at once where the solver is behind; leave none out."""
        batches = batches_of(letters)
        for place, batch in enumerate(batches):
            self._show_views()
            if self._mailbox.is_held or not self._open_batch(batch):
                self._mailbox.put_back(list(itertools.chain(*batches[place:])))
                return

    def _open_batch(self, batch: Sequence[Letter]) -> bool:
        """Say whether it was done; if not, it comes again when the mailbox is released."""
        letter = batch[0]
        if isinstance(letter, StoredFrame):
            frames = [each.frame for each in batch if isinstance(each, StoredFrame)]
            self._add(letter.ordinal, frames)
        elif isinstance(letter, SeriesOpened):
            self._begin(letter)
        elif isinstance(letter, FrameWished):
            self._obey(letter)
        else:
            return self._finish(letter)
        return True

    def _begin(self, opened: SeriesOpened) -> None:
        """Make the engine of a series; give it what is on the disk from before."""
        ordinal, series = opened.ordinal, opened.series
        start = self._start_of(ordinal)
        self._results.forget(ordinal)
        progress = self._solver.begin(
            Beginning(
                ordinal,
                series,
                opened.microscope,
                self._recorder.series_folder(ordinal),
                None if start is None else self._recorder.series_folder(start),
            )
        )
        for event in progress.events:
            if isinstance(event, AdviceGiven):
                _log.warning("%s", event.text)
            self._publish(event)
        self._live[ordinal] = _LiveSeries(ordinal, series)
        with self._journaling():
            self._recorder.begun(ordinal, start)
        if opened.is_resumed:
            record = self._recorder.record(ordinal)
            self._add(ordinal, list(recorded_series(self._recorder.path, record).frames))

    def _start_of(self, ordinal: int) -> int | None:
        """Return the series whose result a phase may start from, where that is wanted."""
        if self._settings.start_from != "last_series":
            return None
        finished = [each for each in self._recorder.series if each.has_result]
        return max(
            (each.ordinal for each in finished if each.ordinal < ordinal), default=None
        )

    def _add(self, ordinal: int, frames: list[Frame]) -> None:
        live = self._live[ordinal]
        # A series that was resumed has read some of them from the disk already.
        frames = [frame for frame in frames if frame.meta.seq not in live.seqs]
        if not frames:
            return
        live.seqs.update(frame.meta.seq for frame in frames)
        progress = self._solver.add(ordinal, frames)
        for event in progress.events:
            self._publish(event)
        seqs = tuple(frame.meta.seq for frame in frames)
        with self._journaling():
            self._recorder.added(ordinal, seqs)
        self._refine(live, self._settings.steps_per_frame)

    def _obey(self, wished: FrameWished) -> None:
        """Use a frame or set it aside; what cannot be done is told."""
        newest = max(self._live, default=0)
        ordinal = newest if wished.ordinal is None else wished.ordinal
        live = self._live.get(ordinal)
        if live is None:
            which = f"series {ordinal} is not" if ordinal else "no series is"
            text = (
                f"frame {wished.seq}: {which} open; remedy: write `use: true` or `use: "
                "false` to its entry in series.yaml, and `ltemlive reconstruct`"
            )
            self._publish(AdviceGiven(text, "warning"))
            return
        stored = self._recorder.record(ordinal).frame(wished.seq)
        if stored is not None and stored.use == wished.use:
            return
        if stored is None:
            text = f"frame {wished.seq}: no such frame is stored in {live.series}"
            self._publish(AdviceGiven(text, "warning", ordinal))
            return
        try:
            self._recorder.wished(ordinal, wished.seq, wished.use)
        except RecordingError as error:
            # Else the final result, which comes from the disk, would contradict the live.
            self._trouble.began("journal", error)
            return
        for event in self._solver.wish(ordinal, wished.seq, wished.use).events:
            self._publish(event)
        self._refine(live, self._settings.steps_per_frame)

    def _refine(self, live: _LiveSeries, n_steps: int) -> None:
        progress = self._solver.refine(live.ordinal, n_steps)
        live.wants_steps = progress.wants_steps
        events = progress.events
        if not events and not progress.wants_steps:
            return  # There was nothing to refine.
        # One entry for each call, whatever came of it: a replay makes the same calls. A
        # phase that has begun anew shows nothing of its first steps, and still takes them.
        estimate = next((each for each in events if isinstance(each, PhaseEstimate)), None)
        rev, mark = (estimate.rev, fingerprint(estimate)) if estimate else (0, "")
        with self._journaling():
            self._recorder.refined(live.ordinal, rev, n_steps, mark)
        for event in events:
            self._publish(event)

    def _refine_when_idle(self) -> bool:
        """Improve the newest series that is not at rest; say whether there was one."""
        n_steps = self._settings.steps_when_idle
        for live in reversed(self._live.values()):
            if n_steps and live.wants_steps:
                self._board.note_phase("solving")
                self._refine(live, n_steps)
                return True
        return False

    def _finish(self, over: SeriesOver) -> bool:
        """Let the live estimate settle, then have the final one computed from the disk.

        What the user wants of its frames meanwhile still counts. Return False where the
        solver is to rest before that.
        """
        if not self._settle(over.ordinal):
            return False
        self._live.pop(over.ordinal, None)
        self._results.compute(over)
        return True

    def _settle(self, ordinal: int) -> bool:
        """Refine a live series until nothing changes any more, obeying wishes meanwhile.

        One that had ended before the daemon was started again is not live. Return False
        where the solver is to rest before that.
        """
        live = self._live.get(ordinal)
        while live is not None and not self._mailbox.is_held:
            self._show_views()
            for wished in self._mailbox.take_wishes():
                self._obey(wished)
            if not live.wants_steps:
                break
            self._refine(live, self._settings.steps_per_frame)
        return not self._mailbox.is_held

    def _show_views(self) -> None:
        """Show what the user wants to look at, paused or not; no replay needs to know."""
        for wished in self._mailbox.take_views():
            for event in self._solver.view(wished.seq, wished.ordinal).events:
                self._publish(event)

    @contextlib.contextmanager
    def _journaling(self) -> Iterator[None]:
        """Let a disk that refuses cost a replay, not the estimate."""
        try:
            yield
        except RecordingError as error:
            self._trouble.began("journal", error)
        else:
            self._trouble.is_over("journal")
