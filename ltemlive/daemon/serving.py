"""A result server with its thread, for as long as a ``with`` block lasts."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.daemon.threads import Threads
from ltemlive.door import Door
from ltemlive.sinks.publisher import ResultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.daemon.status import StatusBoard
    from ltemlive.events import Event
    from ltemlive.settings import OutputSettings
    from ltemlive.wire.control import Request


@dataclass(frozen=True, slots=True)
class Publication:
    """What is told to clients, and what they ask for; to be called by one thread."""

    publish: Callable[[Event], None]
    requests: Callable[[], list[Request]]
    """Those since the last call that are not answered from what was told."""
    tell_status: Callable[[], None]
    """Once more, where no event has made it."""
    control_endpoint: str


@contextlib.contextmanager
def served(
    settings: OutputSettings, board: StatusBoard, results: str, control: str
) -> Iterator[Publication]:
    """Yield what takes events and publishes them, with the status they make."""
    with (
        contextlib.closing(Door()) as door,
        ResultServer(
            results,
            control,
            clock=time.time,
            max_rate_hz=settings.max_rate_hz,
            preview_px=settings.preview_px,
            door=door,
        ) as server,
    ):
        threads = Threads(on_failure=threading.Event().set)
        threads.start(server.serve, "server")
        threads.start(door.serve, "door")

        def tell_status() -> None:
            server.set_status(board.status(queued=0, dropped=0, disordered=0))

        def publish(event: Event) -> None:
            board.accept(event)
            server.accept(event)
            tell_status()

        try:
            yield Publication(
                publish, server.requests, tell_status, server.control_endpoint
            )
        finally:
            threads.stop()
