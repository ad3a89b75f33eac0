"""What the daemon needs from where frames come from and from where events go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event as StopSignal

    from ltemlive.arrivals import AckStatus, Arrival
    from ltemlive.sources.counters import SourceCounters


class FrameSource(Protocol):
    """Somewhere frames come from; iterated and answered by one thread."""

    name: str
    """How the user knows it."""
    counters: SourceCounters

    def arrivals(self, stop: StopSignal) -> Iterator[list[Arrival]]:
        """Yield what comes until ``stop`` is set; never wait long without looking.

        What is there at once comes as one group, which is never empty.
        """
        ...

    def acknowledge(
        self, receipt: object, status: AckStatus, reason: str | None = None
    ) -> None:
        """Learn what became of an arrival; what is not answered is offered again."""
        ...

    def close(self) -> None:
        """Let go of ports and files."""
        ...
