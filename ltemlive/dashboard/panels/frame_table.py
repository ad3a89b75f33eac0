"""The frames of the current series, one row each, with what became of them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, TypeAlias

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.fits import FrameFit
from ltemlive.dashboard.theme import DARK, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.wire.results import FrameRow

HEADINGS = (
    "Frame",
    "Defocus (\N{MICRO SIGN}m)",
    "Shift (px)",
    "Turn (\N{DEGREE SIGN}, %)",
    "Fit",
    "State",
    "Reason",
)
_DEFOCUS, _FIT, _STATE = 1, 4, 5
_WIDTHS_PX = (56, 136, 96, 100, 48, 64)
_ROW_PX = 21
_Index: TypeAlias = QtCore.QModelIndex | QtCore.QPersistentModelIndex


class FrameModel(QtCore.QAbstractTableModel):
    """The rows as Qt's table view asks for them."""

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[FrameRow, ...] = ()
        self._fits: Mapping[int, FrameFit] = {}
        self._colours: Mapping[str, str] = _colours(DARK)

    @property
    def rows(self) -> tuple[FrameRow, ...]:
        """What is shown."""
        return self._rows

    @property
    def fits(self) -> Mapping[int, FrameFit]:
        """How they fit, by seq."""
        return self._fits

    def wear(self, worn: Theme) -> None:
        """Write the states in the colours of a theme."""
        self._colours = _colours(worn)
        if self._rows:
            last = len(self._rows) - 1
            self.dataChanged.emit(self.index(0, _STATE), self.index(last, _STATE))

    def show_rows(self, rows: tuple[FrameRow, ...]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def show_fits(self, fits: Mapping[int, FrameFit]) -> None:
        """Replace what is said of how they fit, where they stand."""
        self._fits = fits
        if self._rows:
            last = len(self._rows) - 1
            self.dataChanged.emit(self.index(0, _DEFOCUS), self.index(last, _FIT))

    def rowCount(self, _parent: _Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of frames."""
        return len(self._rows)

    def columnCount(self, _parent: _Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return len(HEADINGS)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: QtCore.Qt.Orientation, role: int
    ) -> Any:
        """Return the heading of a column."""
        if role == QtCore.Qt.ItemDataRole.DisplayRole:
            is_column = orientation == QtCore.Qt.Orientation.Horizontal
            return HEADINGS[section] if is_column else None
        if role == QtCore.Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = QtCore.Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, alignment or colour of a cell."""
        row, column = self._rows[index.row()], index.column()
        if role == QtCore.Qt.ItemDataRole.DisplayRole:
            return self._cells(row)[column]
        if role == QtCore.Qt.ItemDataRole.ToolTipRole:
            # Qt would take a reason with tags in it for HTML.
            return html.escape(self._cells(row)[column])
        if role == QtCore.Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == QtCore.Qt.ItemDataRole.ForegroundRole and column == _STATE:
            return QtGui.QColor(self._colours[row.state])
        return None

    def _cells(self, row: FrameRow) -> tuple[str, ...]:
        fit = None if row.seq is None else self._fits.get(row.seq)
        return cells(row, fit or FrameFit())


class FrameTable(QtWidgets.QTableView):
    """A table that follows its newest row; ``chosen`` tells the seq the user picks."""

    chosen = QtCore.Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._model = FrameModel(self)
        self.setModel(self._model)
        self.setShowGrid(False)
        views = QtWidgets.QAbstractItemView
        self.setSelectionMode(views.SelectionMode.SingleSelection)
        self.setSelectionBehavior(views.SelectionBehavior.SelectRows)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.ActionsContextMenu)
        self._seq: int | None = None
        self._is_showing = False
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.verticalHeader().hide()
        heading = self.horizontalHeader()
        heading.setStretchLastSection(True)
        heading.setHighlightSections(False)
        self.selectionModel().selectionChanged.connect(self._tell_choice)
        self.wear(DARK)

    @property
    def seq(self) -> int | None:
        """The frame that is chosen."""
        return self._seq

    def choose(self, seq: int | None) -> None:
        """Choose a frame as a click on its row does; None: no frame."""
        self.clearSelection()
        seqs = [row.seq for row in self._model.rows]
        if seq is not None and seq in seqs:
            self.selectRow(seqs.index(seq))

    def forget(self) -> None:
        """Choose no frame, and tell nobody: rows of another series come."""
        self._seq = None
        self.clearSelection()

    def wear(self, worn: Theme) -> None:
        """Take colours and size of text of a theme; columns get their usual widths."""
        self._model.wear(worn)
        self.verticalHeader().setDefaultSectionSize(worn.px(_ROW_PX))
        for column, width_px in enumerate(_WIDTHS_PX):
            self.horizontalHeader().resizeSection(column, worn.px(width_px))

    def show_rows(self, rows: tuple[FrameRow, ...], fits: Mapping[int, FrameFit]) -> None:
        """Replace all rows and show the last, unless the user reads further up."""
        if fits != self._model.fits:
            self._model.show_fits(fits)
        if rows != self._model.rows:
            bar = self.verticalScrollBar()
            place, follows = bar.value(), bar.value() >= bar.maximum()
            self._is_showing = True
            self._model.show_rows(rows)
            self.choose(self._seq)
            self._is_showing = False
            if follows:
                self.scrollToBottom()
            else:
                bar.setValue(place)

    def _tell_choice(self) -> None:
        if self._is_showing:
            return
        chosen = self.selectionModel().selectedRows()
        seq = self._model.rows[chosen[0].row()].seq if chosen else None
        if seq != self._seq:
            self._seq = seq
            self.chosen.emit(seq)


def cells(row: FrameRow, fit: FrameFit) -> tuple[str, ...]:
    """Return the texts of one row, one for each heading."""
    return (
        row.frame,
        wording.defocus_text(row.defocus_nm, fit.defocus_nm),
        wording.shift_text(fit.shift_px),
        wording.turn_text(fit.turn),
        wording.fit_text(fit.holdout),
        row.state,
        row.reason or "",
    )


def _colours(worn: Theme) -> Mapping[str, str]:
    return {
        "stored": worn.muted,
        "used": worn.good,
        "aside": worn.warning,
        "rejected": worn.bad,
    }


def _alignment(column: int) -> QtCore.Qt.AlignmentFlag:
    side = QtCore.Qt.AlignmentFlag
    if column == _FIT:
        # Beside what stands to the left it would run into the state.
        return side.AlignCenter
    return side.AlignVCenter | (side.AlignRight if column < _STATE else side.AlignLeft)
