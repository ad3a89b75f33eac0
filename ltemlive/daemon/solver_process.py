"""The process that solves, seen from both ends of its pipe.

The interpreter runs one thread at a time: beside an import of TensorFlow or a running
solve, a frame would wait twice as long for its acknowledgement. The solver therefore has
an interpreter of its own, and the daemon one in which nothing stands in a frame's way.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltemlive.daemon.engines import Beginning, Engines, Progress
from ltemlive.daemon.loading import load_solver
from ltemlive.daemon.pipe import receive, send
from ltemlive.errors import LtemLiveError
from ltemlive.frames import Frame
from ltemlive.series import Microscope
from ltemlive.settings import SolverSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from multiprocessing.connection import Connection

    from ltemlive.daemon.engines import LiveSolver
    from ltemlive.daemon.loading import Solver
    from ltemlive.daemon.pipe import Message

NICENESS = 10
"""How far the solver stands back where ingest wants the processor as well."""
END_TIMEOUT_S = 10.0
"""How long a process may take to end that has let go of the pipe, or was killed."""


class SolverProcess:
    """A ``LiveSolver`` in a process of its own, which ends when it is closed.

    Parameters
    ----------
    last_rev
        The highest revision that the session has had.
    command
        Starts the process; the number of its end of the pipe is added.
    """

    def __init__(
        self,
        settings: SolverSettings,
        *,
        last_rev: int = 0,
        command: Sequence[str] | None = None,
    ) -> None:
        command = command or [sys.executable, "-P", "-m", "ltemlive.daemon.solver_main"]
        self._connection, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for the daemon, which lets the solver finish what it does.
                process_group=0,
            )
        self._settings = settings
        self._last_rev = last_rev
        self._device: str | None = None

    @property
    def device(self) -> str:
        """Return what solves; the first time, wait until TensorFlow is loaded."""
        if self._device is None:
            settings = self._settings.model_dump(mode="json")
            loaded = self._ask("load", settings=settings, last_rev=self._last_rev)
            self._device = str(loaded.head["device"])
        return self._device

    def begin(self, beginning: Beginning) -> Progress:
        """Make the engine of a series."""
        start = beginning.start
        return self._told(
            "begin",
            ordinal=beginning.ordinal,
            series=beginning.series,
            microscope=beginning.microscope.model_dump(mode="json"),
            folder=str(beginning.folder.absolute()),
            start=None if start is None else str(start.absolute()),
        )

    def add(self, ordinal: int, frames: Sequence[Frame]) -> Progress:
        """Take frames in."""
        return self._told("add", frames, ordinal=ordinal)

    def wish(self, ordinal: int, seq: int, use: bool | None) -> Progress:
        """Use a frame or set it aside, as the user wants; None: as it fits."""
        return self._told("wish", ordinal=ordinal, seq=seq, use=use)

    def refine(self, ordinal: int, n_steps: int) -> Progress:
        """Improve by at most ``n_steps``."""
        return self._told("refine", ordinal=ordinal, n_steps=n_steps)

    def view(self, seq: int | None, ordinal: int | None) -> Progress:
        """Show a frame, or (None) TIE, of a series (None: the newest)."""
        return self._told("view", ordinal=ordinal, seq=seq)

    def finish(self, ordinal: int, folder: Path) -> Progress:
        """Compute the final result from the disk."""
        return self._told("finish", ordinal=ordinal, folder=str(folder.absolute()))

    def close(self) -> None:
        """End the process; what it had to write is written."""
        self._connection.close()
        self._process.kill()
        self._process.wait(END_TIMEOUT_S)

    def _ended(self) -> int:
        """Return the exit status of the process, which has let go of its end."""
        try:
            return self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(END_TIMEOUT_S)

    def _told(self, call: str, frames: Iterable[Frame] = (), **values: Any) -> Progress:
        answer = self._ask(call, frames, **values)
        events = tuple(each for each in answer.parcels if not isinstance(each, Frame))
        return Progress(events, answer.head["wants_steps"], answer.head["refused"])

    def _ask(self, call: str, frames: Iterable[Frame] = (), **values: Any) -> Message:
        try:
            send(self._connection, {"call": call, **values}, frames)
            return receive(self._connection)
        except (EOFError, OSError) as error:
            status = self._ended()
            raise LtemLiveError(
                f"the process that solves ended with status {status} (-9: killed, often "
                "for want of memory); every acknowledged frame is on disk; remedy: start "
                "the daemon again, which goes on with the session"
            ) from error


def stand_back() -> None:
    """Leave the processor to ingest where both want it."""
    os.nice(NICENESS)


def end_with(connection: Connection) -> None:
    """End this process as soon as the other end has gone, whatever it is doing.

    A solver that went on would write results into a folder that is no longer its own.
    """

    def watch() -> None:
        hang_up = select.poll()
        hang_up.register(connection.fileno(), 0)
        hang_up.poll()
        os._exit(1)

    threading.Thread(target=watch, name="hang-up", daemon=True).start()


def serve(connection: Connection, *, load: Callable[[int], Solver] = load_solver) -> None:
    """Do what comes through the pipe, one call after the other, until it is closed."""
    solver: LiveSolver | None = None
    while True:
        try:
            message = receive(connection)
        except (EOFError, OSError):
            return
        if solver is None:
            settings = SolverSettings.model_validate(message.head["settings"])
            last_rev = message.head["last_rev"]
            solver = Engines(load(settings.threads), settings, last_rev=last_rev)
            progress = Progress()
        else:
            progress = _done(solver, message)
        head = {
            "device": solver.device,
            "wants_steps": progress.wants_steps,
            "refused": progress.refused,
        }
        try:
            send(connection, head, progress.events)
        except OSError:
            return


def _beginning(head: Mapping[str, Any]) -> Beginning:
    start = head["start"]
    return Beginning(
        head["ordinal"],
        head["series"],
        Microscope.model_validate(head["microscope"]),
        Path(head["folder"]),
        None if start is None else Path(start),
    )


def _done(solver: LiveSolver, message: Message) -> Progress:
    head = message.head
    ordinal = head["ordinal"]
    match head["call"]:
        case "begin":
            return solver.begin(_beginning(head))
        case "add":
            frames = [each for each in message.parcels if isinstance(each, Frame)]
            return solver.add(ordinal, frames)
        case "wish":
            return solver.wish(ordinal, head["seq"], head["use"])
        case "view":
            return solver.view(head["seq"], ordinal)
        case "refine":
            return solver.refine(ordinal, head["n_steps"])
        case _:
            return solver.finish(ordinal, Path(head["folder"]))
