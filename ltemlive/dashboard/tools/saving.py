"""Ask for a place, and write a profile there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtWidgets

from ltemlive.errors import RecordingError
from ltemlive.formats.aside import written_aside

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.content import EstimateShown

_LONGEST_NAME = 60


def ask_path(parent: QtWidgets.QWidget, suggested: str) -> Path | None:
    """Return where the user wants a CSV file; None: nowhere."""
    dialog = QtWidgets.QFileDialog(parent, "Save the profile")
    dialog.setNameFilter("Comma-separated values (*.csv)")
    dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("csv")
    dialog.selectFile(suggested)
    is_accepted = bool(dialog.exec())
    chosen = dialog.selectedFiles()
    dialog.deleteLater()
    return Path(chosen[0]) if is_accepted and chosen else None


def suggested_name(estimate: EstimateShown) -> str:
    """Return the name of a file for a profile, of letters that any disk takes."""
    series = re.sub(r"[^\w-]+", "-", estimate.series).strip("-")[:_LONGEST_NAME]
    return f"{series or 'series'}-rev{estimate.rev}-profile.csv"


def saved_profile(path: Path, text: str) -> str:
    """Write a file whole or not at all, and return in words what became of it."""
    try:
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except RecordingError as error:
        return str(error)
    return f"saved as {path.name}"
