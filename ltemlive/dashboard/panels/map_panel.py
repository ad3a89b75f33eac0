"""A map of one quantity in a perceptual colour map, with a histogram to set its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard.panels.image_panel import ImagePanel
from ltemlive.dashboard.shown.levels import USUAL_PERCENT, percentile_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.look import Look
    from ltemlive.dashboard.theme import Theme

_RANGE_BEYOND_LEVELS = 0.15
_STOPS = 33
"""Of a colour map; between two of them it is as good as straight."""
_BEYOND_AXIS_PX = 7
_MAPS = {"gray": "CET-L1"}
"""pyqtgraph's names, where they are not ours."""


class MapPanel(ImagePanel):
    """Values as colours; the levels follow the data unless they are held.

    Parameters
    ----------
    title, unit
        Heading of the panel; the values shown are in this unit.
    colour_map
        One of ``look.CHOICES["phase_map"]``, or a name of pyqtgraph's.
    is_magnitude
        Whether the lower level is always 0.
    """

    dragged = QtCore.Signal()
    """The user has moved a level."""
    released = QtCore.Signal()
    """The user wants levels to follow the data again."""

    def __init__(
        self,
        title: str,
        unit: str | QtWidgets.QLabel,
        *,
        colour_map: str,
        is_magnitude: bool = False,
    ) -> None:
        histogram = pg.HistogramLUTItem(gradientPosition="right", orientation="vertical")
        column = _Column()
        column.setCentralItem(histogram)
        column.setToolTip("Drag the levels; double click for automatic ones (A)")
        super().__init__(title, unit, beside=column)
        self._column = column
        self._histogram = histogram
        self._is_magnitude = is_magnitude
        self._percent = USUAL_PERCENT
        self._values: NDArray[np.float32] | None = None
        self._given_levels: tuple[float, float] | None = None
        self._is_held = False
        self._is_drawing = False
        _prepare(histogram)
        self.set_colour_map(colour_map)
        histogram.setImageItem(self.image)
        histogram.region.sigRegionChangeFinished.connect(self._tell_drag)
        column.double_clicked.connect(self.released)

    def wear(self, worn: Theme) -> None:
        """Draw image and histogram in the colours of a theme."""
        super().wear(worn)
        self._column.setBackground(worn.card)
        _dress(self._histogram, worn)

    def show_look(self, look: Look) -> None:
        """Set the levels as the user wants them."""
        super().show_look(look)
        if look.percentile != self._percent:
            self._percent = look.percentile
            self._follow_data()

    def set_colour_map(self, name: str) -> None:
        """Draw in another map."""
        whole = pg.colormap.get(_MAPS.get(name, name))
        # Each stop is a widget: 256 of them would take longer than the rest of the window.
        stops = np.linspace(0.0, 1.0, _STOPS)
        few = pg.ColorMap(stops, whole.map(stops, mode="byte"))
        self._histogram.gradient.setColorMap(few)
        self._histogram.gradient.showTicks(False)

    def show_map(
        self,
        values: NDArray[np.float32],
        *,
        pixel_nm: float,
        levels: tuple[float, float] | None = None,
    ) -> None:
        """Draw (ny, nx) values, between ``levels`` where the data are not to say them."""
        self._values = values
        self._given_levels = levels
        chosen = self.levels() if self._is_held else self._automatic_levels(values)
        self._is_drawing = True
        self.show_image(values, pixel_nm=pixel_nm, levels=chosen)
        self._set_levels(chosen)
        self._is_drawing = False

    def hold(self, is_held: bool) -> None:
        """Keep the levels as they are, or let them follow the data again."""
        self._is_held = is_held
        self._follow_data()

    def clear(self) -> None:
        """Show nothing."""
        super().clear()
        self._values = None

    def levels(self) -> tuple[float, float]:
        """Return the values that the ends of the colour map stand for."""
        low, high = self._histogram.getLevels()
        return float(low), float(high)

    def _follow_data(self) -> None:
        if self._values is not None and not self._is_held:
            self._is_drawing = True
            self._set_levels(self._automatic_levels(self._values))
            self._is_drawing = False

    def _automatic_levels(self, values: NDArray[np.float32]) -> tuple[float, float]:
        if self._given_levels is not None:
            return self._given_levels
        low, high = percentile_levels(values, self._percent)
        return (0.0, high) if self._is_magnitude else (low, high)

    def _set_levels(self, levels: tuple[float, float]) -> None:
        low, high = levels
        self._histogram.setLevels(low, high)
        beyond = _RANGE_BEYOND_LEVELS * (high - low)
        self._histogram.setHistogramRange(low - beyond, high + beyond, padding=0.0)

    def _tell_drag(self) -> None:
        if not self._is_drawing:
            self.dragged.emit()


class _Column(pg.GraphicsView):
    """The drawing area of a histogram; tells of double clicks."""

    double_clicked = QtCore.Signal()

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's
        """Tell it, whatever lies there."""
        event.accept()
        self.double_clicked.emit()


def _prepare(histogram: pg.HistogramLUTItem) -> None:
    # A menu of other maps would break the promise of a perceptual one.
    histogram.gradient.menu = None
    histogram.vb.setMouseEnabled(x=False, y=False)
    histogram.vb.setMenuEnabled(False)
    # Half a figure stands beyond each end of the axis.
    histogram.layout.setContentsMargins(0, _BEYOND_AXIS_PX, 0, _BEYOND_AXIS_PX)
    histogram.axis.setTickDensity(0.5)
    histogram.plot.setPen(None)


def _dress(histogram: pg.HistogramLUTItem, worn: Theme) -> None:
    histogram.axis.setPen(worn.line)
    histogram.axis.setTextPen(worn.muted)
    histogram.plot.setBrush(_faint(worn.muted, 190))
    histogram.region.setBrush(_faint(worn.text, 14))
    histogram.region.setHoverBrush(_faint(worn.text, 28))
    for line in histogram.region.lines:
        line.setPen(pg.mkPen(worn.accent, width=2))
        line.setHoverPen(pg.mkPen(worn.text, width=2))


def _faint(colour: str, opacity: int) -> QtGui.QBrush:
    made = QtGui.QColor(colour)
    made.setAlpha(opacity)
    return pg.mkBrush(made)
