"""The commands of the window as Qt's actions, with buttons for them."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.commands import COMMANDS, Command, Group, in_group

_BUTTON_GROUPS: tuple[Group, ...] = ("page", "view", "tool", "series", "file", "help")
_GAP_PX = 14


class Actions(QtCore.QObject):
    """One action for each command; ``actions["freeze"].trigger()`` does as its key does.

    Parameters
    ----------
    window
        Where the keys count.
    """

    def __init__(self, window: QtWidgets.QWidget) -> None:
        super().__init__(window)
        self._actions = {each.name: _action(each, window) for each in COMMANDS}
        pages = QtGui.QActionGroup(self)
        for command in in_group("page"):
            pages.addAction(self[command.name])

    def __getitem__(self, name: str) -> QtGui.QAction:
        return self._actions[name]


class Toolbar(QtWidgets.QWidget):
    """Buttons for the commands that have one, group by group, and one for the look."""

    def __init__(self, actions: Actions, look: QtWidgets.QWidget) -> None:
        super().__init__()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.MARGIN_PX // 2)
        for group in _BUTTON_GROUPS:
            commands = [each for each in in_group(group) if each.has_button]
            if not commands:
                continue
            if group == "series":
                layout.addWidget(look)
                layout.addStretch()
            for command in commands:
                layout.addWidget(_button(actions[command.name]))
            layout.addSpacing(_GAP_PX)


def _action(command: Command, window: QtWidgets.QWidget) -> QtGui.QAction:
    action = QtGui.QAction(command.text, window)
    action.setCheckable(command.is_toggle)
    action.setShortcuts([QtGui.QKeySequence(key) for key in command.keys])
    told = f" ({command.keys[0]})" if command.keys else ""
    action.setToolTip(command.tip[0].upper() + command.tip[1:] + told)
    window.addAction(action)
    return action


def _button(action: QtGui.QAction) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    button.setDefaultAction(action)
    button.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
    return button
