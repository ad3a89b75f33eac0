"""The journal and what it says, changed together or not at all.

A burst of frames is one group. Its lines wait until the disk has the files that they speak
of, and then share one fsync; where the disk refuses, journal and ledger are as they were
before the group. So no line, and nobody, ever says that something is on the disk which is
not.
"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

from ltemlive.errors import RecordingError
from ltemlive.recording.folding import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.recording.journal import Journal
    from ltemlive.recording.ledger import Ledger


class Books:
    """Safe for several threads; a group of one thread keeps the others waiting.

    Parameters
    ----------
    before_sync
        Called at the end of each group, before its lines are on the disk: what they speak
        of must be there first.
    undone
        Called where a group came to nothing.
    """

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        *,
        before_sync: Callable[[], None],
        undone: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._before_sync = before_sync
        self._undone = undone
        self._lock = threading.RLock()
        self._is_grouped = False
        self._must_sync = False
        self._lines: list[str] = []
        self._is_open = True

    @property
    def ledger(self) -> Ledger:
        """What is recorded; within a group, as it will be."""
        with self._lock:
            return self._ledger

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make a group of what the block records; a group within a group is a part of it.

        Raises
        ------
        RecordingError
            If the disk refuses at the end; nothing of the group is recorded then, nor
            where the block itself raises.
        """
        with self._lock:
            if self._is_grouped:
                yield
                return
            ledger = self._ledger
            self._is_grouped = True
            try:
                yield
                self._before_sync()
                self._journal.append(self._lines, durable=self._must_sync)
            except BaseException:
                self._ledger = ledger
                self._undone()
                raise
            finally:
                self._lines.clear()
                self._is_grouped = self._must_sync = False

    def append(self, kind: str, *, durable: bool = True, **values: Any) -> None:
        """Write one entry.

        A durable one, and all before it, is on the disk when its group ends, which is at
        once where there is none.

        Raises
        ------
        RecordingError
            If the disk refuses, or the books are closed.
        """
        with self.together():
            if not self._is_open:
                raise RecordingError(
                    f"{self._journal.path}: expected an open session, got a closed one"
                )
            line = self._journal.line(kind, **values)
            self._ledger = folded(self._ledger, json.loads(line))
            self._lines.append(line)
            self._must_sync |= durable

    def close(self) -> None:
        """Let the journal go; harmless if repeated."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._journal.close()

    @property
    def is_open(self) -> bool:
        """Whether anything can be recorded."""
        return self._is_open
