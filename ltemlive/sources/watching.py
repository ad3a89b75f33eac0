"""Wake a reader when something may have changed in a folder."""

from __future__ import annotations

import logging
import threading
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_OPENED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from ltemlive.sources.mounts import needs_polling

if TYPE_CHECKING:
    from types import TracebackType

    from watchdog.observers.api import BaseObserver

logger = logging.getLogger(__name__)

# Our own reading causes these; to wake for them would never end.
_CAUSED_BY_READING = (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE)

_MOUNTS = Path("/proc/mounts")
_JOIN_TIMEOUT_S = 5.0


class FolderHints(FileSystemEventHandler):
    """Hints that a look at ``folder`` is worth while, from entering the context on.

    Where the kernel cannot know (network shares) or has no watches left, the folder is
    polled instead.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed = threading.Event()
        self._observer: BaseObserver | None = None

    def __enter__(self) -> Self:
        if needs_polling(PurePosixPath(self._folder.resolve()), _mounts()):
            self._observer = self._started(PollingObserver())
            return self
        try:
            self._observer = self._started(Observer())
        except OSError as error:
            logger.warning(
                "%s: no change notification (%s), polling instead", self._folder, error
            )
            self._observer = self._started(PollingObserver())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(_JOIN_TIMEOUT_S)
            self._observer = None

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note that something changed; called on a thread of the observer."""
        if event.event_type not in _CAUSED_BY_READING:
            self._changed.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a hint, at most ``timeout_s``, and take it; return whether one came."""
        is_hinted = self._changed.wait(timeout_s)
        self._changed.clear()
        return is_hinted

    def _started(self, observer: BaseObserver) -> BaseObserver:
        observer.schedule(self, str(self._folder), recursive=False)
        observer.start()
        return observer


def _mounts() -> str:
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
