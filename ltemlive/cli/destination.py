"""The folder that ``--out`` names: made, and known to be writable, before the work."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from ltemlive.formats.aside import disk_error

if TYPE_CHECKING:
    from pathlib import Path


def make_destination(out: Path) -> None:
    """Make the folder if it is missing: nobody should learn after the solve that it fails.

    Raises
    ------
    ConfigError
        If it cannot be made or written, or is a file.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigError(f"--out {disk_error(out, error)}") from error
