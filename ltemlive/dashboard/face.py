"""Every part of the window in its place."""

from __future__ import annotations

import functools
from typing import TypeVar, cast

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.actions import Actions, Toolbar
from ltemlive.dashboard.panels.compare_page import ComparePage
from ltemlive.dashboard.panels.fit_plot import FitPlot
from ltemlive.dashboard.panels.frame_page import FramePage
from ltemlive.dashboard.panels.frame_table import FrameTable
from ltemlive.dashboard.panels.header import Banner, Header
from ltemlive.dashboard.panels.history_bar import HistoryBar
from ltemlive.dashboard.panels.live_page import LivePage
from ltemlive.dashboard.panels.look_card import LookButton
from ltemlive.dashboard.panels.objective_panel import ObjectivePlot
from ltemlive.dashboard.panels.status_strip import StatusStrip
from ltemlive.dashboard.tools.measuring_tools import MeasuringTools

PAGES = ("live", "frame", "compare")

_Page = TypeVar("_Page", FramePage, ComparePage)

_LOWER_ROW_PX = 196
_LEAST_CARD_PX = 320
_GAP_PX = 7


class Face(QtWidgets.QWidget):
    """Key figures on top, then a page of maps, then the evidence, then where we are."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.header = Header()
        self.look = LookButton()
        self.toolbar = Toolbar(actions, self.look)
        self.banner = Banner()
        self.live = LivePage()
        self.pages = QtWidgets.QStackedWidget()
        self.frames = FrameTable()
        self.objective = ObjectivePlot()
        self.fit_plot = FitPlot()
        self.tabs = QtWidgets.QTabWidget()
        self.history = HistoryBar()
        self.strip = StatusStrip()
        self.tools = MeasuringTools(self.live.panels, self)
        self.made_pages: tuple[LivePage | FramePage | ComparePage, ...] = (self.live,)
        """Those that there are so far."""
        self._worn = theme.DARK
        for page in PAGES:
            self.pages.addWidget(self.live if page == "live" else QtWidgets.QWidget())
        self.tabs.addTab(self.objective, "Objective")
        self.tabs.addTab(self.fit_plot, "Fit of each frame")
        self.tabs.addTab(self.tools.profile_panel, "Profile")
        self.tabs.addTab(self.tools.region_panel, "Region")
        self.tools.wanted.connect(self.tabs.setCurrentWidget)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.named_splitters = self._split()
        self._lay_out()

    @functools.cached_property
    def frame(self) -> FramePage:
        """The page of one frame, made when it is first wanted."""
        return self._put("frame", FramePage())

    @functools.cached_property
    def compare(self) -> ComparePage:
        """The page of two phases, made when it is first wanted."""
        return self._put("compare", ComparePage())

    def wear(self, worn: theme.Theme) -> None:
        """Dress every part in a theme."""
        self._worn = worn
        for part in (
            self.header, *self.made_pages, self.frames, self.objective, self.fit_plot,
            self.tools,
        ):  # fmt: skip
            part.wear(worn)

    def _put(self, name: str, page: _Page) -> _Page:
        layout = QtWidgets.QVBoxLayout(self.pages.widget(PAGES.index(name)))
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(page)
        page.wear(self._worn)
        self.made_pages = (*self.made_pages, page)
        return page

    def _split(self) -> dict[str, QtWidgets.QSplitter]:
        lower = QtWidgets.QSplitter(QtCore.Qt.Orientation.Horizontal)
        lower.addWidget(_titled("Frames", self.frames))
        lower.addWidget(_carded(self.tabs))
        lower.setSizes([1, 1])
        lower.setStretchFactor(0, 1)
        lower.setStretchFactor(1, 1)
        whole = QtWidgets.QSplitter(QtCore.Qt.Orientation.Vertical)
        whole.addWidget(self.pages)
        whole.addWidget(lower)
        whole.setStretchFactor(0, 2)
        whole.setStretchFactor(1, 1)
        for splitter in (whole, lower):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(theme.MARGIN_PX)
        return {"whole": whole, "lower": lower}

    def _lay_out(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*[theme.MARGIN_PX] * 4)
        layout.setSpacing(_GAP_PX)
        for part in (self.header, self.toolbar, self.banner):
            layout.addWidget(part)
        layout.addWidget(self.named_splitters["whole"], 1)
        layout.addWidget(self.history)
        layout.addWidget(self.strip)


def _titled(title: str, widget: QtWidgets.QWidget) -> QtWidgets.QFrame:
    frame = _carded(widget)
    layout = cast("QtWidgets.QVBoxLayout", frame.layout())
    layout.insertWidget(0, theme.label("title", title))
    return frame


def _carded(widget: QtWidgets.QWidget) -> QtWidgets.QFrame:
    frame = theme.card()
    frame.setMinimumSize(_LEAST_CARD_PX, _LOWER_ROW_PX)
    layout = QtWidgets.QVBoxLayout(frame)
    layout.setContentsMargins(*[theme.PADDING_PX] * 4)
    layout.setSpacing(theme.MARGIN_PX // 2)
    layout.addWidget(widget)
    return frame
