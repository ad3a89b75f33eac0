"""Threads that stop together; one that dies is not missed in silence."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Threads:
    """A group of threads with one stop signal.

    Parameters
    ----------
    on_failure
        Called, on the thread that died, after its traceback was logged.
    """

    def __init__(self, on_failure: Callable[[], None]) -> None:
        self._on_failure = on_failure
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.has_failed = False

    def start(self, run: Callable[[threading.Event], None], name: str) -> None:
        """Run a function of the stop signal in a thread of its own."""
        thread = threading.Thread(target=self._guarded, args=(run,), name=name)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Ask every thread to return, and wait until it has."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, run: Callable[[threading.Event], None]) -> None:
        try:
            run(self._stop)
        # Whatever it is: raised further, it would be told twice.
        except BaseException:  # noqa: BLE001
            _log.exception("%s died; the daemon stops", threading.current_thread().name)
            self.has_failed = True
            self._on_failure()
