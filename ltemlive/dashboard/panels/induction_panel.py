"""The projected induction as colours, with the wheel that tells direction and strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.image_panel import SIDE_COLUMN_PX, ImagePanel
from ltemlive.physics.colour import colour_wheel

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.content import EstimateShown

_WHEEL_PX = SIDE_COLUMN_PX - 4


class InductionPanel(ImagePanel):
    """Hue is the direction of B in the image plane, brightness its strength."""

    def __init__(self) -> None:
        wheel, scale = theme.label("figure"), theme.label("title", "")
        super().__init__(
            "Projected induction",
            "B\N{MIDDLE DOT}t in T nm",
            beside=_legend(wheel, scale),
        )
        self.wheel = wheel
        self.scale = scale

    def wear(self, worn: theme.Theme) -> None:
        """Draw the wheel as large as the column beside the image allows."""
        super().wear(worn)
        self.wheel.setPixmap(_pixmap_of_wheel(worn.px(_WHEEL_PX)))

    def show_estimate(self, estimate: EstimateShown) -> None:
        """Draw the colours of an estimate and say what the full colour stands for."""
        self.show_image(estimate.induction_colours, pixel_nm=estimate.pixel_nm)
        self.scale.setText(f"{estimate.induction_scale_t_nm:.3g} T nm")


def _legend(wheel: QtWidgets.QLabel, scale: QtWidgets.QLabel) -> QtWidgets.QWidget:
    column = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.MARGIN_PX // 2)
    layout.addStretch()
    for part in (
        theme.label("muted", "direction"),
        wheel,
        theme.label("muted", "at the rim"),
        scale,
    ):
        part.setAlignment(QtCore.Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(part)
    return column


def _pixmap_of_wheel(size_px: int) -> QtGui.QPixmap:
    pixels = colour_wheel(size_px).tobytes()
    kind = QtGui.QImage.Format.Format_RGBA8888
    # The image only borrows the bytes; the pixmap has its own.
    return QtGui.QPixmap.fromImage(
        QtGui.QImage(pixels, size_px, size_px, 4 * size_px, kind)
    )
