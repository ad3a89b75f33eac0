"""Where what is taken home from the window goes, and the window itself as a picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from pathlib import Path

    from pyqtgraph.Qt import QtWidgets

    from ltemlive.dashboard.shown.estimates import EstimateShown

_MOST_BYTES = 120
"""Of the name of a series; a file system takes 255 in all."""


def save_picture(widget: QtWidgets.QWidget, path: Path) -> None:
    """Save what a widget shows as PNG, aside and renamed.

    Raises
    ------
    LtemLiveError
        If it cannot be written.
    """
    aside = path.with_name(f".{path.name}.part")
    if not widget.grab().save(str(aside), "PNG"):
        raise LtemLiveError(f"{path}: expected a place for a PNG, could not write it")
    aside.replace(path)


def free_path(folder: Path, estimate: EstimateShown | None, suffix: str = "") -> Path:
    """Return a path that is not there yet, named after what is shown.

    Raises
    ------
    OSError
        If the folder may not be looked into.
    """
    stem = "ltemlive"
    if estimate is not None:
        named = re.sub(r"[^\w.-]+", "_", estimate.series).encode()[:_MOST_BYTES]
        # A character that was cut in two is none.
        series = named.decode(errors="ignore").strip("_.")
        stem = f"ltemlive-{estimate.ordinal:04}-{series}-rev{estimate.rev}"
    path, count = folder / f"{stem}{suffix}", 1
    while path.exists():
        count += 1
        path = folder / f"{stem}-{count}{suffix}"
    return path
