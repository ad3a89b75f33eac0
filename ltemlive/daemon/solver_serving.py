"""What the process that solves does with what comes through its pipe."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltemlive.daemon.engines import Beginning, Engines, Progress
from ltemlive.daemon.loading import load_solver
from ltemlive.daemon.pipe import receive, send
from ltemlive.frames import Frame
from ltemlive.series import Microscope
from ltemlive.settings import SolverSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

    from ltemlive.daemon.engines import LiveSolver
    from ltemlive.daemon.loading import Solver
    from ltemlive.daemon.pipe import Message

NICENESS = 10
"""How far the solver stands back where ingest wants the processor as well."""


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
    """Do what comes through the pipe, one call after the other, until it is closed.

    Only a view may come before ``finish`` is answered, and is answered first.
    """
    solver: LiveSolver | None = None

    def show_views() -> None:
        # Who has gone will be missed when the result is told.
        with contextlib.suppress(EOFError, OSError):
            while solver is not None and connection.poll():
                wanted = receive(connection)
                _answer(connection, wanted, solver, _done(solver, wanted, show_views))

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
            progress = _done(solver, message, show_views)
        try:
            _answer(connection, message, solver, progress)
        except OSError:
            return


def _answer(
    connection: Connection, message: Message, solver: LiveSolver, progress: Progress
) -> None:
    head = {
        "call": message.head["call"],
        "device": solver.device,
        "wants_steps": progress.wants_steps,
        "refused": progress.refused,
    }
    send(connection, head, progress.events)


def _beginning(head: Mapping[str, Any]) -> Beginning:
    start = head["start"]
    return Beginning(
        head["ordinal"],
        head["series"],
        Microscope.model_validate(head["microscope"]),
        Path(head["folder"]),
        None if start is None else Path(start),
    )


def _done(solver: LiveSolver, message: Message, meanwhile: Callable[[], None]) -> Progress:
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
            return solver.finish(ordinal, Path(head["folder"]), meanwhile=meanwhile)
