"""What waits to be published: put up by any thread, taken down by the one that serves.

Facts (a frame stored or refused, an advice, a series that began or ended, its final
estimate) all go out, in order. Of the other estimates, of the status, and of the views of
each kind, only the newest is kept.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    FrameStored,
    PhaseEstimate,
    SeriesEnded,
    SeriesStarted,
    View,
)

if TYPE_CHECKING:
    from ltemlive.events import Event
    from ltemlive.wire.results import DaemonStatus

Told: TypeAlias = FrameStored | FrameRejected | AdviceGiven | SeriesStarted | SeriesEnded
Fact: TypeAlias = Told | PhaseEstimate


class Bulletin:
    """Never blocks whoever puts something up for longer than a list operation takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: deque[Fact] = deque()
        self._estimate: PhaseEstimate | None = None
        self._status: DaemonStatus | None = None
        self._status_is_new = False
        self._views: dict[type[View], View] = {}

    def put(self, event: Event) -> None:
        """Put up an event; those that the status tells are left to the status."""
        with self._lock:
            if isinstance(event, PhaseEstimate) and not event.is_final:
                self._estimate = event
            elif isinstance(event, PhaseEstimate):
                self._estimate = None
                self._facts.append(event)
            elif isinstance(event, View):
                self._views[type(event)] = event
            elif isinstance(event, Told):
                self._facts.append(event)

    def put_status(self, status: DaemonStatus) -> None:
        """Put up the state of the daemon in place of the one before."""
        with self._lock:
            self._status = status
            self._status_is_new = True

    def take_facts(self, most: int) -> list[Fact]:
        """Return and take down at most ``most`` facts, oldest first."""
        with self._lock:
            return [self._facts.popleft() for _ in range(min(most, len(self._facts)))]

    def take_estimate(self) -> PhaseEstimate | None:
        """Return and take down the newest estimate, once every fact before it is out."""
        with self._lock:
            if self._facts:
                return None
            estimate, self._estimate = self._estimate, None
            return estimate

    def take_view(self) -> View | None:
        """Return and take down one of the views, if there is one."""
        with self._lock:
            return self._views.popitem()[1] if self._views else None

    def take_status(self, *, even_if_old: bool) -> DaemonStatus | None:
        """Return the status if it is new, or at any rate if ``even_if_old``."""
        with self._lock:
            if not (self._status_is_new or even_if_old):
                return None
            self._status_is_new = False
            return self._status
