"""The list of keys over the window: what can be done, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.commands import GROUP_TITLES, MOUSE, in_group, key_text
from ltemlive.dashboard.shown.look import LOOK_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltemlive.dashboard.shown.commands import Command, Group

_LEFT: tuple[Group, ...] = ("page", "view", "file", "help")


class KeyHelp(QtWidgets.QFrame):
    """A card in the middle of its parent; a click on it closes it."""

    closed = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(*[2 * theme.PADDING_PX] * 4)
        layout.setSpacing(4 * theme.PADDING_PX)
        right = [group for group in GROUP_TITLES if group not in _LEFT]
        for groups in (_LEFT, tuple(right)):
            column = QtWidgets.QGridLayout()
            column.setHorizontalSpacing(theme.PADDING_PX)
            column.setVerticalSpacing(4)
            for group in groups:
                _add_group(column, group)
            if groups is not _LEFT:
                looks = [(each.keys[0], each.does) for each in LOOK_KEYS]
                _add_rows(column, "Look", looks)
            else:
                _add_rows(column, "Mouse", MOUSE)
            column.setRowStretch(column.rowCount(), 1)
            layout.addLayout(column)
        layout.setSizeConstraint(QtWidgets.QLayout.SizeConstraint.SetFixedSize)
        self.hide()

    def show_over(self, is_wanted: bool) -> None:
        """Appear in the middle of the parent, or disappear."""
        if is_wanted:
            self.adjustSize()
            parent = self.parentWidget()
            self.move(parent.rect().center() - self.rect().center())
            self.raise_()
        self.setVisible(is_wanted)

    def mousePressEvent(self, _event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Close."""
        self.closed.emit()


def _add_group(column: QtWidgets.QGridLayout, group: Group) -> None:
    told = [
        (key_text(command), _told(command)) for command in in_group(group) if command.keys
    ]
    _add_rows(column, GROUP_TITLES[group], told)


def _told(command: Command) -> str:
    is_named = command.text != key_text(command)
    return f"{command.text}: {command.tip}" if is_named else command.tip


def _add_rows(
    column: QtWidgets.QGridLayout, title: str, told: Sequence[tuple[str, str]]
) -> None:
    """Add a heading and a line for each key."""
    if not told:
        return
    row = column.rowCount()
    column.setRowMinimumHeight(row, 2 * theme.PADDING_PX)
    column.addWidget(theme.label("title", title), row, 0, 1, 2)
    for place, (keys, text) in enumerate(told, row + 1):
        column.addWidget(theme.label("muted", keys), place, 0)
        column.addWidget(theme.label("plain", text), place, 1)
