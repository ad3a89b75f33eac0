"""The phase, in a map of the user's choice and under contours if they want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.map_panel import MapPanel
from ltemlive.dashboard.shown.contours import (
    contour_colours,
    contour_explanation,
    contour_text,
    contours,
)
from ltemlive.dashboard.shown.look import Look

if TYPE_CHECKING:
    from pyqtgraph.Qt import QtCore

    from ltemlive.dashboard.shown.estimates import EstimateShown

_ABOVE_IMAGE = 5.0


class PhasePanel(MapPanel):
    """A map of the phase; its contours are an image that lies upon it."""

    def __init__(self) -> None:
        unit = theme.label("muted", "rad")
        super().__init__("Phase", unit, colour_map=Look().phase_map)
        self.unit = unit
        # Contours finer than the screen's pixels average out instead of showing others.
        self.contours = pg.ImageItem(autoDownsample=True)
        self.contours.setLookupTable(contour_colours())
        self.contours.setZValue(_ABOVE_IMAGE)
        self.view.addItem(self.contours)
        self._look = Look()
        self._estimate: EstimateShown | None = None

    def show_estimate(self, estimate: EstimateShown) -> None:
        """Draw the phase of an estimate."""
        self._estimate = estimate
        self.show_map(estimate.phase_rad, pixel_nm=estimate.pixel_nm)
        self._draw_contours()

    def show_look(self, look: Look) -> None:
        """Colours, levels and contours as the user wants them."""
        super().show_look(look)
        if look.phase_map != self._look.phase_map:
            self.set_colour_map(look.phase_map)
        self._look = look
        text = contour_text(look.contours_per_turn)
        tip = contour_explanation(look.contours_per_turn)
        self.unit.setText(f"rad    {text}" if look.contours else "rad")
        self.unit.setToolTip(tip if look.contours else "")
        self._draw_contours()

    def clear(self) -> None:
        """Show nothing."""
        super().clear()
        self.contours.clear()
        self._estimate = None

    def _draw_contours(self) -> None:
        estimate = self._estimate
        self.contours.setVisible(self._look.contours)
        if estimate is None or not self._look.contours:
            return
        drawn = contours(
            estimate.phase_rad,
            estimate.gradient_rad_per_nm,
            pixel_nm=estimate.pixel_nm,
            per_turn=self._look.contours_per_turn,
        )
        self.contours.setImage(drawn, autoLevels=False, levels=(0, 255))
        place: QtCore.QRectF = self.image.mapRectToParent(self.image.boundingRect())
        self.contours.setRect(place)
