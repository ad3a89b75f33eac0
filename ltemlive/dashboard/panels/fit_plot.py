"""How well each frame is predicted by the others: one point a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from ltemlive.dashboard.theme import DARK, TEXT_PX, Theme

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.estimates import EstimateShown

DOUBTFUL_SCORE = 1.5
"""Above it a frame is worth a look; the right model scores frames .95 to 1.05."""
_LEAST_TOP = 2.0
_MOST_TOP = 10.0
_AXIS_WIDTH_PX = 56
_POINT_PX = 9


class FitPlot(pg.PlotWidget):
    """The innovation of each frame used, by seq: 1 is noise alone."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.showGrid(x=False, y=True, alpha=0.15)
        self.points = pg.ScatterPlotItem(pen=None)
        self._expected = pg.InfiniteLine(1.0, angle=0)
        self._worn = DARK
        self._estimate: EstimateShown | None = None
        self.addItem(self._expected)
        self.addItem(self.points)
        for name in ("bottom", "left"):
            self.getAxis(name).enableAutoSIPrefix(False)
        self.wear(DARK)

    def wear(self, worn: Theme) -> None:
        """Draw in the colours of a theme."""
        self._worn = worn
        self.setBackground(worn.card)
        self._expected.setPen(pg.mkPen(worn.muted, width=1))
        for name in ("bottom", "left"):
            axis = self.getAxis(name)
            axis.setPen(worn.line)
            axis.setTextPen(worn.muted)
        self.setLabel("bottom", "frame", **{"font-size": f"{worn.px(TEXT_PX)}px"})
        self.getAxis("left").setWidth(worn.px(_AXIS_WIDTH_PX))
        self.show_estimate(self._estimate)

    def show_estimate(self, estimate: EstimateShown | None) -> None:
        """Draw the scores of an estimate; one beyond the top stands at the top."""
        self._estimate = estimate
        scored = fit_scores(estimate)
        top = min(_MOST_TOP, max(_LEAST_TOP, *(score for _, score in scored), 0.0))
        self.setYRange(0.0, 1.05 * top, padding=0.0)
        self.points.setData(
            [
                {
                    "pos": (seq, min(score, top)),
                    "size": self._worn.px(_POINT_PX),
                    "brush": self._worn.bad
                    if score > DOUBTFUL_SCORE
                    else self._worn.accent,
                }
                for seq, score in scored
            ]
        )


def fit_scores(estimate: EstimateShown | None) -> list[tuple[int, float]]:
    """Return (seq, score) of each frame that has one."""
    fits = {} if estimate is None else estimate.fits
    return [(seq, fit.holdout) for seq, fit in fits.items() if fit.holdout is not None]
