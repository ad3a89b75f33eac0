"""The top of the window: which series, how well we hear the daemon, the key figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.snapshot import Connection, connection, data_age_s, latency_s

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.content import Notice
    from ltemlive.dashboard.shown.snapshot import DisplaySnapshot

_CONNECTIONS: dict[Connection, tuple[str, str]] = {
    "connecting": ("connecting", "warning"),
    "live": ("live", "good"),
    "silent": ("no heartbeat", "warning"),
    "lost": ("connection lost, retrying", "bad"),
    "refused": ("refused by the daemon", "bad"),
}
_TITLE_CHARACTERS = 28
_BANNER_CHARACTERS = 300
_FIGURE_WIDTH_PX = 72


class Header(QtWidgets.QFrame):
    """Title, connection and key figures."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.series = theme.label("figure", wording.NOTHING)
        self.connection = theme.label("title")
        self.figures = {
            name: theme.label("figure", wording.NOTHING)
            for name in ("frames used", "revision", "solver steps", "uncertainty",
                         "data age", "latency")
        }  # fmt: skip
        self._lay_out()

    def show_snapshot(self, snapshot: DisplaySnapshot, *, now: float) -> None:
        """Write every figure; those of the estimate are of the one on screen."""
        text, level = _CONNECTIONS[connection(snapshot, now=now)]
        _write(self.connection, f"\N{BLACK CIRCLE}  {text}")
        theme.set_level(self.connection, level)
        _write(self.series, wording.shortened(_series_title(snapshot), _TITLE_CHARACTERS))
        for name, figure in key_figures(snapshot, now=now).items():
            _write(self.figures[name], figure)

    def wear(self, worn: theme.Theme) -> None:
        """Give the figures room for text of this size."""
        for figure in self.figures.values():
            # Figures that grow by a digit must not push the others about.
            figure.setMinimumWidth(worn.px(_FIGURE_WIDTH_PX))

    def _lay_out(self) -> None:
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(theme.PADDING_PX, 8, theme.PADDING_PX, 8)
        layout.setSpacing(2 * theme.PADDING_PX)
        layout.addLayout(_stack(self.connection, self.series))
        layout.addStretch()
        for name, figure in self.figures.items():
            layout.addLayout(_stack(theme.label("muted", name), figure))


class Banner(QtWidgets.QLabel):
    """One sentence of advice, or why a frame was rejected; hidden where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self.setWordWrap(True)
        # However long a word is, it must not widen the window.
        ignored = QtWidgets.QSizePolicy.Policy.Ignored
        self.setSizePolicy(ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        """Write the sentence in the colour of its level."""
        self.setVisible(notice is not None)
        if notice is not None:
            theme.set_level(self, notice.level)
            self.setText(wording.shortened(notice.text, _BANNER_CHARACTERS))


def key_figures(snapshot: DisplaySnapshot, *, now: float) -> dict[str, str]:
    """Return the large figures of the header by name; a dash where one is not known."""
    estimate = snapshot.estimate
    n_used = len(estimate.seqs_used) if estimate is not None else 0
    status, n_expected = snapshot.status, None
    # While another series begins, how many it expects says nothing of this phase.
    if status is not None and (estimate is None or estimate.ordinal == status.ordinal):
        n_expected = status.n_expected
    return {
        "frames used": f"{n_used}" if n_expected is None else f"{n_used} / {n_expected}",
        "revision": wording.NOTHING if estimate is None else f"{estimate.rev}",
        "solver steps": wording.NOTHING if estimate is None else f"{estimate.steps}",
        "uncertainty": wording.sigma_text(None if estimate is None else estimate.sigmas),
        "data age": wording.age_text(data_age_s(snapshot, now=now)),
        "latency": wording.age_text(latency_s(snapshot)),
    }


def _series_title(snapshot: DisplaySnapshot) -> str:
    if snapshot.estimate is not None:
        ending = "  (final)" if snapshot.estimate.is_final else ""
        return snapshot.estimate.series + ending
    if snapshot.status is not None and snapshot.status.series is not None:
        return snapshot.status.series
    return "Waiting for a series"


def _write(label: QtWidgets.QLabel, text: str) -> None:
    # Setting the same text would still repaint.
    if label.text() != text:
        label.setText(text)


def _stack(upper: QtWidgets.QWidget, lower: QtWidgets.QWidget) -> QtWidgets.QVBoxLayout:
    layout = QtWidgets.QVBoxLayout()
    layout.setSpacing(0)
    layout.addWidget(upper)
    layout.addWidget(lower)
    return layout
