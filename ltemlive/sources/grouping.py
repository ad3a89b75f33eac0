"""Hand arrivals over in groups: what is there at once shares one wait for the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.arrivals import FrameArrived

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ltemlive.arrivals import Arrival

MOST_AT_ONCE = 16
MOST_BYTES_AT_ONCE = 64 * 2**20
"""Pixels; what comes after them makes the next group."""


def grouped(arrivals: Iterable[Arrival | None]) -> Iterator[list[Arrival]]:
    """Yield groups that are never empty; None among ``arrivals`` ends one.

    Whoever yields None is about to wait: nothing that came before may wait with it.
    """
    group: list[Arrival] = []
    nbytes = 0
    for arrival in arrivals:
        if arrival is not None:
            group.append(arrival)
            if isinstance(arrival, FrameArrived):
                nbytes += arrival.frame.image.nbytes
        is_full = len(group) >= MOST_AT_ONCE or nbytes >= MOST_BYTES_AT_ONCE
        if group and (arrival is None or is_full):
            yield group
            group, nbytes = [], 0
    if group:
        yield group
