"""The process that solves, as the daemon drives it.

The interpreter runs one thread at a time: beside an import of TensorFlow or a running
solve, a frame would wait twice as long for its acknowledgement. The solver therefore has
an interpreter of its own, and the daemon one in which nothing stands in a frame's way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from ltemlive.daemon.engines import Progress
from ltemlive.daemon.pipe import receive, send
from ltemlive.errors import LtemLiveError
from ltemlive.frames import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ltemlive.daemon.engines import Beginning
    from ltemlive.daemon.pipe import Message
    from ltemlive.settings import SolverSettings

LOOK_S = 0.05
"""How often to look for what else is wanted while a final result is computed."""
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
        self._finished: Message | None = None
        """The answer to ``finish``, where it came before that to a view."""

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

    def finish(
        self,
        ordinal: int,
        folder: Path,
        *,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Progress:
        """Compute the final result from the disk; views are answered meanwhile."""
        with self._noticing_its_end():
            values = {"ordinal": ordinal, "folder": str(folder.absolute())}
            send(self._connection, {"call": "finish", **values})
            while self._finished is None and not self._connection.poll(LOOK_S):
                meanwhile()
            answer, self._finished = self._finished, None
            return _progress(answer or receive(self._connection))

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
        return _progress(self._ask(call, frames, **values))

    def _ask(self, call: str, frames: Iterable[Frame] = (), **values: Any) -> Message:
        with self._noticing_its_end():
            send(self._connection, {"call": call, **values}, frames)
            answer = receive(self._connection)
            while answer.head["call"] != call:
                # A final result that was there before the solver heard of a view.
                self._finished, answer = answer, receive(self._connection)
            return answer

    @contextlib.contextmanager
    def _noticing_its_end(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            status = self._ended()
            raise LtemLiveError(
                f"the process that solves ended with status {status} (-9: killed, often "
                "for want of memory); every acknowledged frame is on disk; remedy: start "
                "the daemon again, which goes on with the session"
            ) from error


def _progress(answer: Message) -> Progress:
    events = tuple(each for each in answer.parcels if not isinstance(each, Frame))
    return Progress(events, answer.head["wants_steps"], answer.head["refused"])
