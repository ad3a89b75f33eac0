"""Has this file stopped growing? The answer comes from what it looked like, and when.

A file is at rest when two looks at least ``settle_s`` apart saw the same size and the same
time of modification, and no look in between saw anything else. The clock is the caller's,
so a share whose clock is wrong does no harm: a modification time is compared with the one
before it, never with the present.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a look at a file shows without opening it."""

    size: int
    mtime_ns: int


class FileSettling:
    """Remember when each file last changed.

    Parameters
    ----------
    settle_s
        How long a file must look the same. With 0 the second look settles it.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._since: dict[str, tuple[FileStamp, float]] = {}
        # As a dict it keeps the order in which files were seen.
        self._growing: dict[str, None] = {}
        self._changed: set[str] = set()
        self.t_last_change = float("-inf")
        """When any file was last seen to be new or changed, on the caller's clock."""

    def observe(self, key: str, stamp: FileStamp, now: float) -> bool:
        """Note what a file looks like now, and return whether it has settled."""
        known = self._since.get(key)
        if known is None or known[0] != stamp:
            self._since[key] = (stamp, now)
            self._growing[key] = None
            self._changed.add(key)
            self.t_last_change = now
        elif key in self._growing and now - known[1] >= self._settle_s:
            del self._growing[key]
            self._changed.add(key)
        return key not in self._growing

    def has_settled(self, key: str) -> bool:
        """Return what the last look at ``key`` said; False for a file never seen."""
        return key in self._since and key not in self._growing

    def is_growing(self, key: str) -> bool:
        """Return whether a file is there and has not settled."""
        return key in self._growing

    def settled_stamp(self, key: str) -> FileStamp | None:
        """Return how a settled file looks, None while it is growing or unknown."""
        return self._since[key][0] if self.has_settled(key) else None

    def unsettled(self) -> tuple[str, ...]:
        """Return the files that may still be growing, in the order they were seen."""
        return tuple(self._growing)

    def take_changed(self) -> set[str]:
        """Return the files that came, changed or settled since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def forget_missing(self, present: Collection[str]) -> None:
        """Forget every file that is not in ``present``: it is new when it comes back."""
        for key in [key for key in self._since if key not in present]:
            del self._since[key]
            self._growing.pop(key, None)
            self._changed.discard(key)
