"""A recorded session through the engine again, call by call as the journal has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.daemon.comparing import (
    ReplayedEstimate,
    compared_final,
    rms_difference_rad,
)
from ltemlive.daemon.engines import final_estimate, start_at_result
from ltemlive.daemon.showing import Over, left_of, shown
from ltemlive.daemon.solving import fingerprint
from ltemlive.errors import LtemLiveError
from ltemlive.events import (
    AdviceGiven,
    FrameStored,
    PhaseEstimate,
    SeriesEnded,
    SeriesStarted,
)
from ltemlive.recording.export import PHASE_FILE
from ltemlive.recording.replay import Added, Begun, Ended, Finished, Refined, Wished
from ltemlive.wire.control import view_wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ltemlive.daemon.loading import Solver
    from ltemlive.engine import LiveEngine
    from ltemlive.events import Event, ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.recording.replay import RecordedSession, Scheduled
    from ltemlive.wire.control import Request


class SessionReplay:
    """Drive fresh engines through the schedule of a recorded session.

    Frames that cannot be read back are left out, and the estimates then differ.

    Parameters
    ----------
    publish
        Takes the events, as live.
    requests
        Gives what clients have asked for since the last call.
    """

    def __init__(
        self,
        recorded: RecordedSession,
        solver: Solver,
        *,
        publish: Callable[[Event], None],
        requests: Callable[[], Sequence[Request]] = tuple,
    ) -> None:
        self._recorded = recorded
        self._solver = solver
        self._publish = publish
        self._requests = requests
        self._rev = 0
        self._n_new = 0
        """Final results that the recording had no time for."""
        self._engines: dict[int, LiveEngine] = {}
        self._last: Over | None = None
        self._starts: dict[int, int | None] = {}
        self._last_finished = {
            step.ordinal: step for step in recorded.schedule if isinstance(step, Finished)
        }
        self._exit_statuses: dict[int, ExitStatus] = {}
        self._told: set[tuple[int, int | None]] = set()
        """Series that began and frames that were stored: an engine that begins anew is
        given again what everybody knows."""
        wanted = {(each.ordinal, each.seq): each.use for each in recorded.arrivals}
        self._frames: dict[int, dict[int, Frame]] = {
            ordinal: {
                frame.meta.seq: _wanted(frame, wanted.get((ordinal, frame.meta.seq)))
                for frame in series.frames
            }
            for ordinal, series in enumerate(recorded.series, start=1)
        }

    def run(
        self, pause: Callable[[float], None] = lambda seconds: None
    ) -> Iterator[ReplayedEstimate]:
        """Yield every estimate in its turn, live ones and final ones.

        Of a series that was finished and went on after all, the last final result is the
        one that is on the disk, and the only one that is computed again. Last come those
        that the recording had no time for.

        Parameters
        ----------
        pause
            Called before each step with the seconds since the first one, as recorded.
        """
        schedule = self._recorded.schedule
        for step in schedule:
            pause(step.t - schedule[0].t)
            self.look()
            yield from self._step(step)
        for record in self._recorded.records:
            if record.exit_status is not None and not record.is_finished:
                yield from self._finish(record.ordinal, 0)

    def look(self) -> None:
        """Publish the newest view of each kind that was asked for; it changes nothing.

        What would change the session cannot be had, and that is told.
        """
        wanted: dict[bool, tuple[int | None, int | None]] = {}
        for request in self._requests():
            if request.op == "view":
                wish = view_wish(request)
                wanted[wish[0] is None] = wish
            else:
                text = f"{request.op}: a replay does what was recorded, and nothing else"
                self._publish(AdviceGiven(text, "warning"))
        for seq, ordinal in wanted.values():
            for event in shown(self._engines, self._last, seq, ordinal):
                self._publish(event)

    def _step(self, step: Scheduled) -> Iterator[ReplayedEstimate]:
        match step:
            case Begun():
                self._engines.pop(step.ordinal, None)
                self._starts[step.ordinal] = step.start
            case Added():
                self._add(step)
            case Wished():
                self._wish(step)
            case Refined():
                yield from self._refine(step)
            case Ended():
                self._exit_statuses[step.ordinal] = step.exit_status
            case Finished():
                yield from self._finish_again(step)

    def _engine(self, ordinal: int) -> LiveEngine:
        if ordinal not in self._engines:
            record = self._recorded.records[ordinal - 1]
            engine = self._solver.engine(
                ordinal,
                record.series,
                record.microscope,
                self._recorded.settings.solver,
                # Each estimate gets the number it had, whatever became of those before.
                iter(lambda: self._rev, None),
                self._recorded.series[ordinal - 1].camera,
            )
            start_at_result(engine, self._start_of(ordinal))
            self._engines[ordinal] = engine
        return self._engines[ordinal]

    def _start_of(self, ordinal: int) -> Path | None:
        start = self._starts.get(ordinal)
        return None if start is None else self._recorded.series[start - 1].folder

    def _add(self, step: Added) -> None:
        record = self._recorded.records[step.ordinal - 1]
        started = SeriesStarted(step.ordinal, record.series, record.n_expected)
        self._publish_once(started, None)
        known = self._frames[step.ordinal]
        frames = [known[seq] for seq in step.seqs if seq in known]
        for frame in frames:
            seq, defocus_nm = frame.meta.seq, frame.meta.defocus_nm
            stored = FrameStored(step.ordinal, record.series, seq, defocus_nm, step.t)
            self._publish_once(stored, seq)
        for event in self._engine(step.ordinal).add(frames):
            self._publish(event)

    def _publish_once(self, event: SeriesStarted | FrameStored, seq: int | None) -> None:
        if (event.ordinal, seq) not in self._told:
            self._told.add((event.ordinal, seq))
            self._publish(event)

    def _wish(self, step: Wished) -> None:
        known = self._frames[step.ordinal]
        if step.seq in known:
            # For an engine that begins later and is given the frame anew.
            known[step.seq] = _wanted(known[step.seq], step.use)
        for event in self._engine(step.ordinal).wish(step.seq, step.use):
            self._publish(event)

    def _refine(self, step: Refined) -> Iterator[ReplayedEstimate]:
        self._rev = step.rev
        estimate: PhaseEstimate | None = None
        for event in self._engine(step.ordinal).refine(step.steps):
            self._publish(event)
            if isinstance(event, PhaseEstimate):
                estimate = event
        if estimate is None and not step.rev:
            return
        yield ReplayedEstimate(
            step.ordinal,
            self._recorded.records[step.ordinal - 1].series,
            step.rev,
            len(estimate.seqs_used) if estimate else 0,
            is_final=False,
            is_same=estimate is not None and fingerprint(estimate) == step.fingerprint,
        )

    def _finish_again(self, step: Finished) -> Iterator[ReplayedEstimate]:
        record = self._recorded.records[step.ordinal - 1]
        if record.is_finished and step is self._last_finished[step.ordinal]:
            yield from self._finish(step.ordinal, step.rev)
        else:
            self._tell_end(step.ordinal)

    def _finish(self, ordinal: int, rev: int) -> Iterator[ReplayedEstimate]:
        """Compute a final result; rev 0: there is none to compare it with."""
        stored = self._recorded.series[ordinal - 1]
        recorded = stored.folder / PHASE_FILE
        is_recorded = rev > 0 and recorded.exists()
        rev = rev or self._next_rev()
        engine = self._engines.pop(ordinal, None)
        self._last = left_of(engine) or self._last
        try:
            result = self._solver.reconstruct(
                stored,
                self._recorded.settings.solver,
                on_progress=lambda *_: self.look(),
            )
        except LtemLiveError as error:
            self._publish(AdviceGiven(f"no final result: {error}", "error", ordinal))
            self._tell_end(ordinal)
            if is_recorded:
                yield compared_final(ordinal, stored, rev, None)
            return
        final = final_estimate(result, stored, ordinal=ordinal, rev=rev)
        self._last = Over(final, result.basis)
        self._publish(final)
        self._tell_end(ordinal)
        if is_recorded:
            difference = rms_difference_rad(recorded, result.phase_rad)
            yield compared_final(ordinal, stored, rev, difference)

    def _next_rev(self) -> int:
        """Return a number that no estimate of the session had."""
        schedule = self._recorded.schedule
        revs = [step.rev for step in schedule if isinstance(step, Refined | Finished)]
        self._n_new += 1
        return max(revs, default=0) + self._n_new

    def _tell_end(self, ordinal: int) -> None:
        exit_status = self._exit_statuses.get(ordinal)
        if exit_status is not None:
            title = self._recorded.series[ordinal - 1].title
            self._publish(SeriesEnded(ordinal, title, exit_status))


def _wanted(frame: Frame, use: bool | None) -> Frame:
    """Return a frame as it came; what the user wanted of it later comes later."""
    return replace(frame, meta=replace(frame.meta, use=use))
