"""The live window: its parts put together. It draws a snapshot and decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.actions import Actions
from ltemlive.dashboard.face import PAGES, Face
from ltemlive.dashboard.panels.key_help import KeyHelp
from ltemlive.dashboard.panels.look_keys import bind_look_keys
from ltemlive.dashboard.pictures import free_path, save_picture
from ltemlive.dashboard.requests import Requests
from ltemlive.dashboard.shown.comparison import candidates
from ltemlive.dashboard.shown.look import Look
from ltemlive.dashboard.shown.own_words import OwnWords, foremost, own_words
from ltemlive.dashboard.shown.snapshot import (
    DisplaySnapshot,
    banner,
    curve_of,
    fits,
    holding,
)
from ltemlive.dashboard.tools.kinds import TOOLS
from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.dashboard.shown.estimates import EstimateShown

REDRAWS_PER_S = 15

_USUAL_SIZE_PX = (1366, 740)


class DashboardWindow(QtWidgets.QMainWindow):
    """Phase, gradient and induction, how they came about, and how far to trust them.

    ``accept`` only keeps the newest snapshot; a timer draws it at a fixed rate, and only
    what changed. ``taken`` tells the listener that it may hand over another one; ``asked``
    brings what the daemon is to do.

    Parameters
    ----------
    clock
        The clock by which the snapshots' ``t_heartbeat`` was read.
    folder
        Where snapshots go; the current folder by default.
    """

    taken = QtCore.Signal()
    asked = QtCore.Signal(str, dict, str)
    """Operation, its arguments, and what to say once it is done."""
    export_wanted = QtCore.Signal(object, object)
    """Revision, and the folder for its files."""

    def __init__(self, *, clock: Callable[[], float], folder: Path | None = None) -> None:
        super().__init__()
        # Rows of an array run down the screen, as everywhere in ltemlive.
        pg.setConfigOptions(imageAxisOrder="row-major")
        self._clock = clock
        self._folder = folder or Path()
        self._newest = DisplaySnapshot()
        self._drawn: DisplaySnapshot | None = None
        self._held: EstimateShown | None = None
        """The revision that stays on screen; None: the newest one."""
        self._estimate: EstimateShown | None = None
        self._said: OwnWords | None = None
        self._look = Look()
        self.actions_ = Actions(self)
        self.requests = Requests(self.actions_, self)
        self.face = Face(self.actions_)
        self.setCentralWidget(self.face)
        self.setWindowTitle("ltemlive")
        self.resize(*_USUAL_SIZE_PX)
        self.help = KeyHelp(self)
        self._connect()
        self.face.wear(theme.theme_of(self._look))
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.redraw)
        self._timer.start(1000 // REDRAWS_PER_S)

    @property
    def drawn(self) -> DisplaySnapshot | None:
        """The snapshot that is on screen."""
        return self._drawn

    @property
    def estimate(self) -> EstimateShown | None:
        """The revision that is on screen, the newest or another one."""
        return self._estimate

    @property
    def look(self) -> Look:
        """What the user has chosen of how things look."""
        return self._look

    @property
    def page(self) -> str:
        """Name of the page that is shown: live, frame or compare."""
        return PAGES[self.face.pages.currentIndex()]

    def set_look(self, look: Look) -> None:
        """Look like this from now on."""
        worn, before = theme.theme_of(look), theme.theme_of(self._look)
        self._look = look
        self.face.live.show_look(look)
        self.face.look.show_look(look)
        if worn != before:
            self.wear(worn)

    def wear(self, worn: theme.Theme) -> None:
        """Dress the whole application in a theme."""
        application = cast("QtWidgets.QApplication", QtWidgets.QApplication.instance())
        theme.apply_theme(application, worn)
        self.face.wear(worn)

    def accept(self, snapshot: DisplaySnapshot) -> None:
        """Keep a snapshot for the next redraw."""
        self._newest = snapshot

    def say(self, text: str, level: str = "info") -> None:
        """Put a sentence of the window's own into the banner for a while."""
        self._said = own_words(text, level, now=self._clock())
        self._show_banner(self._newest)

    def hold(self, estimate: EstimateShown | None) -> None:
        """Keep a revision on screen; None: follow the newest one."""
        self._held = estimate
        with QtCore.QSignalBlocker(self.actions_["freeze"]):
            self.actions_["freeze"].setChecked(estimate is not None)
        self._show_estimate(self._newest)

    def redraw(self) -> None:
        """Draw the newest snapshot where it differs from the one on screen."""
        snapshot = self._newest
        now = self._clock()
        # Ages grow without any message; labels repaint only where their text changes.
        self.face.header.show_snapshot(holding(snapshot, self._held), now=now)
        if self._said is not None and self._said.is_over(now=now):
            self._said = None
            self._show_banner(snapshot)
        self._want_views(snapshot, now)
        if snapshot is self._drawn:
            return
        self._forget_another_session(snapshot)
        self._drawn = snapshot
        self._show_banner(snapshot)
        self.face.strip.show_snapshot(snapshot)
        self.requests.follow(snapshot)
        if self.requests.seq is None:
            self.face.frames.forget()
        self._show_estimate(snapshot)
        self._show_page(snapshot)
        self.taken.emit()

    def _forget_another_session(self, snapshot: DisplaySnapshot) -> None:
        """Let go of what is held of a session that the daemon knows no more."""
        before = self._drawn.status if self._drawn is not None else None
        status = snapshot.status
        if before is not None and status is not None and before.session != status.session:
            self.hold(None)

    def _show_banner(self, snapshot: DisplaySnapshot) -> None:
        self.face.banner.show_notice(foremost(banner(snapshot), self._said))

    def _show_estimate(self, snapshot: DisplaySnapshot) -> None:
        self.face.history.show_history(snapshot.history, self._held)
        shown = holding(snapshot, self._held)
        self.face.frames.show_rows(snapshot.frames, fits(shown))
        estimate = shown.estimate
        if estimate is self._estimate:
            return
        self._estimate = estimate
        self._show_maps()
        self.face.tools.show_estimate(estimate)
        self.face.fit_plot.show_estimate(estimate)
        self.face.objective.show_curve(curve_of(snapshot, estimate))

    def _show_maps(self) -> None:
        """Draw what the live page shows; while another is up, nobody sees it."""
        if self.page == "live":
            self.face.live.show_estimate(self._estimate)

    def _show_page(self, snapshot: DisplaySnapshot) -> None:
        self._show_maps()
        if self.page == "frame":
            seq = self.requests.seq
            rows = [row for row in snapshot.frames if row.seq == seq]
            view = self.requests.view_of(snapshot)
            self.face.frame.show_frame(seq, rows[0] if rows else None, view)
        elif self.page == "compare":
            self.face.compare.show_candidates(candidates(snapshot))

    def _want_views(self, snapshot: DisplaySnapshot, now: float) -> None:
        if self.page == "frame":
            self.requests.want_frame(snapshot, now=now)
        elif self.page == "compare" and self.face.compare.wants_tie:
            self.requests.want_tie(snapshot, now=now)

    def _turn_to(self, page: str) -> None:
        self.face.pages.setCurrentIndex(PAGES.index(page))
        self._show_page(self._newest)

    def _choose_frame(self, seq: int | None) -> None:
        self.requests.choose_frame(seq)
        self._show_page(self._newest)

    def _freeze(self, is_wanted: bool) -> None:
        self.hold((self._estimate or self._newest.estimate) if is_wanted else None)

    def _lock_levels(self, is_locked: bool) -> None:
        for panel in self.face.live.panels:
            panel.hold(is_locked)

    def _fit(self) -> None:
        for page in self.face.made_pages:
            page.fit()

    def _show_tool(self) -> None:
        for tool in TOOLS:
            self.actions_[tool].setChecked(tool == self.face.tools.chosen)

    def _put_away(self) -> None:
        """Close the list of keys, else put the tool away."""
        if self.actions_["keys"].isChecked():
            self.actions_["keys"].setChecked(False)
        else:
            self.face.tools.choose(None)

    def _save_picture(self) -> None:
        try:
            path = free_path(self._folder, self._estimate, ".png")
            save_picture(self, path)
        except (LtemLiveError, OSError) as error:
            self.say(f"No snapshot: {error}", "error")
        else:
            self.say(f"Saved as {path.absolute()}")

    def _export(self) -> None:
        if self._estimate is None:
            self.say("Nothing to export: there is no estimate yet.")
            return
        try:
            folder = free_path(self._folder, self._estimate)
        except OSError as error:
            self.say(f"Not exported: {error}", "error")
        else:
            self.export_wanted.emit(self._estimate, folder)

    def _connect(self) -> None:
        self.face.look.chosen.connect(self.set_look)
        bind_look_keys(self, look=lambda: self._look, set_look=self.set_look)
        actions = self.actions_
        for page in PAGES:
            actions[page].triggered.connect(lambda *_, page=page: self._turn_to(page))
        actions["live"].setChecked(True)
        actions["freeze"].toggled.connect(self._freeze)
        actions["lock"].toggled.connect(self._lock_levels)
        actions["automatic"].triggered.connect(lambda: actions["lock"].setChecked(False))
        actions["fit"].triggered.connect(self._fit)
        actions["earlier"].triggered.connect(lambda: self.face.history.step(-1))
        actions["later"].triggered.connect(lambda: self.face.history.step(1))
        actions["newest"].triggered.connect(lambda: self.hold(None))
        for tool in TOOLS:
            actions[tool].triggered.connect(
                lambda *_, tool=tool: self.face.tools.choose(tool)
            )
        self.face.tools.changed.connect(self._show_tool)
        self.face.tools.said.connect(self.say)
        actions["put_away"].triggered.connect(self._put_away)
        actions["remove"].triggered.connect(self.face.tools.remove)
        actions["snapshot"].triggered.connect(self._save_picture)
        actions["export"].triggered.connect(self._export)
        actions["keys"].toggled.connect(self.help.show_over)
        self.help.closed.connect(lambda: actions["keys"].setChecked(False))
        for panel in self.face.live.levelled:
            panel.dragged.connect(lambda: actions["lock"].setChecked(True))
            panel.released.connect(actions["automatic"].trigger)
        self.face.live.pointed.connect(self.face.strip.position.setText)
        self.face.history.chosen.connect(self.hold)
        self.face.frames.chosen.connect(self._choose_frame)
        for name in ("frame", "aside", "use", "judge"):
            self.face.frames.addAction(actions[name])
        self.requests.asked.connect(self.asked)
