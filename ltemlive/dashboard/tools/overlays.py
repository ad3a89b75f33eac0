"""What is drawn over one map and can be dragged: a line between two ends, a rectangle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui

from ltemlive.dashboard.shown.measuring import Region, Segment
from ltemlive.dashboard.theme import DARK, Theme

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.measuring import Point

_LINE_PX = 2
_SHEET_Z, _BAND_Z, _SHAPE_Z = 5.0, 8.0, 10.0
"""Above the map; a handle takes a drag before the sheet does."""


class LineOverlay(QtCore.QObject):
    """A line with an end to drag at both sides; ``moved`` tells where the user put it.

    Parameters
    ----------
    view
        Of one map, in nm, y down.
    """

    moved = QtCore.Signal(object)

    def __init__(self, view: pg.ViewBox, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._line = _Line([(0.0, 0.0), (0.0, 0.0)], rotatable=False, resizable=False)
        self._band = pg.PlotCurveItem()
        self._text = pg.TextItem(anchor=(0.0, 1.0))
        self._band.setZValue(_BAND_Z)
        self._line.setZValue(_SHAPE_Z)
        for item in (self._band, self._line, self._text):
            view.addItem(item, ignoreBounds=True)
            item.hide()
        self._width_nm = 0.0
        self._is_placing = False
        self._line.sigRegionChanged.connect(self._tell)
        self.wear(DARK)

    @property
    def shape(self) -> Segment | None:
        """What is drawn."""
        if not self._line.isVisible():
            return None
        ends = [self._line.mapToParent(each.pos()) for each in self._line.getHandles()]
        start, end = ((each.y(), each.x()) for each in ends)
        return Segment(start, end, self._width_nm)

    def place(self, shape: Any, text: str = "") -> None:
        """Draw a ``Segment``, with a text at its end, in place of the last one."""
        if shape is not None:
            (y0, x0), (y1, x1) = shape.start_nm, shape.end_nm
            state = {"pos": (0.0, 0.0), "size": (1.0, 1.0), "angle": 0.0}
            self._is_placing = True
            self._line.setState({**state, "points": [(x0, y0), (x1, y1)]})
            self._is_placing = False
        self._line.setVisible(shape is not None)
        self.adorn(shape, text)

    def adorn(self, shape: Any, text: str = "") -> None:
        """Draw width and text of a line that stands where it is."""
        self._width_nm = 0.0 if shape is None else shape.width_nm
        self._band.setVisible(self._width_nm > 0.0)
        self._text.setVisible(bool(text))
        if shape is None:
            return
        corners = shape.outline_nm()
        self._band.setData([x for _, x in corners], [y for y, _ in corners])
        self._text.setText(text)
        self._text.setPos(shape.end_nm[1], shape.end_nm[0])

    def wear(self, worn: Theme) -> None:
        """Draw in the colours of a theme."""
        _dress(self._line, worn)
        self._band.setPen(pg.mkPen("white", style=QtCore.Qt.PenStyle.DashLine))
        self._band.setShadowPen(pg.mkPen("black", width=_LINE_PX))
        self._text.setColor("white")
        self._text.fill = pg.mkBrush(0, 0, 0, 150)

    def _tell(self) -> None:
        if not self._is_placing:
            self.moved.emit(self.shape)


class RegionOverlay(QtCore.QObject):
    """A rectangle with two corners to drag; ``moved`` tells where the user put it."""

    moved = QtCore.Signal(object)

    def __init__(self, view: pg.ViewBox, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._box = _Box((0.0, 0.0), (1.0, 1.0), rotatable=False, resizable=False)
        self._box.addScaleHandle([0.0, 0.0], [1.0, 1.0])
        self._box.setZValue(_SHAPE_Z)
        view.addItem(self._box, ignoreBounds=True)
        self._box.hide()
        self._is_placing = False
        self._box.sigRegionChanged.connect(self._tell)
        self.wear(DARK)

    @property
    def shape(self) -> Region | None:
        """What is drawn."""
        if not self._box.isVisible():
            return None
        corner, size = self._box.pos(), self._box.size()
        opposite = corner.y() + size.y(), corner.x() + size.x()
        return Region.between((corner.y(), corner.x()), opposite)

    def place(self, shape: Any, _text: str = "") -> None:
        """Draw a ``Region`` in place of the last one."""
        if shape is not None:
            size = (shape.right_nm - shape.left_nm, shape.bottom_nm - shape.top_nm)
            self._is_placing = True
            self._box.setPos((shape.left_nm, shape.top_nm), update=False)
            self._box.setSize(size)
            self._is_placing = False
        self._box.setVisible(shape is not None)

    def adorn(self, shape: Any, text: str = "") -> None:
        """Do nothing: a rectangle has neither width nor text."""

    def wear(self, worn: Theme) -> None:
        """Draw in the colours of a theme."""
        _dress(self._box, worn)

    def _tell(self) -> None:
        if not self._is_placing:
            self.moved.emit(self.shape)


class DrawingSheet(pg.GraphicsObject):
    """Lies over a map while a tool is chosen; a left drag on it is told, none pans.

    ``drawn`` tells both ends of the drag, (y, x) in nm, at every move.
    """

    drawn = QtCore.Signal(object, object)

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__()
        self._view = view
        self.setZValue(_SHEET_Z)
        self.setCursor(QtCore.Qt.CursorShape.CrossCursor)
        view.addItem(self, ignoreBounds=True)
        view.sigRangeChanged.connect(self._follow)
        self.hide()

    def boundingRect(self) -> QtCore.QRectF:  # noqa: N802 - Qt's name
        """Return all that the view shows."""
        return QtCore.QRectF(self._view.viewRect())

    def paint(self, *_: object) -> None:
        """Paint nothing."""

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Tell a left drag, and leave others to the view."""
        if event.button() != QtCore.Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        self.drawn.emit(_place(event.buttonDownPos()), _place(event.pos()))

    def _follow(self, *_: object) -> None:
        self.prepareGeometryChange()


class _Shaded:
    """Draws its dark shade below itself, to be seen on any map."""

    currentPen: QtGui.QPen  # noqa: N815 - pyqtgraph's name

    def paint(self, painter: QtGui.QPainter, *rest: Any) -> None:
        pen = self.currentPen
        self.currentPen = pg.mkPen(0, 0, 0, 160, width=_LINE_PX + 2)
        # A rectangle leaves the painter scaled.
        painter.save()
        super().paint(painter, *rest)  # type: ignore[misc]
        painter.restore()
        self.currentPen = pen
        super().paint(painter, *rest)  # type: ignore[misc]


class _Line(_Shaded, pg.LineSegmentROI):
    pass


class _Box(_Shaded, pg.RectROI):
    pass


def _dress(shape: pg.ROI, worn: Theme) -> None:
    shape.setPen(pg.mkPen("white", width=_LINE_PX))
    shape.hoverPen = pg.mkPen(worn.accent, width=_LINE_PX)
    for handle in shape.getHandles():
        handle.pen = handle.currentPen = pg.mkPen("white", width=_LINE_PX)
        handle.hoverPen = pg.mkPen(worn.accent, width=_LINE_PX)


def _place(point: QtCore.QPointF) -> Point:
    return point.y(), point.x()
