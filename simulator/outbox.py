"""What has been sent and not yet answered, and when to send it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ltemlive.wire.messages import AnsweredType

Key: TypeAlias = "tuple[AnsweredType, int | None]"
"""Type of a message, and the seq of a frame."""


@dataclass(slots=True)
class _Pending:
    parts: list[bytes]
    t_first: float | None = None
    t_last: float | None = None


class Outbox:
    """Messages kept until they are answered, oldest first; at most a window of them.

    Parameters
    ----------
    window
        Messages that may be unanswered.
    resend_s
        A message that is not answered within this time is due again.
    """

    def __init__(self, *, window: int = 8, resend_s: float = 1.0) -> None:
        self._window = window
        self._credit = window
        self._resend_s = resend_s
        self._pending: dict[Key, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def is_full(self) -> bool:
        """Whether an answer must come before the next message."""
        return len(self._pending) >= self._credit

    def put(self, key: Key, parts: list[bytes]) -> None:
        """Keep a message; it is due at once."""
        self._pending[key] = _Pending(parts)

    def put_first(self, key: Key, parts: list[bytes]) -> None:
        """Keep a message that must go out before all others; it is due at once."""
        self._pending.pop(key, None)
        self._pending = {key: _Pending(parts), **self._pending}

    def due(self, now: float) -> list[tuple[Key, list[bytes]]]:
        """Return what was never sent, or too long ago, oldest first."""
        return [
            (key, pending.parts)
            for key, pending in self._pending.items()
            if pending.t_last is None or now - pending.t_last >= self._resend_s
        ]

    def sent(self, key: Key, now: float) -> None:
        """Note that a message went out."""
        pending = self._pending[key]
        pending.t_last = now
        if pending.t_first is None:
            pending.t_first = now

    def lost_connection(self) -> None:
        """Make everything due again: what was on its way may not have arrived."""
        for pending in self._pending.values():
            pending.t_last = None

    def answered(self, key: Key, now: float, *, credit: int) -> float | None:
        """Forget a message; return the seconds since it first went out.

        None where it was answered before: what was sent twice is answered twice.
        """
        self._credit = max(1, min(self._window, credit))
        pending = self._pending.pop(key, None)
        if pending is None or pending.t_first is None:
            return None
        return now - pending.t_first
