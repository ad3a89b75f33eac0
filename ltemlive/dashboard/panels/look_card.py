"""The card on which the user chooses how the window looks, behind a button."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.look import CHOICES, RANGES, Look
from ltemlive.dashboard.shown.look_words import OFFERS, UNITS, WHERE_ZERO, choice_text

_GAP_PX = 4


class LookButton(QtWidgets.QToolButton):
    """Opens the card; ``chosen`` tells the look that the user has chosen there."""

    chosen = QtCore.Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setText("Look")
        self.setToolTip("Colours, levels, contours, axes and size of text")
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.card = LookCard(self)
        self.card.chosen.connect(self.chosen)
        self.clicked.connect(self._open)

    def show_look(self, look: Look) -> None:
        """Show on the card what is chosen now."""
        self.card.show_look(look)

    def _open(self) -> None:
        self.card.adjustSize()
        beneath = QtCore.QPoint(self.width() - self.card.width(), self.height() + _GAP_PX)
        self.card.move(self.mapToGlobal(beneath))
        self.card.show()


class LookCard(QtWidgets.QFrame):
    """One line for each choice, with the key that changes it, too."""

    chosen = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent, QtCore.Qt.WindowType.Popup)
        self.setProperty("role", "card")
        self._look = Look()
        self.controls: dict[str, QtWidgets.QWidget] = {}
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(*[theme.PADDING_PX] * 4)
        layout.setHorizontalSpacing(theme.PADDING_PX)
        layout.setVerticalSpacing(theme.MARGIN_PX // 2)
        for row, offer in enumerate(OFFERS):
            control = self.controls[offer.name] = self._control(offer.name)
            control.setAccessibleName(offer.title)
            layout.addWidget(theme.label("muted", offer.title), row, 0)
            layout.addWidget(control, row, 1)
            layout.addWidget(theme.label("muted", offer.keys), row, 2)
        self.show_look(self._look)

    def show_look(self, look: Look) -> None:
        """Show what is chosen now; that is no choice of the user."""
        self._look = look
        for name, control in self.controls.items():
            value = getattr(look, name)
            with QtCore.QSignalBlocker(control):
                if isinstance(control, QtWidgets.QComboBox):
                    control.setCurrentIndex(CHOICES[name].index(value))
                elif isinstance(control, QtWidgets.QCheckBox):
                    control.setChecked(value)
                elif isinstance(control, QtWidgets.QDoubleSpinBox):
                    control.setValue(value)

    def _control(self, name: str) -> QtWidgets.QWidget:
        choose = partial(self._choose, name)
        if name in RANGES:
            return _number(name, choose)
        choices = CHOICES[name]
        if isinstance(choices[0], bool):
            switch = QtWidgets.QCheckBox("shown")
            switch.toggled.connect(choose)
            return switch
        box = QtWidgets.QComboBox()
        box.addItems([choice_text(name, each) for each in choices])
        box.currentIndexChanged.connect(lambda place: choose(choices[place]))
        return box

    def _choose(self, name: str, value: Any) -> None:
        self._look = replace(self._look, **{name: value})
        self.chosen.emit(self._look)


def _number(name: str, choose: partial[None]) -> QtWidgets.QDoubleSpinBox:
    box = QtWidgets.QDoubleSpinBox()
    box.setRange(*RANGES[name])
    box.setDecimals(1)
    box.setSuffix(UNITS[name])
    box.setSpecialValueText(WHERE_ZERO[name])
    box.setStepType(QtWidgets.QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    # Half a number is not what was meant.
    box.setKeyboardTracking(False)
    box.valueChanged.connect(choose)
    return box
