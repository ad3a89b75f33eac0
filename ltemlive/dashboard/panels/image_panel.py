"""A map of the specimen in a card: title, value under the pointer, image, scale bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown import wording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.look import Look

SIDE_COLUMN_PX = 84
"""Width of the column beside each image: levels, or the colour wheel."""

_BAR_SHARE = 0.28
"""Most of the image's width that the scale bar may take."""
_INSET_PX = 10
_BAR_HEIGHT_PX = 4
_BEYOND_AXES_PX = 8


class ImagePanel(QtWidgets.QFrame):
    """One image in nm, y down; ``hovered`` tells (y_nm, x_nm) or None on leaving.

    Parameters
    ----------
    title, unit
        Heading of the panel; a label as unit may change.
    beside
        What stands to the right of the image and explains its colours.
    image
        What is drawn; a new item by default.
    """

    hovered = QtCore.Signal(object)

    def __init__(
        self,
        title: str,
        unit: str | QtWidgets.QLabel,
        *,
        beside: QtWidgets.QWidget,
        image: pg.ImageItem | None = None,
    ) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.heading = theme.label("title", title)
        self.read_out = theme.label("muted")
        self.view = pg.ViewBox(
            lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.0
        )
        self.image = pg.ImageItem() if image is None else image
        self.view.addItem(self.image)
        self.scale_bar = ScaleBar(self.view, self.image)
        self._extent_nm: tuple[float, float] | None = None
        self._canvas = _Canvas(self.view)
        self._canvas.left.connect(lambda: self.hovered.emit(None))
        self.view.scene().sigMouseMoved.connect(self._tell_position)
        self._beside = beside
        told = unit if isinstance(unit, QtWidgets.QLabel) else theme.label("muted", unit)
        self._lay_out(told, beside)

    def show_image(
        self, pixels: NDArray[np.generic], *, pixel_nm: float, **options: Any
    ) -> None:
        """Draw (ny, nx) values or (ny, nx, 3) colours; a new extent is shown whole."""
        ny, nx = pixels.shape[:2]
        self.image.setImage(pixels, autoLevels=False, **options)
        extent_nm = (ny * pixel_nm, nx * pixel_nm)
        if extent_nm != self._extent_nm:
            self._extent_nm = extent_nm
            self.image.setRect(QtCore.QRectF(0.0, 0.0, extent_nm[1], extent_nm[0]))
            self.fit()

    def wear(self, worn: theme.Theme) -> None:
        """Draw on the ground of a theme, with room beside for its size of text."""
        self._canvas.wear(worn)
        self._beside.setFixedWidth(worn.px(SIDE_COLUMN_PX))

    def show_look(self, look: Look) -> None:
        """Look as the user wants it."""
        self._canvas.show_axes(look.axes)

    def clear(self) -> None:
        """Show nothing."""
        self.image.clear()

    def fit(self) -> None:
        """Show the whole image."""
        if self._extent_nm is not None:
            height_nm, width_nm = self._extent_nm
            self.view.setRange(xRange=(0.0, width_nm), yRange=(0.0, height_nm), padding=0.0)

    def _lay_out(self, unit: QtWidgets.QLabel, beside: QtWidgets.QWidget) -> None:
        heading = QtWidgets.QHBoxLayout()
        heading.addWidget(self.heading)
        heading.addWidget(unit, 1)
        heading.addWidget(self.read_out)
        body = QtWidgets.QHBoxLayout()
        body.setSpacing(theme.MARGIN_PX // 2)
        body.addWidget(self._canvas, 1)
        body.addWidget(beside)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*[theme.PADDING_PX] * 4)
        layout.setSpacing(theme.MARGIN_PX)
        layout.addLayout(heading)
        layout.addLayout(body, 1)

    def _tell_position(self, where: QtCore.QPointF) -> None:
        point = self.view.mapSceneToView(where)
        self.hovered.emit((point.y(), point.x()))


class ScaleBar(pg.GraphicsObject):
    """A bar of a round length in the lower left corner of an image in a view in nm."""

    def __init__(self, view: pg.ViewBox, image: pg.ImageItem) -> None:
        super().__init__()
        self._view = view
        self._image = image
        self.setParentItem(view)
        self.setZValue(10.0)
        view.sigRangeChanged.connect(self._follow)
        view.sigResized.connect(self._follow)

    def length_nm(self) -> float:
        """Return the length that the bar stands for."""
        (left_nm, right_nm), _ = self._view.viewRange()
        return wording.nice_length_nm(_BAR_SHARE * (right_nm - left_nm))

    def boundingRect(self) -> QtCore.QRectF:  # noqa: N802 - Qt's name
        """Return the area that may be painted, in pixels of the view."""
        return QtCore.QRectF(self._view.rect())

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        """Draw bar and length on a dark ground, readable on any map."""
        shown = self._visible_image()
        length_nm = self.length_nm()
        width_px = length_nm / self._view.viewPixelSize()[0]
        text_px = painter.fontMetrics().height()
        height_px = text_px + _BAR_HEIGHT_PX + 1.5 * _INSET_PX
        box = QtCore.QRectF(0.0, 0.0, width_px + 2 * _INSET_PX, height_px)
        box.moveBottomLeft(shown.bottomLeft() + QtCore.QPointF(_INSET_PX, -_INSET_PX))
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(0, 0, 0, 150))
        painter.drawRoundedRect(box, 4.0, 4.0)
        painter.setBrush(QtGui.QColor("white"))
        bar = QtCore.QRectF(
            box.left() + _INSET_PX,
            box.bottom() - _INSET_PX,
            width_px,
            _BAR_HEIGHT_PX,
        )
        painter.drawRect(bar)
        painter.setPen(QtGui.QColor("white"))
        painter.drawText(
            box.adjusted(0.0, 2.0, 0.0, -12.0),
            QtCore.Qt.AlignmentFlag.AlignCenter,
            wording.length_text(length_nm),
        )

    def _visible_image(self) -> QtCore.QRectF:
        image = self._view.mapRectFromItem(self._image, self._image.boundingRect())
        return image.intersected(QtCore.QRectF(self._view.rect()))

    def _follow(self, *_: object) -> None:
        self.prepareGeometryChange()
        self.update()


def length_axis(orientation: str, view: pg.ViewBox) -> pg.AxisItem:
    """Return a hidden axis for a view in nm; it says nm or um, as suits what is in view."""
    axis = pg.AxisItem(orientation)
    axis.linkToView(view)
    # pyqtgraph finds the prefix, of metres.
    axis.setScale(1e-9)
    axis.hide()
    return axis


class _Canvas(pg.GraphicsView):
    """The drawing area of one view and its axes; says when the pointer leaves it."""

    left = QtCore.Signal()

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__()
        self.axes = (length_axis("left", view), length_axis("bottom", view))
        self._layout = layout = pg.GraphicsLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addItem(self.axes[0], 0, 0)
        layout.addItem(view, 0, 1)
        layout.addItem(self.axes[1], 1, 1)
        self.setCentralItem(layout)
        self.setMinimumSize(160, 160)

    def wear(self, worn: theme.Theme) -> None:
        """Draw in the colours of a theme."""
        self.setBackground(worn.card)
        for axis in self.axes:
            axis.setPen(worn.line)
            axis.setTextPen(worn.muted)
            name = "y" if axis.orientation == "left" else "x"
            style = {"color": worn.muted, "font-size": f"{worn.px(theme.TEXT_PX)}px"}
            axis.setLabel(name, units="m", **style)
            axis.showLabel(axis.isVisible())

    def show_axes(self, is_shown: bool) -> None:
        """Show or hide the axes; hidden they take no room."""
        for axis in self.axes:
            axis.setVisible(is_shown)
            axis.showLabel(is_shown)
        # A figure at the end of an axis needs room beyond it.
        beyond_px = _BEYOND_AXES_PX if is_shown else 0
        self._layout.setContentsMargins(0, beyond_px, beyond_px, 0)

    def leaveEvent(self, event: QtCore.QEvent) -> None:  # noqa: N802 - Qt's name
        """Tell that no point is under the pointer."""
        super().leaveEvent(event)
        self.left.emit()
