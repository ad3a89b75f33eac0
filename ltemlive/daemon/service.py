"""The daemon: what it opens, in which order, and how it is closed.

One thread for each source takes frames in, one drives the solver, one serves results and
requests; the main thread tells the state and waits for the end. A thread that dies takes
the daemon with it, traceback and all: nobody must look at a picture that stopped an hour
ago.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.resuming import new_session, recorded, resumed_session
from ltemlive.daemon.running import Clocks, Daemon
from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.daemon.threads import Threads
from ltemlive.door import Door
from ltemlive.errors import ConfigError, LtemLiveError
from ltemlive.formats.references import load_camera
from ltemlive.keys import load_daemon_keys
from ltemlive.sinks.publisher import ResultServer
from ltemlive.sources.acknowledged import ZmqRouterSource
from ltemlive.sources.directory import DirectorySource
from ltemlive.sources.recorded import NOTHING_RECORDED
from ltemlive.sources.subscriber import ZmqFrameSource

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from ltemlive.camera import Camera
    from ltemlive.daemon.protocols import FrameSource
    from ltemlive.daemon.resuming import OpenSession
    from ltemlive.settings import Settings
    from ltemlive.sources.recorded import Recorded


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
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(contextlib.closing(_door(settings)))
        server = stack.enter_context(_server(settings, door, clock))
        session = None if wants_new_session else _resumed(settings, stack, clock)
        known = NOTHING_RECORDED
        if session is not None:
            settings = session.settings
            known = recorded(session.recorder.ledger, settings.input.folder)
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
        defaults = Defaults(settings.microscope, camera)
        clocks = Clocks(wall=clock, steady=time.monotonic)
        daemon = Daemon(session, solver, server, sources, defaults, clocks)
        return daemon.run(stop) and not watch.has_failed


def _door(settings: Settings) -> Door:
    folder = settings.security.keys
    return Door(load_daemon_keys(folder) if folder is not None else None)


def _server(settings: Settings, door: Door, clock: Callable[[], float]) -> ResultServer:
    output = settings.output
    return ResultServer(
        output.results,
        output.control,
        clock=clock,
        max_rate_hz=output.max_rate_hz,
        preview_px=output.preview_px,
        door=door,
    )


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
            recorded=known,
            door=door,
        )
    if inputs.zmq_sub is not None:
        yield ZmqFrameSource(
            inputs.zmq_sub,
            max_frame_bytes=inputs.max_frame_bytes,
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
            known=known.labels,
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
