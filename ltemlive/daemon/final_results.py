"""Final results: computed when a series is over, and again where the disk refuses them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from ltemlive.errors import RecordingError
from ltemlive.events import AdviceGiven, PhaseEstimate, SeriesEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.daemon.engines import LiveSolver
    from ltemlive.daemon.mailbox import SeriesOver
    from ltemlive.daemon.trouble import DiskTrouble
    from ltemlive.events import Event
    from ltemlive.recording.session import SessionRecorder

_log = logging.getLogger(__name__)

LOOKS_BETWEEN_TRIES = 50
"""Idle looks into the mailbox before results are tried again that the disk refused."""


class _Computed(NamedTuple):
    """A result that is on the disk, or cannot be had."""

    over: SeriesOver
    rev: int
    events: tuple[Event, ...]


class FinalResults:
    """Have them computed from the disk, told and journaled; for the solver's thread.

    ``meanwhile`` is called now and then while one is computed.
    """

    def __init__(
        self,
        solver: LiveSolver,
        recorder: SessionRecorder,
        trouble: DiskTrouble,
        meanwhile: Callable[[], None],
    ) -> None:
        self._solver = solver
        self._recorder = recorder
        self._trouble = trouble
        self._meanwhile = meanwhile
        self._refused: dict[int, SeriesOver] = {}
        self._unnoted: dict[int, _Computed] = {}
        self._n_idle = 0

    def compute(self, over: SeriesOver) -> None:
        """Compute the result of a series that is over; keep it for later if refused."""
        folder = self._recorder.series_folder(over.ordinal)
        progress = self._solver.finish(over.ordinal, folder, meanwhile=self._meanwhile)
        if progress.refused:
            self._trouble.began("results", progress.refused)
            self._refused[over.ordinal] = over
            return
        self._trouble.is_over("results")
        estimates = [each for each in progress.events if isinstance(each, PhaseEstimate)]
        rev = estimates[0].rev if estimates else 0
        self._conclude(_Computed(over, rev, progress.events))

    def _conclude(self, computed: _Computed) -> None:
        """Tell a result once the journal has its number, which no other may get."""
        over, rev = computed.over, computed.rev
        try:
            self._recorder.finished(over.ordinal, rev, over.times_reopened)
        except RecordingError as error:
            self._trouble.began("journal", error)
            self._unnoted[over.ordinal] = computed
            return
        self._trouble.is_over("journal")
        series = self._recorder.record(over.ordinal).series
        for event in computed.events:
            if isinstance(event, AdviceGiven):
                _log.warning("%s: %s", series, event.text)
            self._trouble.publish(event)
        where = str(self._recorder.series_folder(over.ordinal)) if rev else ""
        ended = SeriesEnded(over.ordinal, series, over.exit_status, where)
        self._trouble.publish(ended)

    def forget(self, ordinal: int) -> None:
        """Let go of what was refused of a series that goes on: another end will come."""
        self._refused.pop(ordinal, None)
        self._unnoted.pop(ordinal, None)

    def try_again(self) -> None:
        """Compute what was refused, now and then; called at each idle look."""
        self._n_idle += 1
        if self._n_idle % LOOKS_BETWEEN_TRIES:
            return
        if self._unnoted:
            self._conclude(self._unnoted.pop(next(iter(self._unnoted))))
        elif self._refused:
            self.compute(self._refused.pop(next(iter(self._refused))))
