"""What the user chose of the window, kept from one time to the next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore

from ltemlive.dashboard.shown.look import as_document, from_document

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.dashboard.window import DashboardWindow


def kept_choices(path: Path | None = None) -> QtCore.QSettings:
    """Return where choices are kept: a file of the user, or another one."""
    kind = QtCore.QSettings.Format.IniFormat
    if path is not None:
        return QtCore.QSettings(str(path), kind)
    scope = QtCore.QSettings.Scope.UserScope
    return QtCore.QSettings(kind, scope, "ltemlive", "dashboard")


def restore(window: DashboardWindow, kept: QtCore.QSettings) -> None:
    """Lay the window out as it was left; what cannot be read is as at first."""
    window.set_look(from_document(_document(kept.value("look"))))
    geometry = kept.value("geometry")
    if isinstance(geometry, QtCore.QByteArray):
        window.restoreGeometry(geometry)
    for name, splitter in window.face.named_splitters.items():
        state = kept.value(f"splitters/{name}")
        if isinstance(state, QtCore.QByteArray):
            splitter.restoreState(state)


def keep(window: DashboardWindow, kept: QtCore.QSettings) -> None:
    """Write down how the window is laid out; a disk that refuses costs only that."""
    kept.setValue("look", json.dumps(as_document(window.look)))
    kept.setValue("geometry", window.saveGeometry())
    for name, splitter in window.face.named_splitters.items():
        kept.setValue(f"splitters/{name}", splitter.saveState())
    kept.sync()


def _document(text: object) -> object:
    try:
        return json.loads(str(text))
    # Brackets without end are too deep for the reader.
    except (ValueError, RecursionError):
        return None
