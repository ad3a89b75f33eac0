"""Does the kernel report changes in this folder? Not where a server makes them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_SHARES = ("9p", "afs", "ceph", "cifs", "drvfs", "nfs", "smb", "vboxsf", "virtiofs")


def file_system_type(path: PurePosixPath, mounts: str) -> str:
    """Return the type of the file system that holds ``path``, or an empty text.

    Parameters
    ----------
    path
        Absolute, without links.
    mounts
        Content of ``/proc/mounts``; of two mounts on one point the later one counts.
    """
    best, depth = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = PurePosixPath(_unescaped(fields[1]))
        if path.is_relative_to(point) and len(point.parts) >= depth:
            best, depth = fields[2], len(point.parts)
    return best


def needs_polling(path: PurePosixPath, mounts: str) -> bool:
    """Return whether only repeated looks show what happens in ``path`` (NFS, SMB, FUSE)."""
    return file_system_type(path, mounts).startswith((*_SHARES, "fuse"))


def _unescaped(text: str) -> str:
    r"""Undo the kernel's octal escapes: a space in a mount point reads ``\040``."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
