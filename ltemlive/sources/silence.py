"""Which producers have fallen silent in mid-series: pure, the clock is the caller's.

A producer beats its heart every second. One that says nothing for much longer is gone, and
its series would stay open for ever. If it comes back its series goes on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.arrivals import SeriesClosed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ltemlive.sources.recorded import Key

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OfSeries:
    """Receipt of a frame that nobody is told about."""

    key: Key


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Receipt of the end of a series whose producer is gone."""

    key: Key


class Silence:
    """Remember when each open series was last heard of.

    Parameters
    ----------
    patience_s
        How long a producer may be silent; None: for ever.
    """

    def __init__(self, patience_s: float | None, known: Iterable[Key], now: float) -> None:
        self._patience_s = patience_s
        self._heard = dict.fromkeys(known, now)

    def opened(self, key: Key, now: float) -> None:
        """Note that a series has frames, so that somebody must end it."""
        self._heard[key] = now

    def heard(self, key: Key, now: float) -> None:
        """Note a sign of life; of a series that is not open it means nothing."""
        if key in self._heard:
            self._heard[key] = now

    def ended(self, key: Key) -> None:
        """Forget a series."""
        self._heard.pop(key, None)

    def gone(self, now: float) -> list[Key]:
        """Return the series whose producers are gone; the same again until ``ended``."""
        if self._patience_s is None:
            return []
        return [key for key, t in self._heard.items() if now - t > self._patience_s]


def given_up(silence: Silence, now: float, source: str) -> Iterator[SeriesClosed]:
    """Yield the end of each series whose producer is gone, with a ``GivenUp`` receipt."""
    for key in silence.gone(now):
        _log.warning("%s: series %s is abandoned: no sign of life", source, key[1])
        yield SeriesClosed(*key, "abandoned", receipt=GivenUp(key))
