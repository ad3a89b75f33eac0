"""The daemon: every thread, the process that solves, how they are joined and how they stop.

One thread for each source takes frames in, one drives the solver, one serves results and
requests; the main thread tells the state and waits for the end. A thread that dies takes
the daemon with it, traceback and all: nobody must look at a picture that stopped an hour
ago.
"""

from __future__ import annotations

import contextlib
import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import FrameWished, Mailbox
from ltemlive.daemon.resuming import new_session, recorded, resumed_session
from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.daemon.solving import SolvingLoop
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.threads import Threads
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.door import Door
from ltemlive.errors import ConfigError, LtemLiveError, RecordingError
from ltemlive.events import AdviceGiven, SessionEnded, SessionStarted
from ltemlive.formats.references import load_camera
from ltemlive.keys import load_daemon_keys
from ltemlive.sinks.publisher import ResultServer
from ltemlive.sources.acknowledged import ZmqRouterSource
from ltemlive.sources.directory import DirectorySource, folder_key
from ltemlive.sources.recorded import NOTHING_RECORDED
from ltemlive.sources.subscriber import ZmqFrameSource
from ltemlive.wire.control import frame_wish

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from ltemlive.camera import Camera
    from ltemlive.daemon.engines import LiveSolver
    from ltemlive.daemon.protocols import FrameSource
    from ltemlive.daemon.resuming import OpenSession
    from ltemlive.events import Event
    from ltemlive.recording.session import SessionRecorder
    from ltemlive.settings import Settings
    from ltemlive.sources.recorded import Recorded

TICK_S = 0.1
"""How often the state is told and requests are looked at."""


def run_daemon(
    settings: Settings,
    *,
    stop: threading.Event,
    announce: Callable[[str], None],
    wants_new_session: bool = False,
    clock: Callable[[], float] = time.time,
) -> bool:
    """Run until ``stop`` is set; return whether every thread ended well.

    Sockets are bound, and frames taken in, before TensorFlow is imported. A session that
    did not end goes on.

    Parameters
    ----------
    wants_new_session
        Whether to begin a new session in any case.
    announce
        Takes lines for the user: where the session is, which endpoints are open.

    Raises
    ------
    ConfigError, RecordingError
        If an endpoint, a folder or the session folder cannot be opened, or a reference
        image of the camera or a key cannot be read; at the end, if the disk still refuses
        frames.
    """
    output = settings.output
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(contextlib.closing(_door(settings)))
        server = stack.enter_context(
            ResultServer(
                output.results,
                output.control,
                clock=clock,
                max_rate_hz=output.max_rate_hz,
                preview_px=output.preview_px,
                door=door,
            )
        )
        session = None if wants_new_session else _resumed(settings, stack, clock)
        known = NOTHING_RECORDED
        if session is not None:
            known, settings = recorded(session.recorder.ledger), session.settings
        sources = [
            stack.enter_context(contextlib.closing(source))
            for source in open_sources(settings, door, known)
        ]
        if session is None:
            session = new_session(settings, clock=clock)
            stack.enter_context(session.recorder)
        camera = _camera(settings, is_resumed=known is not NOTHING_RECORDED)
        solver = SolverProcess(settings.solver, last_rev=session.recorder.ledger.last_rev)
        stack.enter_context(contextlib.closing(solver))
        watch = Threads(on_failure=stop.set)
        stack.callback(watch.stop)
        watch.start(door.serve, "door")
        for line in _welcome(session, server, sources):
            announce(line)
        make_intake = functools.partial(
            Intake,
            session.recorder,
            defaults=Defaults(settings.microscope, camera),
            clock=clock,
        )
        daemon = _Daemon(settings, session.recorder, solver, server, sources, make_intake)
        return daemon.run(stop) and not watch.has_failed


def _door(settings: Settings) -> Door:
    folder = settings.security.keys
    return Door(load_daemon_keys(folder) if folder is not None else None)


def _camera(settings: Settings, *, is_resumed: bool) -> Camera:
    """Return the camera of series that have none of their own."""
    try:
        return load_camera(Path(), settings.microscope.camera, where="microscope")
    except ConfigError as error:
        if not is_resumed:
            raise
        text = f"{error} (as the session was begun with); put it back, or --new-session"
        raise ConfigError(text) from error


def _resumed(
    settings: Settings, stack: contextlib.ExitStack, clock: Callable[[], float]
) -> OpenSession | None:
    try:
        session = resumed_session(settings, clock=clock)
    except LtemLiveError as error:
        text = f"{error}; or begin another session with --new-session"
        raise type(error)(text) from error
    if session is not None:
        stack.enter_context(session.recorder)
    return session


def open_sources(
    settings: Settings, door: Door, known: Recorded = NOTHING_RECORDED
) -> Iterator[FrameSource]:
    """Yield every source that is switched on, opened.

    Parameters
    ----------
    known
        What the session has recorded already.

    Raises
    ------
    ConfigError
        If an endpoint or folder cannot be used.
    """
    inputs = settings.input
    if inputs.zmq is not None:
        yield ZmqRouterSource(
            inputs.zmq,
            max_frame_bytes=inputs.max_frame_bytes,
            credit=inputs.credit,
            abandon_s=inputs.abandon_s,
            recorded=known,
            door=door,
        )
    if inputs.zmq_sub is not None:
        yield ZmqFrameSource(
            inputs.zmq_sub,
            max_frame_bytes=inputs.max_frame_bytes,
            abandon_s=inputs.abandon_s,
            recorded=known,
            door=door,
        )
    if inputs.folder is not None:
        yield DirectorySource(
            inputs.folder,
            settle_ms=inputs.settle_ms,
            rescan_s=inputs.rescan_s,
            idle_end_s=inputs.idle_end_s,
            defaults=settings.microscope,
            file_pattern=inputs.file_pattern,
            plan_defocus_nm=inputs.plan_defocus_nm,
            known=known.numbers.get(folder_key(inputs.folder)),
        )


def _welcome(
    session: OpenSession, server: ResultServer, sources: Sequence[FrameSource]
) -> Iterator[str]:
    yield f"session {session.recorder.path}"
    yield from session.notes
    for source in sources:
        yield f"input   {source.name}"
    yield f"results {server.results_endpoint}"
    yield f"control {server.control_endpoint}"


class _Daemon:
    """The parts of one run, wired."""

    def __init__(
        self,
        settings: Settings,
        recorder: SessionRecorder,
        solver: LiveSolver,
        server: ResultServer,
        sources: Sequence[FrameSource],
        make_intake: Callable[..., Intake],
    ) -> None:
        self._name = recorder.path.name
        self._server = server
        self._sources = sources
        self._board = StatusBoard(self._name)
        self._mailbox = Mailbox()
        self._trouble = DiskTrouble(self._board, self._publish)
        self._intake = make_intake(self._mailbox, self._board, self._trouble)
        self._loop = SolvingLoop(
            solver, self._mailbox, recorder, self._board, settings.solver, self._trouble
        )

    def run(self, stop: threading.Event) -> bool:
        """Start every thread, wait for ``stop``, stop them in the order of the data."""
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
                self._tell_status()
        finally:
            self._end(ingest, solver, server)
        if self._trouble.text is not None:
            raise RecordingError(
                f"{self._trouble.text}; its producers still have what was not acknowledged"
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
