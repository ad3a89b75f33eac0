"""One frame as it was measured, as the phase predicts it, and what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyqtgraph.Qt import QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.map_panel import MapPanel
from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.levels import percentile_levels

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.views import FrameViewShown
    from ltemlive.wire.results import FrameRow

RESIDUAL_LEVELS = (-4.0, 4.0)
"""Noise alone stays within three standard deviations."""
_NOTHING_CHOSEN = "Choose a frame in the table to see how the phase predicts it."
_WAITING = "Frame {seq}: waiting for its prediction"


class FramePage(QtWidgets.QWidget):
    """Three linked images and a line that says how well they agree."""

    def __init__(self) -> None:
        super().__init__()
        self.caption = theme.label("title", _NOTHING_CHOSEN)
        self.measured = MapPanel("Measured", "of the mean", colour_map="CET-L1")
        self.predicted = MapPanel("Predicted", "of the mean", colour_map="CET-L1")
        self.residual = MapPanel(
            "Residual", "standard deviations of the noise", colour_map="CET-D1"
        )
        self.panels = (self.measured, self.predicted, self.residual)
        self._view: FrameViewShown | None = None
        for panel in self.panels[1:]:
            panel.view.setXLink(self.measured.view)
            panel.view.setYLink(self.measured.view)
        for panel in self.panels:
            panel.hovered.connect(self._show_point)
        maps = QtWidgets.QHBoxLayout()
        maps.setSpacing(theme.MARGIN_PX)
        for panel in self.panels:
            maps.addWidget(panel, 1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.MARGIN_PX // 2)
        layout.addWidget(self.caption)
        layout.addLayout(maps, 1)

    def show_frame(
        self, seq: int | None, row: FrameRow | None, view: FrameViewShown | None
    ) -> None:
        """Draw the chosen frame's own ``view``; without one, say what is missing."""
        if seq is None:
            self.caption.setText(_NOTHING_CHOSEN)
        elif view is None:
            self.caption.setText(_WAITING.format(seq=seq))
        else:
            self.caption.setText(caption_text(view, row))
        if seq is None or view is None:
            self._clear()
        elif view is not self._view:
            self._draw(view)

    def fit(self) -> None:
        """Show the whole images."""
        for panel in self.panels:
            panel.fit()

    def wear(self, worn: theme.Theme) -> None:
        """Draw every image in the colours of a theme."""
        for panel in self.panels:
            panel.wear(worn)

    def _draw(self, view: FrameViewShown) -> None:
        self._view = view
        levels = percentile_levels(view.measured)
        for panel, image in (
            (self.measured, view.measured),
            (self.predicted, view.predicted),
        ):
            panel.show_map(image, pixel_nm=view.pixel_nm, levels=levels)
        self.residual.show_map(
            view.residual, pixel_nm=view.pixel_nm, levels=RESIDUAL_LEVELS
        )

    def _clear(self) -> None:
        if self._view is not None:
            self._view = None
            for panel in self.panels:
                panel.clear()

    def _show_point(self, point_nm: tuple[float, float] | None) -> None:
        texts = ["", "", ""]
        if point_nm is not None and self._view is not None:
            view = self._view
            images = (view.measured, view.predicted, view.residual)
            values = [wording.value_at(each, point_nm, view.pixel_nm) for each in images]
            texts = ["" if value is None else wording.value_text(value) for value in values]
        for panel, text in zip(self.panels, texts, strict=True):
            panel.read_out.setText(text)


def caption_text(view: FrameViewShown, row: FrameRow | None) -> str:
    """Return what is known of a frame in one line."""
    parts = [f"Frame {view.seq}"]
    if row is not None and row.defocus_nm is not None:
        parts.append(f"{wording.defocus_text(row.defocus_nm)} \N{MICRO SIGN}m")
    if view.score is not None:
        parts.append(f"fit {wording.fit_text(view.score)}")
    if np.isfinite(view.residual_rms):
        parts.append(f"residual {view.residual_rms:.2f} rms, 1 is noise")
    parts.append(f"predicted by revision {view.rev}")
    if view.reason is not None:
        parts.append(f"set aside: {view.reason}")
    return "   \N{MIDDLE DOT}   ".join(parts)
