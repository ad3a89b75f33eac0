"""What the maps hold in a rectangle, as a small table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.measured import STATISTICS_HEADINGS, statistics_rows

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.measuring import RegionStatistics

_HINT = "Choose Region (R) and draw a rectangle on any map."
_ROWS = 4


class RegionPanel(QtWidgets.QWidget):
    """One row for each quantity; the induction has one more, for its mean vector."""

    def __init__(self) -> None:
        super().__init__()
        self.heading = theme.label("muted", _HINT)
        self._cells = [
            [theme.label("title" if 0 < column < 5 else "muted") for column in range(6)]
            for _ in range(_ROWS)
        ]
        table = QtWidgets.QGridLayout()
        table.setHorizontalSpacing(2 * theme.PADDING_PX)
        for column, text in enumerate(STATISTICS_HEADINGS):
            table.addWidget(theme.label("muted", text), 0, column)
            for row, cells in enumerate(self._cells):
                table.addWidget(cells[column], row + 1, column)
        table.setColumnStretch(len(STATISTICS_HEADINGS), 1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.heading)
        layout.addLayout(table)
        layout.addStretch()
        for label in self.findChildren(QtWidgets.QLabel):
            label.setTextInteractionFlags(
                QtCore.Qt.TextInteractionFlag.TextSelectableByMouse
            )

    def show_statistics(self, statistics: RegionStatistics | None) -> None:
        """Write every figure; none where there is no region, or nothing in it."""
        empty = ((("",) * len(STATISTICS_HEADINGS)),) * _ROWS
        rows = empty if statistics is None else statistics_rows(statistics)
        for cells, texts in zip(self._cells, rows, strict=True):
            for cell, text in zip(cells, texts, strict=True):
                cell.setText(text)
        self.heading.setText(
            _HINT if statistics is None else f"{statistics.n_pixels} pixels"
        )

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return the texts of the table below its headings."""
        return tuple(tuple(cell.text() for cell in cells) for cells in self._cells)
