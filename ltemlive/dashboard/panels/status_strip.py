"""The foot of the window: point under the pointer, counters, device, daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown import wording

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.content import StatusShown
    from ltemlive.dashboard.shown.pace import Pace
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
            told = (counters_text(snapshot.status), pace_text(snapshot.pace))
            self.counters.setText("   ".join(text for text in told if text))
            self.daemon.setText(daemon_text(snapshot.status))


def counters_text(status: StatusShown) -> str:
    """Return the counters of the session; those of trouble only above zero."""
    return "   ".join(
        f"{name} {count}"
        for name, count in status.counters
        if count or name not in _TROUBLE
    )


def pace_text(pace: Pace) -> str:
    """Return how fast frames come and the solver steps; nothing of what rests."""
    told = ((pace.frames_per_s, "frames/s"), (pace.steps_per_s, "steps/s"))
    return "   ".join(f"{rate:.2g} {unit}" for rate, unit in told if rate)


def daemon_text(status: StatusShown) -> str:
    """Return state, device, session and version of the daemon."""
    device = "no device yet" if status.device is None else status.device
    parts = (status.state, device, status.session, f"ltemlive {status.version}")
    return "  \N{MIDDLE DOT}  ".join(wording.shortened(part, 32) for part in parts)
