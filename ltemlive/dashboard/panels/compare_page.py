"""Two phases side by side with linked views, and their difference."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, cast

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.map_panel import MapPanel
from ltemlive.dashboard.shown import comparison, wording
from ltemlive.dashboard.shown.levels import percentile_levels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.comparison import Candidate, Key, Quantity

_MOST_CHARACTERS = 60
_NOT_ALIKE = "these two have maps or pixels of different size and cannot be compared"


class ComparePage(QtWidgets.QWidget):
    """Choose two of the candidates, and the quantity to compare."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = _choice(), _choice()
        self.quantity = _choice()
        self.quantity.addItems(list(comparison.UNITS))
        self.figures = theme.label("muted")
        self.names = (_name(), _name())
        self.panels = (
            MapPanel("First", self.names[0], colour_map="viridis"),
            MapPanel("Second", self.names[1], colour_map="viridis"),
            MapPanel("Difference", "second less first, less a plane", colour_map="CET-D1"),
        )
        self._candidates: tuple[Candidate, ...] = ()
        self._drawn: tuple[NDArray[np.float32] | None, ...] = ()
        self._quantity: Quantity | None = None
        self._maps: tuple[NDArray[np.float32], ...] = ()
        self._pixel_nm = 1.0
        for panel in self.panels[1:]:
            panel.view.setXLink(self.panels[0].view)
            panel.view.setYLink(self.panels[0].view)
        for panel in self.panels:
            panel.hovered.connect(self._show_point)
        for choice in (self.first, self.second, self.quantity):
            choice.activated.connect(self._draw)
        self._lay_out()

    @property
    def keys(self) -> tuple[Key | None, Key | None]:
        """The two that are chosen."""
        return self.first.currentData(), self.second.currentData()

    @property
    def wants_tie(self) -> bool:
        """Whether one of the two is transport of intensity."""
        return any(key is not None and key[0] == "tie" for key in self.keys)

    def choose(self, first: Key, second: Key) -> None:
        """Compare these two, where they are among the candidates."""
        for choice, key in ((self.first, first), (self.second, second)):
            place = _place(self._candidates, key)
            if place is not None:
                choice.setCurrentIndex(place)
        self._draw()

    def show_candidates(self, candidates: tuple[Candidate, ...]) -> None:
        """List what can be compared; what was chosen stays, at first the newest and TIE."""
        keys = self.keys
        self._candidates = candidates
        for choice, key, usual in zip(
            (self.second, self.first), keys[::-1], (0, 1), strict=True
        ):
            place = None if key is None else _place(candidates, key)
            _list(choice, candidates, usual if place is None else place)
        self._draw()

    def fit(self) -> None:
        """Show the whole images."""
        for panel in self.panels:
            panel.fit()

    def wear(self, worn: theme.Theme) -> None:
        """Draw every image in the colours of a theme."""
        for panel in self.panels:
            panel.wear(worn)

    def _draw(self) -> None:
        first, second = (self._found(key) for key in self.keys)
        quantity = cast("Quantity", self.quantity.currentText())
        # Kept, not told by their ids: those of what is gone are given again.
        wanted = tuple(None if each is None else each.phase_rad for each in (first, second))
        is_drawn = all(map(operator.is_, wanted, self._drawn))
        if is_drawn and quantity == self._quantity:
            return
        self._drawn, self._quantity = wanted, quantity
        for name, each in zip(self.names, (first, second), strict=True):
            name.setText("" if each is None else each.text)
        phases = [each.phase_rad for each in (first, second) if each is not None]
        if first is None or len(phases) < 2 or phases[0] is None or phases[1] is None:
            self._clear("waiting for the daemon" if None in phases else "")
        elif second is None or not comparison.are_alike(first, second):
            self._clear(_NOT_ALIKE)
        else:
            self._draw_both(phases[0], phases[1], first.pixel_nm, quantity)

    def _draw_both(
        self,
        first_rad: NDArray[np.float32],
        second_rad: NDArray[np.float32],
        pixel_nm: float,
        quantity: Quantity,
    ) -> None:
        maps = [
            comparison.drawn(each, pixel_nm, quantity) for each in (first_rad, second_rad)
        ]
        unlike = (
            comparison.difference(first_rad, second_rad)
            if quantity == "phase"
            else maps[1] - maps[0]
        )
        self._maps, self._pixel_nm = (*maps, unlike), pixel_nm
        levels = percentile_levels(maps[1])
        most = max(abs(level) for level in percentile_levels(unlike))
        for panel, values, limits in zip(
            self.panels, self._maps, (levels, levels, (-most, most)), strict=True
        ):
            panel.show_map(values, pixel_nm=pixel_nm, levels=limits)
        figures = comparison.agreement(first_rad, second_rad)
        self.figures.setText(comparison.agreement_text(figures))

    def _clear(self, reason: str) -> None:
        self.figures.setText(reason)
        self._maps = ()
        for panel in self.panels:
            panel.clear()

    def _found(self, key: Key | None) -> Candidate | None:
        place = None if key is None else _place(self._candidates, key)
        return None if place is None else self._candidates[place]

    def _show_point(self, point_nm: tuple[float, float] | None) -> None:
        unit = comparison.UNITS[cast("Quantity", self.quantity.currentText())]
        for panel, values in zip(self.panels, self._maps, strict=False):
            value = None
            if point_nm is not None:
                value = wording.value_at(values, point_nm, self._pixel_nm)
            panel.read_out.setText("" if value is None else wording.value_text(value, unit))

    def _lay_out(self) -> None:
        heading = QtWidgets.QHBoxLayout()
        heading.setSpacing(theme.MARGIN_PX)
        for text, widget in (
            ("first", self.first),
            ("second", self.second),
            ("of the", self.quantity),
        ):
            heading.addWidget(theme.label("muted", text))
            heading.addWidget(widget)
        heading.addStretch()
        heading.addWidget(self.figures)
        maps = QtWidgets.QHBoxLayout()
        maps.setSpacing(theme.MARGIN_PX)
        for panel in self.panels:
            maps.addWidget(panel, 1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.MARGIN_PX // 2)
        layout.addLayout(heading)
        layout.addLayout(maps, 1)


def _name() -> QtWidgets.QLabel:
    """Return room for the whole name of a phase, which a choice shows the beginning of."""
    name = theme.label("muted")
    # However long it is, it must not widen the window.
    ignored = QtWidgets.QSizePolicy.Policy.Ignored
    name.setSizePolicy(ignored, QtWidgets.QSizePolicy.Policy.Preferred)
    return name


def _choice() -> QtWidgets.QComboBox:
    choice = QtWidgets.QComboBox()
    choice.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
    choice.setMinimumContentsLength(10)
    return choice


def _list(
    choice: QtWidgets.QComboBox, candidates: tuple[Candidate, ...], place: int
) -> None:
    texts = [wording.shortened(each.text, _MOST_CHARACTERS) for each in candidates]
    if texts != [choice.itemText(index) for index in range(choice.count())]:
        choice.clear()
        for text, each in zip(texts, candidates, strict=True):
            choice.addItem(text, each.key)
    choice.setCurrentIndex(min(place, len(candidates) - 1))


def _place(candidates: tuple[Candidate, ...], key: Key) -> int | None:
    return next((i for i, each in enumerate(candidates) if each.key == key), None)
