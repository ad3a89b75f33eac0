"""The parts of a daemon, wired: its threads, and how they stop."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.daemon.desk import Desk
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import FrameWished, Mailbox, ViewWished
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.solving import SolvingLoop
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.threads import Threads
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.errors import RecordingError
from ltemlive.events import AdviceGiven, SessionEnded, SessionStarted
from ltemlive.wire.control import frame_wish, view_wish

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from ltemlive.daemon.admission import Defaults
    from ltemlive.daemon.engines import LiveSolver
    from ltemlive.daemon.protocols import FrameSource
    from ltemlive.daemon.resuming import OpenSession
    from ltemlive.events import Event
    from ltemlive.sinks.publisher import ResultServer

TICK_S = 0.1
"""How often the state is told and requests are looked at."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """What tells the time."""

    wall: Callable[[], float]
    """Seconds since 1970."""
    steady: Callable[[], float]
    """Seconds that never run backwards."""


class Daemon:
    """The parts of one run.

    Parameters
    ----------
    defaults
        What neither a frame nor its series says.
    """

    def __init__(
        self,
        session: OpenSession,
        solver: LiveSolver,
        server: ResultServer,
        sources: Sequence[FrameSource],
        defaults: Defaults,
        clocks: Clocks,
    ) -> None:
        recorder, settings = session.recorder, session.settings
        self._name = recorder.path.name
        self._server = server
        self._sources = sources
        self._board = StatusBoard(self._name)
        self._mailbox = Mailbox()
        self._trouble = DiskTrouble(self._board, self._publish)
        still_open = (each for each in recorder.series if each.exit_status is None)
        self._intake = Intake(
            Desk(recorder, defaults=defaults, clock=clocks.wall),
            self._mailbox,
            self._board,
            self._trouble,
            Silence(
                settings.input.abandon_s,
                known=(record.key for record in still_open),
                clock=clocks.steady,
            ),
        )
        self._loop = SolvingLoop(
            solver, self._mailbox, recorder, self._board, settings.solver, self._trouble
        )

    def run(self, stop: threading.Event) -> bool:
        """Start every thread, wait for ``stop``, stop them in the order of the data.

        Return whether every thread ended well.

        Raises
        ------
        RecordingError
            At the end, if the disk still refuses something.
        """
        ingest, solver, server = (Threads(on_failure=stop.set) for _ in range(3))
        self._publish(SessionStarted(self._name))
        self._intake.resume()
        server.start(self._server.serve, "server")
        for source in self._sources:
            ingest.start(functools.partial(self._intake.run, source), source.name)
        solver.start(self._loop.run, "solver")
        try:
            while not stop.wait(TICK_S):
                self._obey()
                self._intake.end_abandoned()
                self._tell_status()
        finally:
            self._end(ingest, solver, server)
        if self._trouble.text is not None:
            raise RecordingError(
                f"{self._trouble.text}; what was acknowledged is on the disk, and "
                "`ltemlive run` goes on with the rest"
            )
        return not any(group.has_failed for group in (ingest, solver, server))

    def _end(self, ingest: Threads, solver: Threads, server: Threads) -> None:
        self._board.note_phase("stopping")
        self._tell_status()
        # Ingest first: the solver then sees the end of every series that has one.
        ingest.stop()
        solver.stop()
        self._publish(SessionEnded(self._name))
        self._tell_status()
        server.stop()

    def _publish(self, event: Event) -> None:
        self._board.accept(event)
        self._server.accept(event)

    def _obey(self) -> None:
        for request in self._server.requests():
            match request.op:
                case "use_frame":
                    self._mailbox.put(FrameWished(*frame_wish(request)))
                case "view":
                    self._mailbox.put_view(ViewWished(*view_wish(request)))
                case "pause":
                    self._mailbox.hold()
                case "resume":
                    self._mailbox.release()
                case "end_series":
                    self._change("end_series", self._intake.end_series)
                case "reset":
                    self._change("reset", self._intake.reset_series)

    def _change(self, op: str, change: Callable[[], str | None]) -> None:
        """Change the newest open series; what cannot be done is told."""
        try:
            if change() is None:
                self._publish(AdviceGiven(f"{op}: no series is open", "warning"))
        except RecordingError as error:
            self._publish(AdviceGiven(f"{op}: {error}", "error"))

    def _tell_status(self) -> None:
        counters = [source.counters for source in self._sources]
        self._server.set_status(
            self._board.status(
                queued=self._mailbox.backlog,
                dropped=sum(counter.dropped for counter in counters),
                disordered=sum(counter.disordered for counter in counters),
            )
        )
