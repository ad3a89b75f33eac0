"""When to ask the daemon for a view again. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_BETWEEN_S = {"frame": 1.0, "tie": 10.0}
"""Between two views of the same while its phase changes ten times a second: a frame takes a
tenth of a second to predict, transport of intensity most of one."""
PATIENCE_S = 5.0
"""After which to ask again: another window may have asked for something else meanwhile."""


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

    def is_due(self, wish: ViewWish, *, now: float, has_come: bool) -> bool:
        """Return whether to ask: at once for something else, later for a newer phase.

        ``has_come`` says whether what was asked for is on screen.
        """
        before = self.wish
        if before is None:
            return True
        if (wish.what, wish.ordinal, wish.seq) != (before.what, before.ordinal, before.seq):
            return True
        waited_s = now - self.t
        if not has_come:
            return waited_s >= PATIENCE_S
        return wish.rev != before.rev and waited_s >= LEAST_BETWEEN_S[wish.what]
