"""What the disk has refused and not taken since: who sends it again, and who will not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ltemlive.arrivals import FrameArrived, FrameRefused

if TYPE_CHECKING:
    from ltemlive.arrivals import Arrival
    from ltemlive.recording.ledger import Key

MAX_OWED = 10_000
"""Refusals that nobody would tell again; those beyond are forgotten."""


class Unrecorded:
    """Arrivals that are missing on the disk; safe for several threads.

    Most come again, because nobody answered. A refusal that its source counts on us for
    has no receipt: it is owed, and tried again with whatever comes next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._missing: dict[tuple[Key, str], Arrival] = {}

    @property
    def is_empty(self) -> bool:
        """Whether the disk has everything."""
        with self._lock:
            return not self._missing

    def refused(self, arrival: Arrival) -> None:
        """Note that the disk did not take it."""
        with self._lock:
            if len(self._missing) < MAX_OWED:
                self._missing[_name(arrival)] = arrival

    def recorded(self, arrival: Arrival) -> None:
        """Note that it is on the disk, or nothing of it is to be."""
        with self._lock:
            self._missing.pop(_name(arrival), None)

    def given_up(self, key: Key) -> None:
        """Forget what is missing of a series whose producer is gone."""
        with self._lock:
            for name in [name for name in self._missing if name[0] == key]:
                del self._missing[name]

    def owed(self) -> list[Arrival]:
        """Return what nobody else will bring again."""
        with self._lock:
            return [each for each in self._missing.values() if _is_owed(each)]

    def is_owed_of(self, key: Key) -> bool:
        """Return whether refusals of a series are missing: its end must wait for them."""
        with self._lock:
            return any(
                name[0] == key and _is_owed(each) for name, each in self._missing.items()
            )


def _is_owed(arrival: Arrival) -> bool:
    return isinstance(arrival, FrameRefused) and arrival.receipt is None


def _name(arrival: Arrival) -> tuple[Key, str]:
    what = type(arrival).__name__
    if isinstance(arrival, FrameArrived | FrameRefused):
        what = f"frame {arrival.label}"
    return (arrival.producer, arrival.series), what
