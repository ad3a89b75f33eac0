"""How often each value occurs in a map, and the levels that its colours lie between.

pyqtgraph has such an item, for any kind of image. It makes much that no map here needs,
such as menus of the maps of matplotlib, and takes most of the time until a window opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.dashboard.theme import Theme

_RANGE_BEYOND_LEVELS = 0.15
_BEYOND_AXIS_PX = 7
"""Half a figure stands beyond each end of the axis."""
_LEAST_COUNTS_PX = 16
"""Figures of many digits take the rest; the bar beside must not be pushed out."""
_BAR_WIDTH_PX = 15
_BAR_INSET_PX = 8
_ABOVE_COUNTS = 1000.0
_COLOURS = 512
_BLACK = (0, 0, 0, 100)


class LevelsColumn(pg.GraphicsView):
    """An axis, a histogram with two levels to drag, and a bar of the colours between them.

    Parameters
    ----------
    image
        Whose levels and colours these are.
    """

    dragged = QtCore.Signal()
    """The user has moved a level."""
    double_clicked = QtCore.Signal()

    def __init__(self, image: pg.ImageItem) -> None:
        super().__init__()
        self._image = image
        self._is_setting = False
        self._view = pg.ViewBox(enableMouse=False, enableMenu=False)
        self._view.setMinimumWidth(_LEAST_COUNTS_PX)
        self._counts = pg.PlotCurveItem(pen=None, fillLevel=0.0)
        self._counts.setRotation(90.0)
        self._axis = pg.AxisItem("left", linkView=self._view, maxTickLength=-10)
        self._axis.setTickDensity(0.5)
        self._bar = _Bar()
        self.region = _region()
        for item in (self._counts, self.region):
            self._view.addItem(item, ignoreBounds=True)
        self.region.sigRegionChanged.connect(self._colour_image)
        self.region.sigRegionChangeFinished.connect(self._tell_drag)
        self.setCentralItem(_Row(self._axis, self._view, self._bar, self.region))
        self.setToolTip("Drag the levels; double click for automatic ones (A)")

    @property
    def levels(self) -> tuple[float, float]:
        """The values that the ends of the bar stand for."""
        low, high = self.region.getRegion()
        return float(low), float(high)

    def set_levels(self, levels: tuple[float, float]) -> None:
        """Put the levels there, and show some of what lies beyond them."""
        low, high = levels
        self._is_setting = True
        self.region.setRegion(levels)
        self._is_setting = False
        beyond = _RANGE_BEYOND_LEVELS * (high - low)
        self._view.setYRange(low - beyond, high + beyond, padding=0.0)

    def set_colours(self, colours: pg.ColorMap) -> None:
        """Draw in another map."""
        table = colours.getLookupTable(nPts=_COLOURS, alpha=False)
        self._image.setLookupTable(table)
        self._bar.show_colours(table)

    def show_counts(self) -> None:
        """Count the values of the image that is shown now."""
        image = self._image.image
        if image is None or not np.isfinite(image).any():
            self._counts.clear()
            return
        values, counts = self._image.getHistogram()
        self._counts.setData(values, counts)
        self._view.setXRange(-float(counts.max()), 0.0, padding=0.02)

    def wear(self, worn: Theme) -> None:
        """Draw in the colours of a theme."""
        self.setBackground(worn.card)
        self._axis.setPen(worn.line)
        self._axis.setTextPen(worn.muted)
        self._counts.setBrush(_faint(worn.muted, 190))
        self.region.setBrush(_faint(worn.text, 14))
        self.region.setHoverBrush(_faint(worn.text, 28))
        for line in self.region.lines:
            line.setPen(pg.mkPen(worn.accent, width=2))
            line.setHoverPen(pg.mkPen(worn.text, width=2))

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's
        """Tell it, whatever lies there."""
        event.accept()
        self.double_clicked.emit()

    def _colour_image(self) -> None:
        self._image.setLevels(self.levels)

    def _tell_drag(self) -> None:
        if not self._is_setting:
            self.dragged.emit()


class _Row(pg.GraphicsWidget):
    """The parts side by side; lines lead from the levels to the ends of the bar."""

    def __init__(
        self,
        axis: pg.AxisItem,
        view: pg.ViewBox,
        bar: _Bar,
        region: pg.LinearRegionItem,
    ) -> None:
        super().__init__()
        self._view, self._bar, self._region = view, bar, region
        # Kept: Qt does not keep the Python part of a layout.
        self._places = layout = QtWidgets.QGraphicsGridLayout()
        layout.setContentsMargins(0, _BEYOND_AXIS_PX, 0, _BEYOND_AXIS_PX)
        layout.setSpacing(0)
        self.setLayout(layout)
        # Figures that need more room than there is must not widen it for ever.
        self.setMinimumSize(0.0, 0.0)
        for column, part in enumerate((axis, view, bar)):
            layout.addItem(part, 0, column)
        for part in (view, bar):
            part.setFlag(part.GraphicsItemFlag.ItemStacksBehindParent)
        view.sigRangeChanged.connect(lambda: self.update())
        region.sigRegionChanged.connect(lambda: self.update())

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        """Draw the lines, and the ends of the bar."""
        low, high = self._region.getRegion()
        middle = self._view.viewRect().center().x()
        place = self._bar.mapRectToParent(self._bar.place())
        ends = (
            (low, place.bottomLeft(), place.bottomRight()),
            (high, place.topLeft(), place.topRight()),
        )
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for pen in (pg.mkPen(_BLACK, width=3), self._region.lines[0].pen):
            painter.setPen(pen)
            for value, left, right in ends:
                at = QtCore.QPointF(middle, value)
                painter.drawLine(self._view.mapFromViewToItem(self, at), left)
                painter.drawLine(left, right)


class _Bar(pg.GraphicsWidget):
    """The colours, those of high values at the top."""

    def __init__(self) -> None:
        super().__init__()
        self._colours = QtGui.QImage()
        self.setFixedWidth(_BAR_WIDTH_PX)

    def show_colours(self, table: NDArray[np.uint8]) -> None:
        """Show these, shape (n, 3), the lowest first."""
        upwards = np.ascontiguousarray(table[::-1, :3]).tobytes()
        kind = QtGui.QImage.Format.Format_RGB888
        # The image only borrows the bytes; its copy has its own.
        self._colours = QtGui.QImage(upwards, 1, len(table), 3, kind).copy()
        self.update()

    def place(self) -> QtCore.QRectF:
        """Return where the colours are."""
        return QtCore.QRectF(self.rect()).adjusted(0.0, _BAR_INSET_PX, 0.0, -_BAR_INSET_PX)

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        """Draw them."""
        painter.drawImage(self.place(), self._colours)


def _region() -> pg.LinearRegionItem:
    made = pg.LinearRegionItem((0.0, 1.0), "horizontal", swapMode="block")
    made.setZValue(_ABOVE_COUNTS)
    for line, marker in zip(made.lines, ("<|", "|>"), strict=True):
        line.addMarker(marker, 0.5)
    return made


def _faint(colour: str, opacity: int) -> QtGui.QBrush:
    made = QtGui.QColor(colour)
    made.setAlpha(opacity)
    return pg.mkBrush(made)
