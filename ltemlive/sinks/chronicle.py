"""What the daemon has told since it was started, numbered, for clients that came late."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    FrameStored,
    SeriesEnded,
    SeriesStarted,
)
from ltemlive.wire.fields import one_line
from ltemlive.wire.jsontext import dump_object
from ltemlive.wire.limits import MAX_HEADER_BYTES

if TYPE_CHECKING:
    from ltemlive.sinks.bulletin import Fact

KEPT = 2000
"""Entries; the oldest is forgotten."""
LISTED = 500
"""Entries in one answer at most."""

_MAX_BYTES = MAX_HEADER_BYTES - 1024
"""JSON of the entries in one answer; the rest is for what stands around them."""
_TEXT_CHARACTERS = 500
_PATH_CHARACTERS = 4096


class Chronicle:
    """Entries are numbered from 1 and never again; for one thread."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT)
        self._newest = 0

    def note(self, fact: Fact, t: float) -> None:
        """Write down a fact that is told at ``t``, seconds since 1970."""
        self._newest += 1
        entry = {"n": self._newest, "t": t, **_described(fact)}
        # Its length is taken once, not whenever somebody asks.
        nbytes = len(dump_object(entry, where="event")) + 1
        self._entries.append((nbytes, entry))

    def after(self, n: int) -> dict[str, Any]:
        """Return the entries after number ``n``, oldest first, as values of an answer.

        As many as one message holds; ``more`` says that there are others after them.
        ``first`` and ``newest`` are the numbers that can be had; without any entry
        ``newest`` is 0.
        """
        first = self._newest - len(self._entries) + 1
        waiting = islice(self._entries, max(n + 1 - first, 0), None)
        events: list[dict[str, Any]] = []
        left = _MAX_BYTES
        for nbytes, entry in islice(waiting, LISTED):
            left -= nbytes
            if left < 0:
                break
            events.append(entry)
        last = events[-1]["n"] if events else self._newest
        return {
            "events": events,
            "first": first,
            "newest": self._newest,
            "more": last < self._newest,
        }


def _described(fact: Fact) -> dict[str, Any]:
    match fact:
        case AdviceGiven():
            text = one_line(fact.text, most=_TEXT_CHARACTERS)
            return _of("advice", fact.ordinal, level=fact.level, text=text)
        case FrameStored():
            return _of(
                "stored",
                fact.ordinal,
                series=fact.series,
                seq=fact.seq,
                defocus_nm=fact.defocus_nm,
            )
        case FrameRejected():
            frame, reason = (
                one_line(text, most=_TEXT_CHARACTERS) for text in (fact.frame, fact.reason)
            )
            return _of(
                "rejected", fact.ordinal, series=fact.series, frame=frame, reason=reason
            )
        case SeriesStarted():
            return _of(
                "series_started",
                fact.ordinal,
                series=fact.series,
                n_expected=fact.n_expected,
            )
        case SeriesEnded():
            folder = one_line(fact.folder, most=_PATH_CHARACTERS)
            return _of(
                "series_ended",
                fact.ordinal,
                series=fact.series,
                exit_status=fact.exit_status,
                folder=folder,
            )
        case _:
            return _of(
                "final",
                fact.ordinal,
                series=fact.series,
                rev=fact.rev,
                steps=fact.steps,
                n_used=len(fact.seqs_used),
                n_aside=len(fact.set_aside),
            )


def _of(kind: str, ordinal: int | None, **values: Any) -> dict[str, Any]:
    return {"kind": kind, "ordinal": ordinal, **values}
