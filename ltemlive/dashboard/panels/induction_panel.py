"""The projected induction as colours, with the wheel that tells direction and strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.image_panel import SIDE_COLUMN_PX, ImagePanel
from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.look import Look
from ltemlive.physics.colour import colour_wheel, induction_rgb

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.estimates import EstimateShown

_WHEEL_PX = SIDE_COLUMN_PX - 4
_TIP = (
    "The colour in a direction from the centre is that of a field along it, as the image "
    "lies. Fields stronger than at the rim have the colour of the rim."
)


_SIGMA_TIP = "Standard deviation of each component at a pixel, known while the phase rests"
_BEAMS = {"into_image": "beam into\nthe image", "out_of_image": "beam out of\nthe image"}


class InductionPanel(ImagePanel):
    """Colours tell the direction of B in the image plane, and how strong it is.

    What has the full colour follows the data, unless the user has chosen it, or holds it.
    """

    def __init__(self) -> None:
        wheel, scale = theme.label("figure"), theme.label("title", "")
        unit, beam, sigma = (theme.label("muted") for _ in range(3))
        legend = _legend(wheel, scale, sigma, beam)
        super().__init__("Projected induction", unit, beside=legend)
        wheel.setToolTip(_TIP)
        sigma.setToolTip(_SIGMA_TIP)
        self.beam = beam
        self.sigma = sigma
        self.wheel = wheel
        self.scale = scale
        self.unit = unit
        self._wheel_px = _WHEEL_PX
        self._look = Look()
        self._estimate: EstimateShown | None = None
        self._scale_t_nm = 1.0
        self._has_scale = False
        """Whether there has been anything to take the scale from."""
        self._is_held = False
        self.show_look(self._look)

    def wear(self, worn: theme.Theme) -> None:
        """Draw the wheel as large as the column beside the image allows."""
        super().wear(worn)
        self._wheel_px = worn.px(_WHEEL_PX)
        self._draw_wheel()

    def show_look(self, look: Look) -> None:
        """Colour map and wheel as the user wants them, and tell B if they gave t."""
        super().show_look(look)
        self._look = look
        knows_thickness = look.thickness_nm > 0.0
        self.unit.setText("B in mT" if knows_thickness else "B\N{MIDDLE DOT}t in T nm")
        self._draw_wheel()
        self._draw()

    def show_estimate(self, estimate: EstimateShown) -> None:
        """Colour an estimate and say what the full colour stands for."""
        self._estimate = estimate
        self._draw()

    def hold(self, is_held: bool) -> None:
        """Keep what has the full colour as it is, or let it follow the data again."""
        self._is_held = is_held
        self._draw()

    def clear(self) -> None:
        """Show nothing."""
        super().clear()
        self._estimate = None
        for label in (self.beam, self.sigma, self.scale):
            label.setText("")

    def _draw(self) -> None:
        estimate = self._estimate
        if estimate is None:
            return
        if self._look.full_colour_t_nm:
            self._scale_t_nm = self._look.full_colour_t_nm
        elif not (self._is_held and self._has_scale):
            self._scale_t_nm = estimate.induction_scale_t_nm
        self._has_scale = True
        colours = induction_rgb(
            estimate.induction_t_nm,
            scale_t_nm=self._scale_t_nm,
            wheel=self._look.wheel,
            gamma=self._look.gamma,
        )
        self.show_image(colours, pixel_nm=estimate.pixel_nm)
        thickness_nm = self._look.thickness_nm
        self.scale.setText(
            wording.induction_text(self._scale_t_nm, thickness_nm=thickness_nm)
        )
        self.beam.setText(_BEAMS[estimate.beam])
        told = ""
        if estimate.sigmas is not None:
            sigma_t_nm = float(f"{estimate.sigmas.induction_t_nm:.2g}")
            told = wording.induction_text(sigma_t_nm, thickness_nm=thickness_nm)
        self.sigma.setText(f"\N{PLUS-MINUS SIGN} {told}" if told else "")

    def _draw_wheel(self) -> None:
        pixels = colour_wheel(
            self._wheel_px, wheel=self._look.wheel, gamma=self._look.gamma
        ).tobytes()
        kind, side_px = QtGui.QImage.Format.Format_RGBA8888, self._wheel_px
        # The image only borrows the bytes; the pixmap has its own.
        image = QtGui.QImage(pixels, side_px, side_px, 4 * side_px, kind)
        self.wheel.setPixmap(QtGui.QPixmap.fromImage(image))


def _legend(wheel: QtWidgets.QLabel, *figures: QtWidgets.QLabel) -> QtWidgets.QWidget:
    column = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.MARGIN_PX // 2)
    layout.addStretch()
    for part in (
        theme.label("muted", "direction"),
        wheel,
        theme.label("muted", "at the rim"),
        *figures,
    ):
        part.setAlignment(QtCore.Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(part)
    return column
