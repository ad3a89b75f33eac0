"""The foot of the window: point under the pointer, counters, device, daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown import wording

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.content import StatusShown
    from ltemlive.dashboard.shown.snapshot import DisplaySnapshot

_TROUBLE = ("dropped", "disordered", "duplicate", "rejected")
"""Counters that are shown only where something happened."""


class StatusStrip(QtWidgets.QWidget):
    """One quiet line."""

    def __init__(self) -> None:
        super().__init__()
        self.position = theme.label("muted")
        self.counters = theme.label("muted")
        self.daemon = theme.label("muted")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(theme.PADDING_PX, 0, theme.PADDING_PX, 0)
        layout.setSpacing(2 * theme.PADDING_PX)
        layout.addWidget(self.position)
        layout.addStretch()
        layout.addWidget(self.counters)
        layout.addWidget(self.daemon)

    def show_snapshot(self, snapshot: DisplaySnapshot) -> None:
        """Write counters and daemon."""
        if snapshot.status is not None:
            self.counters.setText(counters_text(snapshot.status))
            self.daemon.setText(daemon_text(snapshot.status))


def counters_text(status: StatusShown) -> str:
    """Return the counters of the session; those of trouble only above zero."""
    return "   ".join(
        f"{name} {count}"
        for name, count in status.counters
        if count or name not in _TROUBLE
    )


def daemon_text(status: StatusShown) -> str:
    """Return state, device, session and version of the daemon."""
    device = "no device yet" if status.device is None else status.device
    parts = (status.state, device, status.session, f"ltemlive {status.version}")
    return "  \N{MIDDLE DOT}  ".join(wording.shortened(part, 32) for part in parts)
