"""The keys by which the user changes the look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtGui

from ltemlive.dashboard.shown.look import LOOK_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqtgraph.Qt import QtWidgets

    from ltemlive.dashboard.shown.look import KeyedChoice, Look


def bind_look_keys(
    window: QtWidgets.QWidget, *, look: Callable[[], Look], set_look: Callable[[Look], None]
) -> None:
    """Let the keys of ``LOOK_KEYS`` change the look wherever in the window one is."""
    for choice in LOOK_KEYS:
        shortcut = QtGui.QShortcut(window)
        shortcut.setKeys([QtGui.QKeySequence(key) for key in choice.keys])
        shortcut.activated.connect(_changes(choice, look, set_look))


def _changes(
    choice: KeyedChoice, look: Callable[[], Look], set_look: Callable[[Look], None]
) -> Callable[[], None]:
    return lambda: set_look(choice.changed(look()))
