"""Which tools there are, and the keys that go with what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

if TYPE_CHECKING:
    from collections.abc import Callable

Tool: TypeAlias = Literal["profile", "ruler", "region"]
TOOLS: tuple[Tool, ...] = get_args(Tool)


def bind(
    key: QtCore.Qt.Key, window: QtWidgets.QWidget, action: Callable[[], None]
) -> QtGui.QShortcut:
    """Return a shortcut of a window that does something."""
    shortcut = QtGui.QShortcut(QtGui.QKeySequence(key), window)
    shortcut.activated.connect(action)
    return shortcut
