"""Phase, gradient and induction of one estimate, with linked views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.induction_panel import InductionPanel
from ltemlive.dashboard.panels.phase_panel import PhasePanel
from ltemlive.dashboard.panels.second_panel import SecondPanel
from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.look import Look

if TYPE_CHECKING:
    from ltemlive.dashboard.panels.map_panel import MapPanel
    from ltemlive.dashboard.shown.estimates import EstimateShown


class LivePage(QtWidgets.QWidget):
    """Three maps; ``pointed`` tells where the pointer is, in words."""

    pointed = QtCore.Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.phase = PhasePanel()
        self.second = SecondPanel()
        self.induction = InductionPanel()
        self.panels = (self.phase, self.second, self.induction)
        self._estimate: EstimateShown | None = None
        self._look = Look()
        self._point_nm: tuple[float, float] | None = None
        for panel in self.panels:
            panel.hovered.connect(self._show_point)
        for panel in self.panels[1:]:
            panel.view.setXLink(self.phase.view)
            panel.view.setYLink(self.phase.view)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.MARGIN_PX)
        for panel in self.panels:
            layout.addWidget(panel, 1)

    @property
    def levelled(self) -> tuple[MapPanel, ...]:
        """The maps whose levels can be dragged."""
        return (self.phase, self.second)

    def show_estimate(self, estimate: EstimateShown | None) -> None:
        """Draw an estimate, once; None: nothing is known of these maps."""
        if estimate is self._estimate:
            return
        self._estimate = estimate
        if estimate is None:
            for panel in self.panels:
                panel.clear()
            self._show_point(self._point_nm)
            return
        self.phase.show_estimate(estimate)
        self.second.show_estimate(estimate)
        self.induction.show_estimate(estimate)
        # A pointer that rests is on other values now.
        self._show_point(self._point_nm)

    def fit(self) -> None:
        """Show the whole maps."""
        for panel in self.panels:
            panel.fit()

    def wear(self, worn: theme.Theme) -> None:
        """Draw every map in the colours of a theme."""
        for panel in self.panels:
            panel.wear(worn)

    def show_look(self, look: Look) -> None:
        """Look as the user wants it."""
        self._look = look
        for panel in self.panels:
            panel.show_look(look)
        self._show_point(self._point_nm)

    def _show_point(self, point_nm: tuple[float, float] | None) -> None:
        self._point_nm = point_nm
        reading = None
        if point_nm is not None and self._estimate is not None:
            y_nm, x_nm = point_nm
            reading = wording.read_out(
                self._estimate, y_nm=y_nm, x_nm=x_nm, thickness_nm=self._look.thickness_nm
            )
        reading = reading or wording.ReadOut("", "", "")
        self.phase.read_out.setText(reading.phase)
        self.second.read_out.setText(self.second.reading(point_nm))
        self.induction.read_out.setText(reading.induction)
        self.pointed.emit(reading.position)
