"""Ask for a place, and write a profile there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.formats.aside import written_aside

if TYPE_CHECKING:
    from collections.abc import Callable


def ask_path(
    parent: QtWidgets.QWidget, suggested: Path, take: Callable[[Path], None]
) -> None:
    """Ask where a CSV file is to go; ``take`` is given the place, if there is one.

    The dialog stands beside a window that goes on: what is live is never kept waiting.
    """
    dialog = QtWidgets.QFileDialog(parent, "Save the profile")
    dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setNameFilter("Comma-separated values (*.csv)")
    dialog.setAcceptMode(QtWidgets.QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("csv")
    dialog.selectFile(str(suggested.absolute()))
    dialog.fileSelected.connect(lambda chosen: take(Path(chosen)))
    dialog.setModal(False)
    dialog.show()


def save_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; RecordingError where the disk refuses."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
