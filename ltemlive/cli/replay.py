"""``ltemlive replay``: a recorded session again, through the engine or to any daemon."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltemlive.cli.keys import KeysOption
from ltemlive.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.daemon.comparing import ReplayedEstimate
    from ltemlive.events import Event
    from ltemlive.recording.replay import RecordedSession


LOOK_S = 0.1
"""How often to look for what clients ask for."""


def replay(  # noqa: PLR0913 - one argument for each option
    session: Annotated[Path, typer.Argument(help="Folder of a recorded session.")],
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="1 is the original timing, 2 twice as fast; none: as fast as possible.",
        ),
    ] = None,
    to: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="folder DIR | zmq ENDPOINT",
            help="Only emit the recorded frames there, for any daemon to take.",
        ),
    ] = None,
    results: Annotated[
        str, typer.Option(help="Where to publish, as the daemon does.")
    ] = "tcp://127.0.0.1:5572",
    control: Annotated[
        str, typer.Option(help="Where to answer requests, as the daemon does.")
    ] = "tcp://127.0.0.1:5573",
    keys: KeysOption = None,
    stay: Annotated[
        bool,
        typer.Option("--stay", help="Answer to clients after the last step, until Ctrl-C."),
    ] = False,
) -> None:
    """Replay a recorded session: every live estimate again, compared with the record."""
    from ltemlive.cli.terminal import say
    from ltemlive.recording.journal import JOURNAL_FILE, in_use
    from ltemlive.recording.replay import read_recorded_session

    if keys is not None and to is None:
        raise ConfigError(f"--keys {keys}: expected --to zmq ENDPOINT beside it, got none")
    is_recording = in_use(session / JOURNAL_FILE)
    recorded = read_recorded_session(session)
    for line in _what_is_missing(recorded, is_recording=is_recording):
        say("[yellow]note[/]", line)
    if to is not None:
        from ltemlive.cli.playback import emit_session

        for line in emit_session(recorded, to, speed=speed, keys=keys):
            typer.echo(line)
        return
    if not _replay_through_engine(recorded, (results, control), speed, stay=stay):
        raise typer.Exit(1)


def _what_is_missing(recorded: RecordedSession, *, is_recording: bool) -> Iterator[str]:
    """Yield how far a session is that has not ended; nothing is written into it."""
    if is_recording:
        yield "being recorded at this moment: what its journal has by now is replayed"
    for record in recorded.records:
        if record.exit_status is None and not is_recording:
            yield f"{record.series} did not end: {len(record.frames)} frames by then"
        elif record.exit_status is not None and not record.is_finished:
            yield f"{record.series} has no final result yet: there is none to compare with"


def paused(
    speed: float | None, *, clock: Callable[[], float], sleep: Callable[[float], object]
) -> Callable[[float], None]:
    """Return what waits until the seconds it is given are over, from its first call on.

    They pass ``speed`` times as fast; at once where it is None.
    """
    t_start: float | None = None

    def pause(seconds: float) -> None:
        nonlocal t_start
        if speed is None:
            return
        now = clock()
        if t_start is None:
            # Not when the command began: the solver had to be loaded first.
            t_start = now - seconds / speed
        sleep(max(t_start + seconds / speed - now, 0.0))

    return pause


def attentively(
    sleep: Callable[[float], object], look: Callable[[], None]
) -> Callable[[float], None]:
    """Return what sleeps as long as it is told, and looks up now and then."""

    def sleep_and_look(seconds: float) -> None:
        while seconds > LOOK_S:
            sleep(LOOK_S)
            seconds -= LOOK_S
            look()
        sleep(seconds)
        look()

    return sleep_and_look


def _replay_through_engine(
    recorded: RecordedSession,
    endpoints: tuple[str, str],
    speed: float | None,
    *,
    stay: bool,
) -> bool:
    """Return whether every estimate came out as it was recorded."""
    from ltemlive.cli.terminal import console, say
    from ltemlive.daemon.loading import load_solver
    from ltemlive.daemon.replaying import SessionReplay
    from ltemlive.daemon.serving import served
    from ltemlive.daemon.status import StatusBoard

    _say_what_differs(recorded)
    replayed: list[ReplayedEstimate] = []
    board = StatusBoard(recorded.path.name)
    with served(recorded.settings.output, board, *endpoints) as publication:
        with console.status("loading TensorFlow"):
            solver = load_solver(recorded.settings.solver.threads)
        board.note_device(solver.device)
        board.note_phase("solving")
        session = SessionReplay(
            recorded,
            solver,
            publish=lambda event: publication.publish(as_of_now(event)),
            requests=publication.requests,
        )
        sleep = attentively(time.sleep, session.look)
        pause = paused(speed, clock=time.monotonic, sleep=sleep)
        for estimate in session.run(pause):
            replayed.append(estimate)
            say("same   " if estimate.is_same else "[red]differs[/]", _line(estimate))
        session.look()
        board.note_phase("waiting")
        publication.tell_status()
        if stay:
            say("done   ", f"{publication.control_endpoint} goes on to answer until Ctrl-C")
            _stay(sleep)
    n_same = sum(estimate.is_same for estimate in replayed)
    console.print(f"{n_same} of {len(replayed)} estimates as recorded")
    return n_same == len(replayed)


def as_of_now(event: Event) -> Event:
    """Return an event that does not count from the day of the recording until now."""
    from ltemlive.events import PhaseEstimate

    if isinstance(event, PhaseEstimate):
        return replace(event, t_frame_last=None)
    return event


def _say_what_differs(recorded: RecordedSession) -> None:
    from ltemlive.cli.terminal import console, say
    from ltemlive.versions import versions

    if recorded.versions != versions():
        console.print("[yellow]recorded with other versions: numbers may differ[/]")
    for stored in recorded.series:
        for rejected in stored.rejected:
            say("[yellow]not used[/]", f"{rejected.frame}: {rejected.reason}")


def _stay(sleep: Callable[[float], None]) -> None:
    """Return after Ctrl-C or SIGTERM."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    while not stop.is_set():
        sleep(LOOK_S)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _line(estimate: ReplayedEstimate) -> str:
    kind = "final" if estimate.is_final else f"rev {estimate.rev}"
    difference = f", {estimate.rms_rad:.1e} rad rms" if estimate.rms_rad is not None else ""
    return f"{estimate.series}  {kind:8}  {estimate.n_frames} images{difference}"
