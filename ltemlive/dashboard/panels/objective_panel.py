"""How the objective falls while the solver works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from ltemlive.dashboard.theme import DARK, TEXT_PX, Theme

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.curves import ObjectiveCurve


_AXIS_WIDTH_PX = 56


class ObjectivePlot(pg.PlotWidget):
    """The objective against the solver step, logarithmic where every value allows it."""

    def __init__(self) -> None:
        super().__init__(
            enableMenu=False,
            axisItems={"left": _ObjectiveAxis("left")},
        )
        self._curve = self.plot(connect="finite")
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.showGrid(x=True, y=True, alpha=0.15)
        for name in ("bottom", "left"):
            self.getAxis(name).enableAutoSIPrefix(False)
        self.wear(DARK)

    def wear(self, worn: Theme) -> None:
        """Draw in the colours of a theme."""
        self.setBackground(worn.card)
        self._curve.setPen(pg.mkPen(worn.accent, width=2))
        for name in ("bottom", "left"):
            axis = self.getAxis(name)
            axis.setPen(worn.line)
            axis.setTextPen(worn.muted)
        style = {"color": worn.muted, "font-size": f"{worn.px(TEXT_PX)}px"}
        self.setLabel("bottom", "solver step", **style)
        self.getAxis("left").setWidth(worn.px(_AXIS_WIDTH_PX))

    def show_curve(self, curve: ObjectiveCurve) -> None:
        """Draw all points."""
        # NaN compares false: a step that diverged is a gap, on either scale.
        self.setLogMode(x=False, y=not any(value <= 0.0 for value in curve.values))
        self._curve.setData(curve.steps, curve.values)


class _ObjectiveAxis(pg.AxisItem):
    """Of a decade only 1, 2 and 5 are written; the others would overlap."""

    def logTickStrings(  # noqa: N802 - pyqtgraph's name
        self, values: list[float], scale: float, spacing: float | None
    ) -> list[str]:
        """Return the texts of ticks at these logarithms."""
        texts = super().logTickStrings(values, scale, spacing)
        leading = [f"{10.0**value:.0e}"[0] for value in values]
        return [
            text if digit in "125" else ""
            for text, digit in zip(texts, leading, strict=True)
        ]
