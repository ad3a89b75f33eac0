"""A map of one quantity in a perceptual colour map, with a histogram to set its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui

from ltemlive.dashboard.panels.image_panel import ImagePanel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.theme import Theme

_RANGE_BEYOND_LEVELS = 0.15


class MapPanel(ImagePanel):
    """Values as colours; the levels follow the data unless they are held.

    Parameters
    ----------
    title, unit
        Heading of the panel; the values shown are in this unit.
    colour_map
        Name of one of pyqtgraph's own maps.
    """

    dragged = QtCore.Signal()
    """The user has moved a level."""

    def __init__(self, title: str, unit: str, *, colour_map: str) -> None:
        histogram = pg.HistogramLUTItem(gradientPosition="right", orientation="vertical")
        column = pg.GraphicsView()
        column.setCentralItem(histogram)
        super().__init__(title, unit, beside=column)
        self._is_held = False
        self._column = column
        self._histogram = histogram
        self._is_drawing = False
        _prepare(histogram, colour_map)
        histogram.setImageItem(self.image)
        histogram.region.sigRegionChangeFinished.connect(self._tell_drag)

    def wear(self, worn: Theme) -> None:
        """Draw image and histogram in the colours of a theme."""
        super().wear(worn)
        self._column.setBackground(worn.card)
        _dress(self._histogram, worn)

    def show_map(
        self, values: NDArray[np.float32], *, pixel_nm: float, levels: tuple[float, float]
    ) -> None:
        """Draw (ny, nx) values; ``levels`` are used unless the user holds others."""
        self._is_drawing = True
        chosen = levels if not self._is_held else self.levels()
        self.show_image(values, pixel_nm=pixel_nm, levels=chosen)
        self._histogram.setLevels(*chosen)
        beyond = _RANGE_BEYOND_LEVELS * (chosen[1] - chosen[0])
        self._histogram.setHistogramRange(
            chosen[0] - beyond, chosen[1] + beyond, padding=0.0
        )
        self._is_drawing = False

    def hold(self, is_held: bool) -> None:
        """Keep the levels as they are, or let them follow the data again."""
        self._is_held = is_held

    def levels(self) -> tuple[float, float]:
        """Return the values that the ends of the colour map stand for."""
        low, high = self._histogram.getLevels()
        return float(low), float(high)

    def _tell_drag(self) -> None:
        if not self._is_drawing:
            self.dragged.emit()


def _prepare(histogram: pg.HistogramLUTItem, colour_map: str) -> None:
    histogram.gradient.setColorMap(pg.colormap.get(colour_map))
    histogram.gradient.showTicks(False)
    # A menu of other maps would break the promise of a perceptual one.
    histogram.gradient.menu = None
    histogram.vb.setMouseEnabled(x=False, y=False)
    histogram.vb.setMenuEnabled(False)
    histogram.layout.setContentsMargins(0, 0, 0, 0)
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
