"""A map of one quantity in a perceptual colour map, with a histogram to set its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore

from ltemlive.dashboard.panels.image_panel import ImagePanel
from ltemlive.dashboard.panels.levels_column import LevelsColumn
from ltemlive.dashboard.shown.levels import USUAL_PERCENT, percentile_levels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyqtgraph.Qt import QtWidgets

    from ltemlive.dashboard.shown.look import Look
    from ltemlive.dashboard.theme import Theme

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
        image = pg.ImageItem()
        self._column = column = LevelsColumn(image)
        super().__init__(title, unit, image=image, beside=column)
        self._is_magnitude = is_magnitude
        self._percent = USUAL_PERCENT
        self._values: NDArray[np.float32] | None = None
        self._given_levels: tuple[float, float] | None = None
        self._is_held = False
        self._has_levels = False
        """Whether the levels are those of this quantity."""
        self.set_colour_map(colour_map)
        column.dragged.connect(self.dragged)
        column.double_clicked.connect(self.released)

    def wear(self, worn: Theme) -> None:
        """Draw image and histogram in the colours of a theme."""
        super().wear(worn)
        self._column.wear(worn)

    def show_look(self, look: Look) -> None:
        """Set the levels as the user wants them."""
        super().show_look(look)
        if look.percentile != self._percent:
            self._percent = look.percentile
            self._follow_data()

    def begin_quantity(self, *, is_magnitude: bool) -> None:
        """Expect values of another quantity, which held levels are not for."""
        self._is_magnitude = is_magnitude
        self._has_levels = False

    def set_colour_map(self, name: str) -> None:
        """Draw in another map."""
        self._column.set_colours(pg.colormap.get(_MAPS.get(name, name)))

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
        is_kept = self._is_held and self._has_levels
        self._has_levels = True
        chosen = self.levels() if is_kept else self._automatic_levels(values)
        self.show_image(values, pixel_nm=pixel_nm, levels=chosen)
        self._column.set_levels(chosen)
        self._column.show_counts()

    def hold(self, is_held: bool) -> None:
        """Keep the levels as they are, or let them follow the data again."""
        self._is_held = is_held
        self._follow_data()

    def clear(self) -> None:
        """Show nothing."""
        super().clear()
        self._column.show_counts()
        self._values = None

    @property
    def values(self) -> NDArray[np.float32] | None:
        """What is drawn; None where nothing is."""
        return self._values

    def levels(self) -> tuple[float, float]:
        """Return the values that the ends of the colour map stand for."""
        return self._column.levels

    def _follow_data(self) -> None:
        if self._values is not None and not self._is_held:
            self._column.set_levels(self._automatic_levels(self._values))

    def _automatic_levels(self, values: NDArray[np.float32]) -> tuple[float, float]:
        if self._given_levels is not None:
            return self._given_levels
        low, high = percentile_levels(values, self._percent)
        return (0.0, high) if self._is_magnitude else (low, high)
