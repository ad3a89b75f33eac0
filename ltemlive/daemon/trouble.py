"""What the disk refuses: told once when it begins, told once when it is over.

A frame that cannot be recorded comes again every second, so each refusal told would be a
flood; and whoever looks an hour later must still see that something is wrong.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ltemlive.events import AdviceGiven

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.daemon.status import StatusBoard
    from ltemlive.errors import RecordingError
    from ltemlive.events import Event

_log = logging.getLogger(__name__)


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
        self._text: str | None = None

    @property
    def text(self) -> str | None:
        """What the disk refuses now, in one line; None if nothing."""
        with self._lock:
            return self._text

    def began(self, error: RecordingError) -> None:
        """Note a refusal; the first one is told."""
        with self._lock:
            is_new, self._text = self._text is None, str(error)
        self._board.note_problem(str(error))
        if is_new:
            _log.error("%s", error)
            self.publish(AdviceGiven(str(error), "error"))

    def is_over(self) -> None:
        """Note that something was recorded."""
        with self._lock:
            was, self._text = self._text, None
        if was is not None:
            self._board.note_problem(None)
            text = "the disk takes frames again; what was not acknowledged comes again"
            _log.warning("%s", text)
            self.publish(AdviceGiven(text, "info"))
