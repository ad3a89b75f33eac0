"""The solver's thread: frames into the engine, steps while there is time, final results."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.daemon.loading import Solver, load_solver
from ltemlive.daemon.mailbox import SeriesOpened, SeriesOver, StoredFrame
from ltemlive.errors import LtemLiveError, RecordingError
from ltemlive.events import AdviceGiven, PhaseEstimate, SeriesEnded
from ltemlive.recording.replay import read_any_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from threading import Event as StopSignal

    from ltemlive.daemon.mailbox import Letter, Mailbox
    from ltemlive.daemon.status import StatusBoard
    from ltemlive.engine import LiveEngine
    from ltemlive.events import Event
    from ltemlive.frames import Frame
    from ltemlive.recording.session import SessionRecorder
    from ltemlive.results import Reconstruction
    from ltemlive.series import StoredSeries
    from ltemlive.settings import SolverSettings

_log = logging.getLogger(__name__)

TAKE_TIMEOUT_S = 0.1


@dataclass(slots=True)
class _LiveSeries:
    ordinal: int
    series: str
    engine: LiveEngine


def fingerprint(estimate: PhaseEstimate) -> str:
    """Return a hash of the phase's bytes: equal estimates, equal fingerprints."""
    return hashlib.sha256(estimate.phase_rad.tobytes()).hexdigest()[:16]


def final_estimate(
    result: Reconstruction, stored: StoredSeries, *, ordinal: int, rev: int
) -> PhaseEstimate:
    """Return the final result of a series as the event that tells it."""
    report = result.report
    return PhaseEstimate(
        ordinal=ordinal,
        series=stored.title,
        rev=rev,
        seqs_used=tuple(frame.meta.seq for frame in stored.frames),
        defocus_nm=report.defocus_nm,
        steps=report.steps,
        gradient_evaluations=report.gradient_evaluations,
        objective=report.objective,
        is_final=True,
        phase_rad=result.phase_rad,
        amplitude=result.amplitude,
        pixel_nm=result.microscope.pixel_nm,
        device=report.device,
        t_frame_last=max(
            (frame.meta.t_exposure_start or 0.0 for frame in stored.frames), default=None
        ),
        notes=report.notes,
    )


class SolvingLoop:
    """Drive the engine of each open series from the mailbox; run by one thread.

    Parameters
    ----------
    publish
        Takes events; must not block.
    load
        Returns the solver for a number of threads; called by ``run``, for it is slow.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        recorder: SessionRecorder,
        board: StatusBoard,
        settings: SolverSettings,
        publish: Callable[[Event], None],
        *,
        load: Callable[[int], Solver] = load_solver,
    ) -> None:
        self._mailbox = mailbox
        self._recorder = recorder
        self._board = board
        self._settings = settings
        self._publish = publish
        self._load = load
        self._revisions = itertools.count(1)
        self._live: dict[int, _LiveSeries] = {}

    def run(self, stop: StopSignal) -> None:
        """Solve until ``stop`` is set and the mailbox is empty."""
        solver = self._load(self._settings.threads)
        solver.prepare(self._settings)
        self._board.note_device(solver.device)
        while True:
            letters = self._mailbox.take(TAKE_TIMEOUT_S)
            if letters:
                self._board.note_phase("solving")
                self._open_letters(letters, solver)
            elif stop.is_set():
                return
            elif not self._refine_when_idle():
                self._board.note_phase("waiting")

    def _open_letters(self, letters: Iterable[Letter], solver: Solver) -> None:
        """Take several frames at once where the solver is behind; leave none out."""
        for (ordinal, _), batch in itertools.groupby(letters, key=_batch_of):
            frames = []
            for letter in batch:
                if isinstance(letter, StoredFrame):
                    frames.append(letter.frame)
                elif isinstance(letter, SeriesOpened):
                    self._live[ordinal] = self._begin(letter, solver)
                else:
                    self._finish(letter, solver)
            if frames:
                self._add(ordinal, frames)

    def _begin(self, opened: SeriesOpened, solver: Solver) -> _LiveSeries:
        engine = solver.engine(
            opened.ordinal,
            opened.series,
            opened.microscope,
            self._settings,
            self._revisions,
        )
        return _LiveSeries(opened.ordinal, opened.series, engine)

    def _add(self, ordinal: int, frames: list[Frame]) -> None:
        live = self._live[ordinal]
        for event in live.engine.add(frames):
            self._publish(event)
        seqs = tuple(frame.meta.seq for frame in frames)
        with self._journaling():
            self._recorder.added(ordinal, seqs)
        self._refine(live, self._settings.steps_per_frame)

    def _refine(self, live: _LiveSeries, n_steps: int) -> None:
        events = live.engine.refine(n_steps)
        if not events:
            return
        # One entry for each call, whatever came of it: a replay makes the same calls.
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
            if n_steps and live.engine.wants_steps:
                self._board.note_phase("solving")
                self._refine(live, n_steps)
                return True
        return False

    def _finish(self, over: SeriesOver, solver: Solver) -> None:
        """Let the live estimate settle, then compute the final one from the disk."""
        live = self._live.pop(over.ordinal)
        while live.engine.wants_steps:
            self._refine(live, self._settings.steps_per_frame)
        folder = self._recorder.series_folder(over.ordinal)
        try:
            stored = read_any_series(folder)
            result = solver.reconstruct(stored, self._settings)
            solver.write_results(folder, result)
        except LtemLiveError as error:
            text = f"no final result: {error}"
            _log.warning("%s: %s", live.series, text)
            self._publish(AdviceGiven(text, "error", over.ordinal))
            self._publish(SeriesEnded(over.ordinal, live.series, over.exit_status))
            return
        rev = next(self._revisions)
        self._publish(final_estimate(result, stored, ordinal=over.ordinal, rev=rev))
        self._publish(SeriesEnded(over.ordinal, live.series, over.exit_status, str(folder)))

    @contextlib.contextmanager
    def _journaling(self) -> Iterator[None]:
        """Let a disk that refuses cost a replay, not the estimate."""
        try:
            yield
        except RecordingError as error:
            _log.error("%s", error)
            self._publish(AdviceGiven(str(error), "error"))


def _batch_of(letter: Letter) -> tuple[int, bool]:
    """Frames of one series that follow each other are one batch."""
    return letter.ordinal, isinstance(letter, StoredFrame)
