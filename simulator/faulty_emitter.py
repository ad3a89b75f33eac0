"""Another emitter, and what goes wrong with its frames on purpose.

A frame that is held back goes out after the next one that is sent, or at the end of the
series; so does the second copy of a frame. At most one is held back at a time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from simulator.faults import NO_FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from simulator.faults import FaultPlan
    from simulator.schedule import Announcement, Emitter


class Mischief(Protocol):
    """What only the way of sending knows how to do wrong."""

    def lose(self, frame: Frame) -> None:
        """Let it be known that there is a frame, and never send it."""
        ...

    def cut_off(self, frame: Frame) -> None:
        """Send the first half of a frame, as if it were all of it."""
        ...

    def litter(self, frame: Frame, parts: list[bytes]) -> None:
        """Send bytes that mean nothing, beside a frame."""
        ...


class _Held(NamedTuple):
    frame: Frame
    is_sent_twice: bool


class FaultyEmitter:
    """Hand frames to ``emitter``, some of them wrongly, as ``plan`` says.

    Parameters
    ----------
    mischief
        Of the same kind as ``emitter``.
    kill
        Ends this process at once; called after ``kill_after`` frames.
    """

    def __init__(
        self,
        emitter: Emitter,
        mischief: Mischief,
        plan: FaultPlan,
        *,
        kill: Callable[[], object],
    ) -> None:
        self._emitter = emitter
        self._mischief = mischief
        self._plan = plan
        self._kill = kill
        self._held: _Held | None = None
        self._sent_once: list[Frame] = []
        self._n_frames = 0
        self.injected: Counter[str] = Counter()
        """How often each fault has happened."""

    def start(self, announcement: Announcement) -> None:
        """Say that a series begins."""
        self._emitter.start(announcement)

    def send(self, frame: Frame) -> None:
        """Hand over one frame, or do with it whatever is planned."""
        self._spoil(frame)
        self._n_frames += 1
        if self._n_frames == self._plan.faults.kill_after:
            self._kill()

    def end(self, exit_status: ExitStatus) -> None:
        """Send what is held back, then say that no more frames will come."""
        while self._held is not None or self._sent_once:
            self._catch_up()
        self._emitter.end(exit_status)

    def summary(self) -> str:
        """Return what was injected, to end a line with; empty where nothing could be."""
        if self._plan.faults == NO_FAULTS.faults:
            return ""
        counts = ", ".join(f"{count} {name}" for name, count in self.injected.items())
        return f"; injected: {counts or 'nothing'}"

    def _spoil(self, frame: Frame) -> None:
        faults = self._plan.of_frame(frame.meta.seq)
        if faults.drop:
            self._mischief.lose(frame)
            self.injected["drop"] += 1
            return
        if faults.garbage:
            self._mischief.litter(frame, self._plan.garbage(frame.meta.seq))
            self.injected["garbage"] += 1
        if faults.truncate:
            self._mischief.cut_off(frame)
            self.injected["truncate"] += 1
        if faults.reorder and self._held is None:
            self._held = _Held(frame, faults.dup)
            return
        self._emitter.send(frame)
        self._catch_up()
        if faults.dup:
            self._sent_once.append(frame)

    def _catch_up(self) -> None:
        """Send what was held back until now, and again what was sent once."""
        held, self._held = self._held, None
        sent_once, self._sent_once = self._sent_once, []
        if held is not None:
            self._emitter.send(held.frame)
            self.injected["reorder"] += 1
            if held.is_sent_twice:
                self._sent_once.append(held.frame)
        for frame in sent_once:
            self._emitter.send(frame)
            self.injected["dup"] += 1
