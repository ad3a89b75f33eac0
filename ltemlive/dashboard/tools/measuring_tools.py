"""The tools as the window has them: one is chosen, what is drawn stays, numbers follow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard.panels.profile_panel import ProfilePanel
from ltemlive.dashboard.panels.region_panel import RegionPanel
from ltemlive.dashboard.pictures import free_path
from ltemlive.dashboard.shown.measured import (
    QUANTITIES,
    Quantity,
    profile_csv,
    ruler_text,
    values_of,
)
from ltemlive.dashboard.shown.measuring import (
    Profile,
    Region,
    RegionStatistics,
    Segment,
    profile_of,
    statistics_of,
)
from ltemlive.dashboard.tools.kinds import TOOLS, Tool, bind
from ltemlive.dashboard.tools.overlays import DrawingSheet, LineOverlay, RegionOverlay
from ltemlive.dashboard.tools.saving import ask_path, save_text
from ltemlive.errors import RecordingError
from ltemlive.physics.edges import EdgeFit, NoEdge, fit_edge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ltemlive.dashboard.panels.image_panel import ImagePanel
    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.shown.measuring import Point
    from ltemlive.dashboard.theme import Theme

Shape: TypeAlias = Segment | Region
Overlay: TypeAlias = LineOverlay | RegionOverlay

_KEY = QtCore.Qt.Key
_STEPS: dict[QtCore.Qt.Key, Point] = {
    _KEY.Key_Up: (-1.0, 0.0),
    _KEY.Key_Down: (1.0, 0.0),
    _KEY.Key_Left: (0.0, -1.0),
    _KEY.Key_Right: (0.0, 1.0),
}
"""Which way an arrow key moves what is drawn, (y, x) in pixels of the maps."""


class MeasuringTools(QtCore.QObject):
    """Line profile, ruler and region statistics over all maps at once.

    Whatever changes here is read from the properties after ``changed``.

    Parameters
    ----------
    panels
        The maps, which show the same place.
    window
        Where arrow keys move what is drawn.
    ask
        Asks where to save, given a proposal, and calls back with the place if there is one.
    """

    changed = QtCore.Signal()
    wanted = QtCore.Signal(object)
    """The panel of a tool that was chosen."""
    said = QtCore.Signal(str, str)
    """A sentence for the user, and its level."""

    def __init__(
        self,
        panels: Sequence[ImagePanel],
        window: QtWidgets.QWidget,
        *,
        ask: Callable[[QtWidgets.QWidget, Path, Callable[[Path], None]], None] = ask_path,
    ) -> None:
        super().__init__(window)
        self._ask = ask
        self._estimate: EstimateShown | None = None
        self._last_drawn: Tool | None = None
        self._shapes: dict[Tool, Shape | None] = dict.fromkeys(TOOLS)
        self._width_nm = 0.0
        self.chosen: Tool | None = None
        """The tool that a left drag draws with; None: it moves the maps."""
        self.quantity = QUANTITIES[0]
        """What the profile is drawn of, and the edge is sought in."""
        self.profile: Profile | None = None
        """Along the segment, in the newest estimate; None without one of them."""
        self.edge: EdgeFit | NoEdge | None = None
        """The edge in the profile, or why there is none."""
        self.statistics: RegionStatistics | None = None
        """Of the region, in the newest estimate."""
        self.profile_panel = ProfilePanel()
        self.region_panel = RegionPanel()
        views = [panel.view for panel in panels]
        self.sheets = [DrawingSheet(view) for view in views]
        self.overlays: dict[Tool, Sequence[Overlay]] = {
            "profile": [LineOverlay(view, self) for view in views],
            "ruler": [LineOverlay(view, self) for view in views],
            "region": [RegionOverlay(view, self) for view in views],
        }
        self._connect(window)

    @property
    def segment(self) -> Segment | None:
        """Where the profile is taken."""
        shape = self._shapes["profile"]
        return shape if isinstance(shape, Segment) else None

    @property
    def ruler(self) -> Segment | None:
        """What is measured: ask it for its length and its angle."""
        shape = self._shapes["ruler"]
        return shape if isinstance(shape, Segment) else None

    @property
    def region(self) -> Region | None:
        """Whose statistics are told."""
        shape = self._shapes["region"]
        return shape if isinstance(shape, Region) else None

    def show_estimate(self, estimate: EstimateShown | None) -> None:
        """Measure in other maps; without any, what is drawn is hidden until they come."""
        was_empty, self._estimate = self._estimate is None, estimate
        if was_empty or estimate is None:
            for tool in TOOLS:
                self._draw(tool)
            self._show_sheets()
        self._measure(*TOOLS)

    def choose(self, tool: Tool | None) -> None:
        """Draw with another tool; None, or the same again, puts it away."""
        self.chosen = None if tool == self.chosen else tool
        self._show_sheets()
        if self.chosen in ("profile", "region"):
            is_profile = self.chosen == "profile"
            self.wanted.emit(self.profile_panel if is_profile else self.region_panel)
        self.changed.emit()

    def draw(self, start_nm: Point, end_nm: Point) -> None:
        """Draw with the chosen tool from one point (y, x) to another."""
        if self.chosen == "region":
            self.place("region", Region.between(start_nm, end_nm))
        elif self.chosen is not None:
            self.place(self.chosen, Segment(start_nm, end_nm))

    def place(
        self, tool: Tool, shape: Shape | None, *, source: Overlay | None = None
    ) -> None:
        """Put what a tool measures somewhere else, or (None) remove it.

        ``source`` is where the user drags it, and is left alone.
        """
        if tool == "profile" and isinstance(shape, Segment):
            shape = replace(shape, width_nm=self._width_nm)
        self._shapes[tool] = shape
        self._last_drawn = tool
        self._draw(tool, source)
        self._measure(tool)

    def remove(self) -> None:
        """Remove what the chosen tool has drawn; without one, what was drawn last."""
        tool = self.chosen or self._last_drawn
        if tool is not None:
            self.place(tool, None)

    def move(self, y_px: float, x_px: float) -> None:
        """Move what the chosen tool has drawn by some pixels of the maps."""
        shape = None if self.chosen is None else self._shapes[self.chosen]
        if self.chosen is not None and shape is not None and self._estimate is not None:
            pixel_nm = self._estimate.pixel_nm
            self.place(self.chosen, shape.moved(y_px * pixel_nm, x_px * pixel_nm))

    def save(self) -> None:
        """Write the profile as it is now where the user wants it."""
        estimate, segment, profile = self._estimate, self.segment, self.profile
        edge = self.edge
        if estimate is None or segment is None or profile is None or edge is None:
            return
        # While the user looks for a place, other estimates come.
        text = profile_csv(estimate, segment, profile, (self.quantity, edge))
        try:
            proposed = free_path(Path(), estimate, "-profile.csv")
        except OSError as error:
            self.said.emit(f"No profile: {error}", "error")
        else:
            self._ask(self.profile_panel, proposed, partial(self._write, text))

    def wear(self, worn: Theme) -> None:
        """Draw in the colours of a theme."""
        self.profile_panel.wear(worn)
        for overlays in self.overlays.values():
            for overlay in overlays:
                overlay.wear(worn)

    def _draw(self, tool: Tool, source: Overlay | None = None) -> None:
        shape = None if self._estimate is None else self._shapes[tool]
        text = ruler_text(shape) if tool == "ruler" and isinstance(shape, Segment) else ""
        for overlay in self.overlays[tool]:
            # What is in the user's hand is not put back under it.
            (overlay.adorn if overlay is source else overlay.place)(shape, text)

    def _measure(self, *tools: Tool) -> None:
        estimate, segment, region = self._estimate, self.segment, self.region
        if "profile" in tools:
            self.profile = None
            if estimate is not None and segment is not None:
                self.profile = profile_of(estimate, segment)
            self._seek_edge()
        if "region" in tools:
            self.statistics = None
            if estimate is not None and region is not None:
                self.statistics = statistics_of(estimate, region)
            self.region_panel.show_statistics(self.statistics)
        self.changed.emit()

    def _seek_edge(self) -> None:
        profile, self.edge = self.profile, None
        if profile is not None:
            self.edge = fit_edge(profile.distance_nm, values_of(profile, self.quantity))
        self.profile_panel.show_profile(profile, self.quantity, self.edge)

    def _take_quantity(self, quantity: Quantity) -> None:
        self.quantity = quantity
        self._seek_edge()
        self.changed.emit()

    def _take_width(self, width_nm: float) -> None:
        self._width_nm = width_nm
        if self.segment is not None:
            self.place("profile", self.segment)

    def _write(self, text: str, path: Path) -> None:
        try:
            save_text(path, text)
        except RecordingError as error:
            self.said.emit(f"No profile: {error}", "error")
        else:
            self.said.emit(f"Saved as {path.absolute()}", "info")

    def _follow(self, tool: Tool, source: Overlay, shape: Shape) -> None:
        self.place(tool, shape, source=source)

    def _show_sheets(self) -> None:
        for sheet in self.sheets:
            sheet.setVisible(self.chosen is not None and self._estimate is not None)
        for step in self._steps:
            # Otherwise they are the keys of a box that has the focus.
            step.setEnabled(self.chosen is not None)

    def _connect(self, window: QtWidgets.QWidget) -> None:
        self.profile_panel.quantity_chosen.connect(self._take_quantity)
        self.profile_panel.width_chosen.connect(self._take_width)
        self.profile_panel.save_asked.connect(self.save)
        for sheet in self.sheets:
            sheet.drawn.connect(self.draw)
        for tool, overlays in self.overlays.items():
            for overlay in overlays:
                overlay.moved.connect(partial(self._follow, tool, overlay))
        self._steps = [
            bind(key, window, partial(self.move, *step)) for key, step in _STEPS.items()
        ]
        self._show_sheets()
