"""Which series and which of its revisions is shown: one line with a slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.history import NO_HISTORY, revision_text
from ltemlive.dashboard.shown.wording import shortened

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.shown.history import History

_NAME_CHARACTERS = 36
_FOLLOWING = "following the newest"


class HistoryBar(QtWidgets.QWidget):
    """Slide through the revisions of a series; ``chosen`` tells which, None the newest."""

    chosen = QtCore.Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.series = QtWidgets.QComboBox()
        self.series.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.series.setSizeAdjustPolicy(
            QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToContents
        )
        self.slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self.slider.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.slider.setPageStep(1)
        self.label = theme.label("muted", _FOLLOWING)
        self._history = NO_HISTORY
        self._revisions: tuple[EstimateShown, ...] = ()
        self._is_showing = False
        self.series.activated.connect(self._choose_series)
        self.slider.valueChanged.connect(self._choose_place)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(theme.PADDING_PX, 0, theme.PADDING_PX, 0)
        layout.setSpacing(theme.PADDING_PX)
        layout.addWidget(theme.label("muted", "history"))
        layout.addWidget(self.series)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.label)

    def show_history(self, history: History, shown: EstimateShown | None) -> None:
        """List series and revisions; ``shown`` is the one on screen, None the newest."""
        newest = history.entries[-1] if history.entries else None
        on_screen = shown or newest
        ordinal = on_screen.ordinal if on_screen is not None else 0
        self._is_showing = True
        if history is not self._history:
            self._history = history
            self._list_series(history)
        self.series.setCurrentIndex(self.series.findData(ordinal))
        self._revisions = history.of(ordinal)
        self.slider.setRange(0, max(0, len(self._revisions) - 1))
        self.slider.setEnabled(len(self._revisions) > 1)
        self.slider.setValue(self._place(on_screen))
        self.label.setText(_FOLLOWING if shown is None else revision_text(shown))
        # The figures on top are those of the newest; nobody must miss that this is not it.
        theme.set_level(self.label, "" if shown is None else "warning")
        self._is_showing = False

    def step(self, by: int) -> None:
        """Go to the revision ``by`` places later; as far as there are some."""
        self.slider.setValue(self.slider.value() + by)

    def _list_series(self, history: History) -> None:
        named = [
            (f"{ordinal}  {shortened(name, _NAME_CHARACTERS)}", ordinal)
            for ordinal, name in history.series
        ]
        combo = self.series
        listed = [(combo.itemText(i), combo.itemData(i)) for i in range(combo.count())]
        if named != listed:
            combo.clear()
            for text, ordinal in named:
                combo.addItem(text, ordinal)

    def _place(self, estimate: EstimateShown | None) -> int:
        revs = [each.rev for each in self._revisions]
        if estimate is None or estimate.rev not in revs:
            return max(0, len(revs) - 1)
        return revs.index(estimate.rev)

    def _choose_series(self) -> None:
        self._choose(self._history.of(self.series.currentData()), -1)

    def _choose_place(self, place: int) -> None:
        if not self._is_showing:
            self._choose(self._revisions, place)

    def _choose(self, revisions: tuple[EstimateShown, ...], place: int) -> None:
        if not revisions:
            return
        estimate = revisions[place]
        is_newest = estimate is self._history.entries[-1]
        self.chosen.emit(None if is_newest else estimate)
