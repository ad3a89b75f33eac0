"""A recorded session through the engine again, call by call as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.daemon.solving import final_estimate, fingerprint
from ltemlive.errors import LtemLiveError
from ltemlive.events import PhaseEstimate, SeriesEnded
from ltemlive.formats.images import read_image
from ltemlive.recording.replay import Added, Ended, Refined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.daemon.loading import Solver
    from ltemlive.engine import LiveEngine
    from ltemlive.events import Event
    from ltemlive.frames import Frame
    from ltemlive.recording.replay import RecordedSession


@dataclass(frozen=True, slots=True)
class ReplayedEstimate:
    """One estimate computed again, beside what was recorded of it."""

    ordinal: int
    series: str
    rev: int
    n_frames: int
    is_final: bool
    is_same: bool
    """Bit for bit for a live estimate; within 1e-4 rad rms for a final one."""
    rms_rad: float | None = None
    """Of the difference to the recorded final phase."""


FINAL_TOLERANCE_RAD = 1e-4


class SessionReplay:
    """Drive fresh engines through the schedule of a recorded session.

    Parameters
    ----------
    pause
        Called before each step with the seconds since the first one, as recorded.
    publish
        Takes the events, as live.
    """

    def __init__(
        self,
        recorded: RecordedSession,
        solver: Solver,
        *,
        publish: Callable[[Event], None],
        pause: Callable[[float], None],
    ) -> None:
        self._recorded = recorded
        self._solver = solver
        self._publish = publish
        self._pause = pause
        # Revisions are those that were recorded: the final results had some, too.
        self._recorded_revs = [
            step.rev for step in recorded.schedule if isinstance(step, Refined) and step.rev
        ]
        self._revisions = iter(self._recorded_revs)
        self._engines: dict[int, LiveEngine] = {}
        self._frames: dict[int, dict[int, Frame]] = {
            ordinal: {frame.meta.seq: frame for frame in series.frames}
            for ordinal, series in enumerate(recorded.series, start=1)
        }

    def run(self) -> Iterator[ReplayedEstimate]:
        """Yield every estimate, live ones in their order and then the final ones."""
        schedule = self._recorded.schedule
        ended: list[Ended] = []
        for step in schedule:
            self._pause(step.t - schedule[0].t)
            if isinstance(step, Added):
                self._add(step)
            elif isinstance(step, Refined):
                yield from self._refine(step)
            else:
                ended.append(step)
        for step in ended:
            yield from self._finish(step)

    def _add(self, step: Added) -> None:
        if step.ordinal not in self._engines:
            record = self._recorded.records[step.ordinal - 1]
            self._engines[step.ordinal] = self._solver.engine(
                step.ordinal,
                record.series,
                record.microscope,
                self._recorded.settings.solver,
                self._revisions,
            )
        frames = [self._frames[step.ordinal][seq] for seq in step.seqs]
        for event in self._engines[step.ordinal].add(frames):
            self._publish(event)

    def _refine(self, step: Refined) -> Iterator[ReplayedEstimate]:
        for event in self._engines[step.ordinal].refine(step.steps):
            self._publish(event)
            if isinstance(event, PhaseEstimate):
                yield ReplayedEstimate(
                    step.ordinal,
                    event.series,
                    event.rev,
                    len(event.seqs_used),
                    is_final=False,
                    is_same=fingerprint(event) == step.fingerprint,
                )

    def _finish(self, step: Ended) -> Iterator[ReplayedEstimate]:
        stored = self._recorded.series[step.ordinal - 1]
        recorded = stored.folder / "phase.tif"
        try:
            result = self._solver.reconstruct(stored, self._recorded.settings.solver)
            before = read_image(recorded) if recorded.exists() else None
        except LtemLiveError:
            return
        rev = max(self._recorded_revs, default=0) + step.ordinal
        event = final_estimate(result, stored, ordinal=step.ordinal, rev=rev)
        self._publish(event)
        self._publish(SeriesEnded(step.ordinal, stored.title, step.exit_status))
        if before is None:
            return
        rms_rad = float(np.sqrt(np.mean((before - result.phase_rad) ** 2)))
        yield ReplayedEstimate(
            step.ordinal,
            stored.title,
            event.rev,
            len(stored.frames),
            is_final=True,
            is_same=rms_rad <= FINAL_TOLERANCE_RAD,
            rms_rad=rms_rad,
        )
