"""The append-only journal of a session: one JSON object per line.

A line counts when its newline is in the file. What a crash left behind the last newline is
torn: readers pass over it, and the next writer cuts it off. A write that the disk refuses
is taken back, so that the next one does not continue half a line.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

from ltemlive.errors import RecordingError
from ltemlive.formats.aside import disk_error, sync
from ltemlive.recording.plain import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

JOURNAL_FILE = "journal.jsonl"


class Journal:
    """Append entries; each holds its time ``t``, its ``kind`` and its values.

    Opening a journal cuts off a torn last line and locks the file against a second writer
    until ``close``. Not safe for several threads.

    Raises
    ------
    RecordingError
        If the disk refuses, somebody else writes it, or a line that is not the last is
        damaged.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float]) -> None:
        self.path = path
        self._clock = clock
        self._has_failed = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise disk_error(path, error) from error
        try:
            if not _lock(self._file):
                raise RecordingError(
                    f"{path}: another ltemlive writes it; stop that one or choose another "
                    "session.root"
                )
            _, self._length = _whole_entries(path)
            os.ftruncate(self._file, self._length)
            sync(path.parent)
        except OSError as error:
            os.close(self._file)
            raise disk_error(path, error) from error
        except RecordingError:
            os.close(self._file)
            raise

    def line(self, kind: str, **values: Any) -> str:
        """Return the line of an entry, for ``append``.

        Parameters
        ----------
        kind
            What happened.
        **values
            What JSON can hold; a ``t`` among them replaces the clock's.
        """
        return json_text({"t": self._clock(), "kind": kind, **values})

    def append(self, lines: Iterable[str], *, durable: bool) -> None:
        """Write entries, all or none.

        Parameters
        ----------
        durable
            Whether the disk must hold them, and all before them, on return.

        Raises
        ------
        RecordingError
            If the disk refuses, or the file is not where it was: removed, or on a share
            that is gone. The journal is then as before.
        """
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        try:
            self._cut_off_what_failed()
            self._has_failed = True
            self._write(data)
            if durable:
                os.fsync(self._file)
                self._check_is_there()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._cut_off_what_failed()
            raise disk_error(self.path, error) from error
        self._has_failed = False
        self._length += len(data)

    def _cut_off_what_failed(self) -> None:
        """Take back what a write that failed has left; nothing may be written behind it."""
        if self._has_failed:
            os.ftruncate(self._file, self._length)
            self._has_failed = False

    def close(self) -> None:
        """Let the file go; nothing can be appended afterwards."""
        with contextlib.suppress(OSError):
            self._cut_off_what_failed()
        os.close(self._file)

    def _check_is_there(self) -> None:
        """Raise OSError where whoever looks for the file would not find it."""
        if not os.path.samestat(self.path.stat(), os.fstat(self._file)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _write(self, data: bytes) -> None:
        """Write all of ``data``; a disk that is nearly full takes a part of it first."""
        while data:
            data = data[os.write(self._file, data) :]


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a journal, oldest first, without a torn last line.

    Raises
    ------
    RecordingError
        If the file cannot be read, or a line that is not the last is damaged.
    """
    entries, _ = _whole_entries(path)
    return entries


def in_use(path: Path) -> bool:
    """Return whether somebody has the journal open for writing; False if it is missing."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(file)
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    """Take the lock that lasts until ``file`` is closed; False if somebody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network shares have no locks; there, two writers stay the user's mistake.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _whole_entries(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the entries and how many bytes of the file they take."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        reason = error.strerror or error
        raise RecordingError(
            f"{path}: expected a readable journal, got: {reason}"
        ) from error
    entries: list[dict[str, Any]] = []
    length = 0
    for number, line in enumerate(lines, start=1):
        entry = _entry(line)
        if entry is None and number == len(lines):
            break
        if entry is None:
            raise RecordingError(
                f"{path}: line {number}: expected a journal entry in JSON, got a damaged "
                "one; restore the file from a copy or remove that line"
            )
        entries.append(entry)
        length += len(line)
    return entries, length


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_entry = isinstance(entry, dict) and isinstance(entry.get("kind"), str)
    return entry if is_entry else None
