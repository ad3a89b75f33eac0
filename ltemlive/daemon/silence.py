"""Which producers have fallen silent in mid-series.

A producer beats its heart every second, and a watched folder is looked at. One that gives
no sign for much longer is gone, and its series would stay open for ever. If it comes back
its series goes on.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ltemlive.recording.ledger import Key


class Silence:
    """Remember when each open series was last heard of; safe for several threads.

    Parameters
    ----------
    patience_s
        How long a producer may be silent; None: for ever.
    known
        Series that are open already: each has its whole time from now.
    clock
        Seconds that never run backwards.
    """

    def __init__(
        self,
        patience_s: float | None,
        *,
        known: Iterable[Key] = (),
        clock: Callable[[], float],
    ) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = dict.fromkeys(known, clock())

    def opened(self, key: Key) -> None:
        """Note that a series has frames, so that somebody must end it."""
        with self._lock:
            self._heard[key] = self._clock()

    def heard(self, key: Key) -> None:
        """Note a sign of life; of a series that is not open it means nothing."""
        with self._lock:
            if key in self._heard:
                self._heard[key] = self._clock()

    def ended(self, key: Key) -> None:
        """Forget a series."""
        with self._lock:
            self._heard.pop(key, None)

    def gone(self) -> list[Key]:
        """Return the series whose producers are gone; the same again until ``ended``."""
        with self._lock:
            if self._patience_s is None:
                return []
            last = self._clock() - self._patience_s
            return [key for key, t in self._heard.items() if t < last]
