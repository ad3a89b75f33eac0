"""A window that is looked at for hours holds no more memory than after a minute."""

from __future__ import annotations

import gc
import os
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.exports import Exports
from ltemlive.dashboard.face import PAGES
from ltemlive.dashboard.shown.history import remembered
from ltemlive.dashboard.shown.look import Look
from ltemlive.dashboard.shown.measuring import Region, Segment
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge, with_link
from ltemlive.dashboard.shown.views import FrameViewShown, TieShown
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.wire.results import decode_result, encode_result

STATM = Path("/proc/self/statm")
SIDE_PX = 192
"""One map less that is let go of at each refresh would be 0.14 MiB."""
HISTORY_BYTES = 4 * 2**20
"""Of the history, so that it is full before anything is measured."""
WARM_UP = 45
MOST_GROWTH_MIB = 20.0

SMALL, LARGE = Look(contours=True), Look(theme="light", text_scale=1.25, axes=True)


def resident_mib():
    gc.collect()
    pages = int(STATM.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Session:
    """A series that goes on, and a user who looks at everything there is."""

    def __init__(self, window, estimate_of, status_of):
        self.window = window
        self._estimate_of, self._status_of = estimate_of, status_of
        self._snapshot = with_link(DisplaySnapshot(), "up")
        self._rev = 0

    def refresh(self):
        self._rev += 1
        rev = self._rev
        rng = np.random.default_rng(rev)
        estimate = self._estimate_of(
            rev=rev,
            steps=24 * rev,
            phase_rad=rng.normal(size=(SIDE_PX, SIDE_PX)).astype(np.float32),
            amplitude=rng.uniform(size=(SIDE_PX, SIDE_PX)).astype(np.float32),
            seqs_used=tuple(range(rev % 30 + 2)),
            defocus_nm=tuple(1e4 * seq for seq in range(rev % 30 + 2)),
            holdout=(1.0,) * (rev % 30 + 2),
        )
        history = self._snapshot.history
        for message in (self._status_of(received=rev), estimate):
            heard = decode_result(bytes(encode_result(message)))
            self._snapshot = merge(self._snapshot, heard, now=float(rev))
        shown = self._snapshot.estimate
        history = remembered(history, shown, most_bytes=HISTORY_BYTES)
        self._snapshot = replace(
            self._snapshot, history=history, frame_view=_view(shown), tie=_tie(shown)
        )
        self._look_at(rev)
        self.window.accept(self._snapshot)
        self.window.redraw()
        QtWidgets.QApplication.processEvents()

    def _look_at(self, rev):
        window = self.window
        if rev % 5 == 0:
            window.actions_[PAGES[rev // 5 % len(PAGES)]].trigger()
        if rev % 7 == 0:
            window.face.frames.choose(1)
            window.face.live.phase.hovered.emit((100.0, 100.0 + rev))
        if rev % 11 == 0:
            window.actions_["freeze"].trigger()
        if rev % 13 == 0:
            window.actions_["earlier"].trigger()
        if rev % 17 == 0:
            window.actions_["newest"].trigger()
            window.say(f"Revision {rev} is looked at.")
        if rev % 30 == 0:
            window.set_look(LARGE if rev % 60 else SMALL)
        if rev % 6 == 0:
            self._measure(float(rev % 100))

    def _measure(self, at_nm):
        tools = self.window.face.tools
        tools.place("profile", Segment((at_nm, at_nm), (1000.0, 1500.0)))
        tools.place("ruler", Segment((at_nm, 1000.0), (1500.0, at_nm)))
        tools.place("region", Region(at_nm, at_nm, 1000.0, 1200.0))


def _view(shown):
    measured = shown.phase_rad + np.float32(1.0)
    residual = shown.phase_rad * np.float32(2.0)
    return FrameViewShown(
        ordinal=shown.ordinal,
        rev=shown.rev,
        seq=1,
        measured=measured,
        predicted=np.ones_like(measured),
        residual=residual,
        pixel_nm=shown.pixel_nm,
        score=1.0,
        reason=None,
    )


def _tie(shown):
    return TieShown(
        shown.ordinal, shown.rev, np.float32(0.9) * shown.phase_rad, shown.pixel_nm
    )


@pytest.fixture
def session(estimate_of, status_of, tmp_path):
    application = pg.mkQApp()
    theme.apply_theme(application)
    window = DashboardWindow(clock=lambda: 0.0, folder=tmp_path)
    window._timer.stop()
    window.set_look(SMALL)
    window.show()
    made = Session(window, estimate_of, status_of)
    del window
    yield made
    if made.window is not None:
        made.window.close()
        made.window.deleteLater()
    theme.apply_theme(application)


def growth_mib(session, n_refreshes):
    for _ in range(WARM_UP):
        session.refresh()
    before = resident_mib()
    for _ in range(n_refreshes):
        session.refresh()
    return resident_mib() - before


@pytest.mark.skipif(not STATM.exists(), reason="no /proc here")
def test_memory_stays_flat_while_everything_is_looked_at(session):
    assert growth_mib(session, 60) < MOST_GROWTH_MIB


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not STATM.exists(), reason="no /proc here")
def test_memory_stays_flat_over_3600_refreshes(session):
    assert growth_mib(session, 3600) < MOST_GROWTH_MIB


def test_a_window_that_was_closed_is_freed_with_its_scenes(session):
    for _ in range(15):
        session.refresh()
    window = session.window
    kept = [window, window.face, window.face.tools, window.face.compare]
    panels = [panel for page in window.face.made_pages for panel in page.panels]
    kept += [part for panel in panels for part in (panel, panel.image, panel.view.scene())]
    assert len(panels) == 9
    names = [type(each).__name__ for each in kept]
    references = [weakref.ref(each) for each in kept]
    window.close()
    window.deleteLater()
    session.window = None
    del window, kept, panels
    deferred = QtCore.QEvent.Type.DeferredDelete
    QtCore.QCoreApplication.sendPostedEvents(None, deferred.value)
    gc.collect()
    alive = [
        name for name, each in zip(names, references, strict=True) if each() is not None
    ]
    assert alive == []


def test_an_export_under_way_ends_before_its_window_is_gone(session, fake_daemon, tmp_path):
    with fake_daemon() as daemon:
        exports = Exports(session.window, daemon.control)
        session.refresh()
        session.window.export_wanted.emit(session.window.estimate, tmp_path / "exported")
        exports.close()
        assert [each.op for each in daemon.requests] == ["full"]
    assert not exports._exporter.isRunning()
    assert (tmp_path / "exported" / "summary.pdf").exists()
