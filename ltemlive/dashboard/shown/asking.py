"""When to ask the daemon for a view again. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_BETWEEN_S = 1.0
"""Between two views of the same frame while its phase changes ten times a second."""


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

    def is_due(self, wish: ViewWish, *, now: float) -> bool:
        """Return whether to ask: at once for something else, later for a newer phase."""
        if self.wish is None:
            return True
        is_other = (wish.what, wish.ordinal, wish.seq) != (
            self.wish.what,
            self.wish.ordinal,
            self.wish.seq,
        )
        is_newer = wish.rev != self.wish.rev and now - self.t >= LEAST_BETWEEN_S
        return is_other or is_newer
