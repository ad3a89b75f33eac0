"""What the disk refuses: told once when it begins, told once when it is over.

A frame that cannot be recorded comes again every second, so each refusal told would be a
flood; and whoever looks an hour later must still see that something is wrong. What is large
may be refused while what is small is taken, so each kind has a trouble of its own.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal, TypeAlias

from ltemlive.events import AdviceGiven

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.daemon.status import StatusBoard
    from ltemlive.errors import RecordingError
    from ltemlive.events import Event

_log = logging.getLogger(__name__)

Kind: TypeAlias = Literal["frames", "journal", "results"]

_OVER: dict[Kind, str] = {
    "frames": "the disk takes frames again; what was not acknowledged comes again",
    "journal": "the disk takes the journal again; a replay lacks what happened meanwhile",
    "results": "the disk takes results again",
}


class DiskTrouble:
    """Safe for several threads.

    Parameters
    ----------
    board
        Shows the present trouble in every status.
    publish
        Takes events; must not block.
    """

    def __init__(self, board: StatusBoard, publish: Callable[[Event], None]) -> None:
        self._board = board
        self.publish = publish
        self._lock = threading.Lock()
        self._texts: dict[Kind, str] = {}

    @property
    def text(self) -> str | None:
        """What the disk refuses now, in one line; None if nothing."""
        with self._lock:
            return self._newest()

    def began(self, kind: Kind, error: RecordingError | str) -> None:
        """Note a refusal; the first one of its kind is told."""
        with self._lock:
            is_new = self._texts.pop(kind, None) is None
            self._texts[kind] = str(error)
            self._board.note_problem(self._newest())
        if is_new:
            _log.error("%s", error)
            self.publish(AdviceGiven(str(error), "error"))

    def is_over(self, kind: Kind) -> None:
        """Note that something of a kind was written."""
        with self._lock:
            was = self._texts.pop(kind, None)
            self._board.note_problem(self._newest())
        if was is not None:
            _log.warning("%s", _OVER[kind])
            self.publish(AdviceGiven(_OVER[kind], "info"))

    def _newest(self) -> str | None:
        return next(reversed(self._texts.values()), None)
