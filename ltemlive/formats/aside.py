"""Write a file whole or not at all: aside, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from ltemlive.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space of your quota there",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that you may write",
    errno.EPERM: "choose a folder that you may write",
    errno.ENOENT: "put the folder back or choose another",
    errno.EEXIST: "choose a folder, not a file",
    errno.ENOTDIR: "choose a folder, not a file",
    errno.EIO: "check the disk or the network share",
    errno.ESTALE: "mount the network share again",
}


def disk_error(path: Path, error: OSError) -> RecordingError:
    """Return the one line that says which file the disk refused, why, and what to do."""
    # NumPy says so, and no number, where a disk took the beginning of an array.
    is_short = error.errno is None and "requested and" in str(error)
    number = errno.ENOSPC if is_short else error.errno
    reason = os.strerror(errno.ENOSPC) if is_short else error.strerror or str(error)
    remedy = _REMEDIES.get(number or 0, "check that the disk can be written")
    return RecordingError(f"{path}: cannot be written ({reason}); {remedy}")


@contextlib.contextmanager
def written_aside(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield the name to write to; ``path`` appears complete when the block ends well.

    The name aside starts with a dot and ends in ``.part``, so folder watchers pass it by.
    If the block fails nothing is left behind and an older ``path`` stays as it was.

    Parameters
    ----------
    path
        The file to make or replace.
    durable
        Whether file and folder must be on the disk (fsync) when the block ends.

    Raises
    ------
    RecordingError
        If the disk refuses; the line names file, reason and remedy.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        yield aside
        if durable:
            sync(aside)
        aside.replace(path)
        if durable:
            sync(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        # After the rename there is nothing to remove; a disk that refuses cannot be helped.
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Return when the disk holds the content of a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
