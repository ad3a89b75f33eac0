"""Revisions that were shown, so that one sees what each image added. Pure.

Of the revisions made from the same images only the newest is kept: it is the best that
these images gave. Memory has a limit; what is oldest goes first, and the result of a series
after its revisions on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.estimates import EstimateShown

MOST_BYTES = 512 * 2**20
"""Of maps that are kept: some 30 revisions of 1024 x 1024 pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The revisions of one session, oldest first."""

    entries: tuple[EstimateShown, ...] = ()

    @property
    def series(self) -> tuple[tuple[int, str], ...]:
        """Return ordinal and name of each series, the oldest first."""
        named = {each.ordinal: each.series for each in self.entries}
        return tuple(sorted(named.items()))

    def of(self, ordinal: int) -> tuple[EstimateShown, ...]:
        """Return the revisions of one series, oldest first."""
        return tuple(each for each in self.entries if each.ordinal == ordinal)

    def find(self, rev: int) -> EstimateShown | None:
        """Return a revision by its number; None where it is not kept any more."""
        return next((each for each in self.entries if each.rev == rev), None)


NO_HISTORY = History()


def remembered(
    history: History, estimate: EstimateShown, *, most_bytes: int = MOST_BYTES
) -> History:
    """Return the history with one more revision, which is kept however large it is.

    So is the newest, which is on screen.
    """
    others = [each for each in history.entries if not _is_replaced(each, estimate)]
    entries = sorted([*others, estimate], key=lambda each: each.rev)
    kept = (estimate, entries[-1])
    while sum(map(nbytes, entries)) > most_bytes:
        others = [each for each in entries if all(each is not one for one in kept)]
        if not others:
            break
        entries.remove(_least_missed(others))
    return History(tuple(entries))


def nbytes(estimate: EstimateShown) -> int:
    """Return what the maps of an estimate take in memory."""
    maps = (
        estimate.phase_rad,
        estimate.gradient_rad_per_nm,
        estimate.induction_t_nm,
        estimate.amplitude,
        estimate.phase_sigma_rad,
    )
    return sum(each.nbytes for each in maps if each is not None)


def revision_text(estimate: EstimateShown) -> str:
    """Return how a revision is called where several can be chosen."""
    count = len(estimate.seqs_used)
    images = f"{count} image" + ("" if count == 1 else "s")
    ending = ", final" if estimate.is_final else ""
    return f"revision {estimate.rev}: {images}{ending}"


def _is_replaced(kept: EstimateShown, newer: EstimateShown) -> bool:
    if kept.rev == newer.rev:
        return True
    return (
        kept.rev < newer.rev
        and kept.ordinal == newer.ordinal
        and kept.is_final == newer.is_final
        and kept.seqs_used == newer.seqs_used
    )


def _least_missed(entries: list[EstimateShown]) -> EstimateShown:
    on_the_way = [each for each in entries if not each.is_final]
    return (on_the_way or entries)[0]
