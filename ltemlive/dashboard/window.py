"""The live window. It draws a snapshot and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.frame_table import FrameTable
from ltemlive.dashboard.panels.header import Banner, Header
from ltemlive.dashboard.panels.induction_panel import InductionPanel
from ltemlive.dashboard.panels.look_keys import bind_look_keys
from ltemlive.dashboard.panels.map_panel import MapPanel
from ltemlive.dashboard.panels.objective_panel import ObjectivePlot
from ltemlive.dashboard.panels.status_strip import StatusStrip
from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.look import Look
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, banner, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.dashboard.shown.content import EstimateShown

REDRAWS_PER_S = 15

_GRADIENT_UNIT = 1e3
"""The window shows mrad/nm; rad/nm would need too many zeros."""
_LOWER_ROW_PX = 212
_USUAL_SIZE_PX = (1366, 740)


class DashboardWindow(QtWidgets.QMainWindow):
    """Phase, gradient and induction of the newest estimate, and how it came about.

    ``accept`` only keeps the newest snapshot; a timer draws it at a fixed rate, and only
    what changed. ``taken`` tells the listener that it may hand over another one.

    Parameters
    ----------
    clock
        The clock by which the snapshots' ``t_heartbeat`` was read.
    """

    taken = QtCore.Signal()

    def __init__(self, *, clock: Callable[[], float]) -> None:
        super().__init__()
        # Rows of an array run down the screen, as everywhere in ltemlive.
        pg.setConfigOptions(imageAxisOrder="row-major")
        self._clock = clock
        self._newest = DisplaySnapshot()
        self._drawn: DisplaySnapshot | None = None
        self._estimate: EstimateShown | None = None
        self.header = Header()
        self.banner = Banner()
        self.phase = MapPanel("Phase", "rad", colour_map="viridis")
        self.gradient = MapPanel("Phase gradient", "mrad/nm", colour_map="cividis")
        self.induction = InductionPanel()
        self.panels = (self.phase, self.gradient, self.induction)
        self.frames = FrameTable()
        self.objective = ObjectivePlot()
        self.strip = StatusStrip()
        self._look = Look()
        self._dressed = (self.header, *self.panels, self.frames, self.objective)
        self._lay_out()
        self._connect()
        self._dress(theme.theme_of(self._look))
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.redraw)
        self._timer.start(1000 // REDRAWS_PER_S)

    @property
    def drawn(self) -> DisplaySnapshot | None:
        """The snapshot that is on screen."""
        return self._drawn

    @property
    def look(self) -> Look:
        """What the user has chosen of how things look."""
        return self._look

    def set_look(self, look: Look) -> None:
        """Look like this from now on."""
        worn, before = theme.theme_of(look), theme.theme_of(self._look)
        self._look = look
        if worn != before:
            self.wear(worn)

    def wear(self, worn: theme.Theme) -> None:
        """Dress the whole application in a theme."""
        application = cast("QtWidgets.QApplication", QtWidgets.QApplication.instance())
        theme.apply_theme(application, worn)
        self._dress(worn)

    def accept(self, snapshot: DisplaySnapshot) -> None:
        """Keep a snapshot for the next redraw."""
        self._newest = snapshot

    def redraw(self) -> None:
        """Draw the newest snapshot where it differs from the one on screen."""
        snapshot = self._newest
        # Ages grow without any message; labels repaint only where their text changes.
        self.header.show_snapshot(snapshot, now=self._clock())
        if snapshot is self._drawn:
            return
        self._drawn = snapshot
        self.banner.show_notice(banner(snapshot))
        self.strip.show_snapshot(snapshot)
        self.frames.show_rows(snapshot.frames, fits(snapshot))
        if not self.header.freeze.isChecked():
            self._show_estimate(snapshot)
        self.taken.emit()

    def _show_estimate(self, snapshot: DisplaySnapshot) -> None:
        estimate = snapshot.estimate
        if estimate is self._estimate:
            return
        self._estimate = estimate
        self.objective.show_curve(snapshot.curve)
        if estimate is None:
            # Another session has begun: its daemon knows nothing of these maps.
            for panel in self.panels:
                panel.image.clear()
            return
        self.phase.show_map(
            estimate.phase_rad,
            pixel_nm=estimate.pixel_nm,
            levels=estimate.phase_levels_rad,
        )
        low, high = estimate.gradient_levels_rad_per_nm
        self.gradient.show_map(
            estimate.gradient_rad_per_nm * _GRADIENT_UNIT,
            pixel_nm=estimate.pixel_nm,
            levels=(low * _GRADIENT_UNIT, high * _GRADIENT_UNIT),
        )
        self.induction.show_estimate(estimate)

    def _show_point(self, point_nm: tuple[float, float] | None) -> None:
        reading = None
        if point_nm is not None and self._estimate is not None:
            y_nm, x_nm = point_nm
            reading = wording.read_out(self._estimate, y_nm=y_nm, x_nm=x_nm)
        reading = reading or wording.ReadOut("", "", "", "")
        self.strip.position.setText(reading.position)
        self.phase.read_out.setText(reading.phase)
        self.gradient.read_out.setText(reading.gradient)
        self.induction.read_out.setText(reading.induction)

    def _lock_levels(self, is_locked: bool) -> None:
        for panel in (self.phase, self.gradient):
            panel.follows_data = not is_locked

    def _thaw(self, is_frozen: bool) -> None:
        if not is_frozen:
            self._show_estimate(self._newest)

    def _fit(self) -> None:
        for panel in self.panels:
            panel.fit()

    def _dress(self, worn: theme.Theme) -> None:
        for part in self._dressed:
            part.wear(worn)

    def _connect(self) -> None:
        bind_look_keys(self, look=lambda: self._look, set_look=self.set_look)
        self.header.freeze.toggled.connect(self._thaw)
        self.header.lock.toggled.connect(self._lock_levels)
        for panel in (self.phase, self.gradient):
            panel.dragged.connect(lambda: self.header.lock.setChecked(True))
        self.header.fit.clicked.connect(self._fit)
        for panel in self.panels:
            panel.hovered.connect(self._show_point)
        for panel in self.panels[1:]:
            panel.view.setXLink(self.phase.view)
            panel.view.setYLink(self.phase.view)

    def _lay_out(self) -> None:
        self.setWindowTitle("ltemlive")
        maps = QtWidgets.QHBoxLayout()
        maps.setSpacing(theme.MARGIN_PX)
        for panel in self.panels:
            maps.addWidget(panel, 1)
        lower = QtWidgets.QHBoxLayout()
        lower.setSpacing(theme.MARGIN_PX)
        for title, widget in (("Frames", self.frames), ("Objective", self.objective)):
            lower.addWidget(_titled(title, widget), 1)
        centre = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(centre)
        layout.setContentsMargins(*[theme.MARGIN_PX] * 4)
        layout.setSpacing(theme.MARGIN_PX)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addLayout(maps, 2)
        layout.addLayout(lower, 1)
        layout.addWidget(self.strip)
        self.setCentralWidget(centre)
        self.resize(*_USUAL_SIZE_PX)


def _titled(title: str, widget: QtWidgets.QWidget) -> QtWidgets.QFrame:
    frame = theme.card()
    frame.setMinimumHeight(_LOWER_ROW_PX)
    layout = QtWidgets.QVBoxLayout(frame)
    layout.setContentsMargins(*[theme.PADDING_PX] * 4)
    layout.setSpacing(theme.MARGIN_PX // 2)
    layout.addWidget(theme.label("title", title))
    layout.addWidget(widget)
    return frame
