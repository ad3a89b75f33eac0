"""The profile along a line: one quantity against the distance, and the edge in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.measured import QUANTITIES, Quantity, edge_text, values_of
from ltemlive.physics.edges import EdgeFit, NoEdge

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.measuring import Profile

_HINT = "Choose Profile (P) and draw a line on any map."
_MOST_WIDTH_NM = 1e6
_WIDTH_BOX_PX, _AXIS_WIDTH_PX = 128, 56
_TICK_DENSITY = 0.5


class ProfilePanel(QtWidgets.QWidget):
    """A plot below what it is of; it tells what the user wants, and decides nothing."""

    quantity_chosen = QtCore.Signal(object)
    """A ``Quantity``."""
    width_chosen = QtCore.Signal(float)
    """Across the line [nm]."""
    save_asked = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__()
        self.quantity = QtWidgets.QComboBox()
        self.quantity.addItems([each.name for each in QUANTITIES])
        self.quantity.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.width_nm = _width_box()
        self.save = QtWidgets.QPushButton("Save")
        self.save.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.save.setToolTip("Write this profile, in every quantity, as CSV")
        self.edge = theme.label("title")
        self.hint = theme.label("muted", _HINT)
        # Large text must not widen the window.
        ignored = QtWidgets.QSizePolicy.Policy.Ignored
        for label in (self.edge, self.hint):
            label.setSizePolicy(ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.plot = _empty_plot()
        self._curve = self.plot.plot(connect="finite")
        self._fitted = self.plot.plot()
        self._unit = QUANTITIES[0].unit
        self._label_style: dict[str, str] = {}
        self._lay_out()
        self.wear(theme.DARK)
        self.show_profile(None, QUANTITIES[0], None)
        self.quantity.currentIndexChanged.connect(
            lambda index: self.quantity_chosen.emit(QUANTITIES[index])
        )
        self.width_nm.valueChanged.connect(self.width_chosen)
        self.save.clicked.connect(lambda: self.save_asked.emit())

    def show_profile(
        self, profile: Profile | None, quantity: Quantity, edge: EdgeFit | NoEdge | None
    ) -> None:
        """Draw a quantity along the line and the edge fitted to it; None: nothing."""
        self.save.setEnabled(profile is not None)
        self.edge.setText(edge_text(edge))
        self.edge.setToolTip(edge_text(edge))
        self.edge.setVisible(profile is not None)
        self.hint.setVisible(profile is None)
        if quantity.unit != self._unit:
            self._unit = quantity.unit
            self.plot.setLabel("left", self._unit, **self._label_style)
        if profile is None:
            self._curve.clear()
        else:
            self._curve.setData(profile.distance_nm, values_of(profile, quantity))
        if profile is None or not isinstance(edge, EdgeFit):
            self._fitted.clear()
        else:
            self._fitted.setData(profile.distance_nm, edge.shape.at(profile.distance_nm))

    def wear(self, worn: theme.Theme) -> None:
        """Draw in the colours of a theme."""
        self.plot.setBackground(worn.card)
        self._curve.setPen(pg.mkPen(worn.accent, width=2))
        self._fitted.setPen(pg.mkPen(worn.warning))
        self._label_style = {
            "color": worn.muted,
            "font-size": f"{worn.px(theme.TEXT_PX)}px",
        }
        for name in ("bottom", "left"):
            self.plot.getAxis(name).setPen(worn.line)
            self.plot.getAxis(name).setTextPen(worn.muted)
        self.plot.setLabel("bottom", "distance (nm)", **self._label_style)
        self.plot.setLabel("left", self._unit, **self._label_style)
        self.plot.getAxis("left").setWidth(worn.px(_AXIS_WIDTH_PX))
        self.width_nm.setFixedWidth(worn.px(_WIDTH_BOX_PX))

    def _lay_out(self) -> None:
        controls = QtWidgets.QHBoxLayout()
        controls.setSpacing(theme.MARGIN_PX // 2)
        controls.addWidget(self.quantity)
        controls.addWidget(self.width_nm)
        controls.addSpacing(theme.MARGIN_PX // 2)
        # Both say something of the profile; there is never but one of them.
        controls.addWidget(self.edge, 1)
        controls.addWidget(self.hint, 1)
        controls.addWidget(self.save)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.MARGIN_PX // 2)
        layout.addLayout(controls)
        layout.addWidget(self.plot, 1)


def _width_box() -> QtWidgets.QDoubleSpinBox:
    box = QtWidgets.QDoubleSpinBox(decimals=1, maximum=_MOST_WIDTH_NM, suffix=" nm")
    box.setPrefix("width ")
    box.setToolTip("Across the line, over which the profile is averaged")
    box.setStepType(QtWidgets.QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    # Half a number must not be measured with; afterwards letters are shortcuts again.
    box.setKeyboardTracking(False)
    box.setFocusPolicy(QtCore.Qt.FocusPolicy.ClickFocus)
    box.editingFinished.connect(box.clearFocus)
    return box


def _empty_plot() -> pg.PlotWidget:
    plot = pg.PlotWidget(enableMenu=False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.15)
    for name in ("bottom", "left"):
        plot.getAxis(name).enableAutoSIPrefix(False)
    # The card is low: figures of the axis must not run into each other.
    plot.getAxis("left").setTickDensity(_TICK_DENSITY)
    plot.setMinimumHeight(80)
    return plot
