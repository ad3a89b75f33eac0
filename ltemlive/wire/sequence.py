"""Count what a lossy stream lost, from the numbers on what it delivered.

A series counts its frames from 0. ``expected`` is one more than the highest number seen;
what was jumped over is missing until it comes late. A producer that starts again has
another id or another series and so gets another tracker: a number that comes back within
one series is a repetition.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Order: TypeAlias = Literal["next", "gap", "late", "repeated"]

MAX_GAPS = 1024
"""Gaps that are remembered; what is missing in older ones can no longer come late."""


class SequenceTracker:
    """The numbers seen in one series, in bounded memory.

    Parameters
    ----------
    knows_beginning
        Whether what comes before the first number seen is missing; else nothing is known
        of it, and nothing is said.
    """

    def __init__(self, *, knows_beginning: bool = True) -> None:
        self._first = 0 if knows_beginning else None
        self._expected = 0
        self._gaps: list[range] = []
        self.dropped = 0
        """Frames jumped over that have not come since."""

    def saw(self, seq: int) -> Order:
        """Note frame ``seq`` and return how it stands to those before it."""
        if self._first is None:
            self._first = self._expected = seq
        if seq < self._first:
            self._miss(range(seq + 1, self._first))
            self._first = seq
            return "late"
        if seq >= self._expected:
            return self._advance(seq)
        for index, gap in enumerate(self._gaps):
            if seq in gap:
                halves = (range(gap.start, seq), range(seq + 1, gap.stop))
                self._gaps[index : index + 1] = [half for half in halves if half]
                self.dropped -= 1
                return "late"
        return "repeated"

    def ended(self, n_sent: int | None) -> tuple[range, ...]:
        """Return the numbers that never came of ``n_sent`` frames, in ranges.

        Those at the end are counted as dropped now; where ``n_sent`` is None nothing is
        known about them. Where as many as that came none is missing, whatever numbers they
        had. A producer may repeat itself: the same ranges are returned, and counted once.
        """
        if self._first is None:
            return ()
        if n_sent is not None and self._expected - self._first - self.dropped >= n_sent:
            self._gaps.clear()
            self.dropped = 0
        if n_sent is not None and n_sent > self._expected:
            self._miss(range(self._expected, n_sent))
            self._expected = n_sent
        return tuple(sorted(self._gaps, key=lambda gap: gap.start))

    def _advance(self, seq: int) -> Order:
        gap = range(self._expected, seq)
        self._expected = seq + 1
        self._miss(gap)
        return "gap" if gap else "next"

    def _miss(self, gap: range) -> None:
        if not gap:
            return
        self.dropped += gap.stop - gap.start
        self._gaps.append(gap)
        del self._gaps[:-MAX_GAPS]
