"""A result server with its thread, for as long as a ``with`` block lasts."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from ltemlive.daemon.threads import Threads
from ltemlive.sinks.publisher import ResultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.events import Event
    from ltemlive.settings import OutputSettings


@contextlib.contextmanager
def served(
    settings: OutputSettings, results: str, control: str
) -> Iterator[Callable[[Event], None]]:
    """Yield what takes events and publishes them at the two endpoints."""
    with ResultServer(
        results,
        control,
        clock=time.time,
        max_rate_hz=settings.max_rate_hz,
        preview_px=settings.preview_px,
    ) as server:
        threads = Threads(on_failure=threading.Event().set)
        threads.start(server.serve, "server")
        try:
            yield server.accept
        finally:
            threads.stop()
