"""What the window itself has to say, and when that gives way. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from ltemlive.dashboard.shown.content import Notice

SAID_FOR_S = 8.0
"""How long the banner keeps what the window itself has to say."""


@dataclass(frozen=True, slots=True)
class OwnWords:
    """A sentence of the window's own."""

    notice: Notice
    t_silent: float
    """When it has been in the banner long enough."""

    def is_over(self, *, now: float) -> bool:
        """Return whether the banner is for others again."""
        return now >= self.t_silent


def own_words(text: str, level: str, *, now: float) -> OwnWords:
    """Return a sentence for the banner; what is no ``error`` is an ``info``."""
    notice = Notice(text, "error" if level == "error" else "info")
    return OwnWords(notice, now + SAID_FOR_S)


def foremost(told: Notice | None, own: OwnWords | None) -> Notice | None:
    """Return what the banner shows: an error that is told, own words, or what is told."""
    is_grave = told is not None and told.level == "error"
    return told if is_grave or own is None else own.notice
