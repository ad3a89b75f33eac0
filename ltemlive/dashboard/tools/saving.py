"""Ask for a place, and write a profile there."""

from __future__ import annotations

from pathlib import Path

from pyqtgraph.Qt import QtWidgets

from ltemlive.formats.aside import written_aside


def ask_path(parent: QtWidgets.QWidget, suggested: Path) -> Path | None:
    """Return where the user wants a CSV file; None: nowhere."""
    dialog = QtWidgets.QFileDialog(parent, "Save the profile")
    dialog.setNameFilter("Comma-separated values (*.csv)")
    dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("csv")
    dialog.selectFile(str(suggested.absolute()))
    is_accepted = bool(dialog.exec())
    chosen = dialog.selectedFiles()
    dialog.deleteLater()
    return Path(chosen[0]) if is_accepted and chosen else None


def save_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; RecordingError where the disk refuses."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
