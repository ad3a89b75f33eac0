"""When to ask the daemon for a view again. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_BETWEEN_S = {"frame": 1.0, "tie": 10.0}
"""Between two views of the same while its phase changes ten times a second: a frame takes a
tenth of a second to predict, transport of intensity most of one."""
PATIENCE_S, MOST_PATIENCE_S = 5.0, 60.0
"""After which to ask again: another window may have asked for something else meanwhile.
Each time in vain it is twice as long: there may be nothing to show, and the daemon says so
in the banner of every window."""


@dataclass(frozen=True, slots=True)
class ViewWish:
    """What is wanted on screen."""

    what: str
    """``frame`` or ``tie``."""
    ordinal: int
    rev: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the daemon was asked for last, and when."""

    wish: ViewWish | None = None
    t: float = 0.0
    n_in_vain: int = 0
    """How often before that the same was asked for, and did not come."""

    def again(self, wish: ViewWish, *, now: float, has_come: bool) -> Asked:
        """Return what was asked for, and when, once this is asked as well."""
        is_in_vain = self._is_of(wish) and not has_come
        return Asked(wish, now, self.n_in_vain + 1 if is_in_vain else 0)

    def is_due(self, wish: ViewWish, *, now: float, has_come: bool) -> bool:
        """Return whether to ask: at once for something else, later for a newer phase.

        ``has_come`` says whether what was asked for is on screen.
        """
        if self.wish is None or not self._is_of(wish):
            return True
        waited_s = now - self.t
        if not has_come:
            return waited_s >= min(PATIENCE_S * 2.0**self.n_in_vain, MOST_PATIENCE_S)
        return wish.rev != self.wish.rev and waited_s >= LEAST_BETWEEN_S[wish.what]

    def _is_of(self, wish: ViewWish) -> bool:
        before = self.wish
        return before is not None and (
            (before.what, before.ordinal, before.seq) == (wish.what, wish.ordinal, wish.seq)
        )
