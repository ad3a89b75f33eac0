"""The thread that asks the daemon for what the user wants, and brings its answers."""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING, Any, NamedTuple

from pyqtgraph.Qt import QtCore

from ltemlive.client import ControlClient
from ltemlive.endpoints import permitted_endpoint
from ltemlive.errors import WireError

if TYPE_CHECKING:
    from ltemlive.keys import ClientKeys
    from ltemlive.wire.control import Answer

_LOOK_S = 0.1
_MOST_WAITING = 64


class Errand(NamedTuple):
    """What the daemon is asked for."""

    op: str
    arguments: dict[str, Any]
    purpose: object = None
    """For whoever takes the answer; the daemon never sees it."""


class Courier(QtCore.QThread):
    """Run errands one after the other; the window never waits for one.

    ``answered`` brings an errand with its answer, ``failed`` one with the reason why there
    is none: in one line, for the banner.

    Parameters
    ----------
    control_endpoint
        Where the daemon answers.
    timeout_s
        Longest wait for one answer, and so roughly for the thread to end.
    keys
        Of this client, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address, and there are no keys.
    """

    answered = QtCore.Signal(object, object)
    failed = QtCore.Signal(object, str)

    def __init__(
        self,
        control_endpoint: str,
        *,
        timeout_s: float = 5.0,
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__()
        self._endpoint = permitted_endpoint(control_endpoint, has_keys=keys is not None)
        self._timeout_s = timeout_s
        self._keys = keys
        self._errands: queue.Queue[Errand | None] = queue.Queue(_MOST_WAITING)
        self._is_stopped = False

    def ask(self, op: str, *, purpose: object = None, **arguments: Any) -> bool:
        """Have the daemon asked; say whether there was room for one more errand."""
        try:
            self._errands.put_nowait(Errand(op, arguments, purpose))
        except queue.Full:
            return False
        return True

    def stop(self) -> None:
        """Ask the thread to end and wait until it has; errands that wait are dropped."""
        self._is_stopped = True
        # A full queue needs no push: the thread looks after each errand.
        with contextlib.suppress(queue.Full):
            self._errands.put_nowait(None)
        self.wait()

    def run(self) -> None:
        """Run errands until ``stop`` (Qt calls this in the new thread)."""
        while not self._is_stopped:
            with contextlib.suppress(queue.Empty):
                errand = self._errands.get(timeout=_LOOK_S)
                if errand is not None:
                    self._run(errand)

    def _run(self, errand: Errand) -> None:
        try:
            answer = self._answer(errand)
        except WireError as error:
            self.failed.emit(errand, str(error))
            return
        if answer.ok:
            self.answered.emit(errand, answer)
        else:
            self.failed.emit(errand, answer.error or f"{errand.op}: refused")

    def _answer(self, errand: Errand) -> Answer:
        # A connection of its own each time: the daemon may be another one by now.
        with ControlClient(self._endpoint, self._timeout_s, keys=self._keys) as client:
            return client.request(errand.op, **errand.arguments)
