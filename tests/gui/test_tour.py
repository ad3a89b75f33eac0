from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

import pyqtgraph as pg
from pyqtgraph.Qt import QtGui

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.commands import COMMANDS
from ltemlive.dashboard.shown.look import LOOK_KEYS
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge, with_link
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.errors import LtemLiveError
from ltemlive.events import FrameView, PhaseSigmas, TieView
from ltemlive.physics.edges import EdgeShape
from ltemlive.wire.results import decode_result, encode_result
from ltemlive.wire.views import view_message

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = DOCS / "images"
SIDE_PX, PIXEL_NM = 256, 10.0
NOW = 100.0


@pytest.fixture
def tour(monkeypatch):
    """The script that makes the pictures, and the hand that it uses."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("tour")


@pytest.fixture
def page():
    return (DOCS / "tour.md").read_text(encoding="utf-8")


@pytest.fixture
def window(qtbot, qapp, monkeypatch, estimate_of, status_of):
    """A window on a series that has ended, with an edge where the tour measures one."""
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)
    edge = EdgeShape(3.0, 0.075 * SIDE_PX * PIXEL_NM, 10.0, 0.0, 0.0)
    row = edge.at((np.arange(SIDE_PX) + 0.5) * PIXEL_NM)
    phase = np.tile(row, (SIDE_PX, 1)).astype(np.float32)
    told = {"ordinal": 1, "series": "vortex disc", "rev": 2, "is_final": True}
    views = (
        FrameView(**told, seq=1, measured=phase, predicted=phase, residual=phase,
                  pixel_nm=PIXEL_NM, score=1.0),
        TieView(**told, phase_rad=phase, pixel_nm=PIXEL_NM),
    )  # fmt: skip
    sure = {"phase_sigma_rad": 0.1 + 1e-3 * phase, "sigmas": PhaseSigmas(0.1, 0.002, 1.24)}
    messages = (
        status_of(state="waiting"),
        estimate_of(phase_rad=phase, amplitude=phase, rev=1),
        estimate_of(phase_rad=phase, amplitude=phase, rev=2, is_final=True, **sure),
        *(view_message(each, t_published=1.7e9, preview_px=1024) for each in views),
    )
    snapshot = with_link(DisplaySnapshot(), "up")
    for message in messages:
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=NOW)
    theme.apply_theme(qapp)
    made = DashboardWindow(clock=lambda: NOW)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    # Maps are fitted to the room that they have by then.
    qtbot.wait(1)
    made.accept(snapshot)
    return made


def test_every_step_of_the_tour_can_be_taken_and_is_photographed(
    tour, window, tmp_path, monkeypatch
):
    hand_module = importlib.import_module("tour_hand")
    # Small files take the longest.
    monkeypatch.setattr(
        hand_module, "write_small", lambda shot, path: shot.save(str(path), "BMP")
    )
    said = []
    hand = tour.Hand(window, tmp_path, timeout_s=5.0)
    tour.take_tour(hand, say=said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(tour.STEPS)
    images = [QtGui.QImage(str(path)) for path in sorted(tmp_path.iterdir())]
    assert {(each.width(), each.height()) for each in images} == {(1366, 740)}
    assert len(said) == len(tour.STEPS)
    assert all(one != other for i, one in enumerate(images) for other in images[i + 1 :]), (
        "two steps look the same"
    )


@pytest.mark.parametrize("is_noisy", [False, True])
def test_a_picture_stays_small_and_as_it_is_to_the_eye(tour, tmp_path, is_noisy):
    rng = np.random.default_rng(1)
    pixels = np.full((600, 700, 3), 100, np.uint8)
    if is_noisy:
        pixels += rng.integers(0, 100, (600, 700, 1), np.uint8)
    shot = QtGui.QImage(pixels.tobytes(), 700, 600, 2100, QtGui.QImage.Format.Format_RGB888)
    path = tmp_path / "shot.png"
    importlib.import_module("tour_hand").write_small(shot, path)
    assert path.stat().st_size < 400_000
    written = QtGui.QImage(str(path)).convertToFormat(QtGui.QImage.Format.Format_RGB888)
    seen = np.frombuffer(written.constBits(), np.uint8).reshape(600, -1)[:, :2100]
    apart = np.abs(seen.astype(int) - pixels.reshape(600, -1))
    assert apart.max() <= 8


def test_what_is_not_seen_in_time_is_an_error_of_one_line(tour, window, tmp_path):
    hand = tour.Hand(window, tmp_path, timeout_s=0.0)
    with pytest.raises(LtemLiveError, match="expected a unicorn within 0 s"):
        hand.until("a unicorn", lambda: False)


def test_nothing_is_waited_for_that_cannot_come(tour, window, tmp_path):
    def check():
        raise LtemLiveError("the replay ended")

    hand = tour.Hand(window, tmp_path, check=check)
    with pytest.raises(LtemLiveError, match="the replay ended"):
        hand.until("a unicorn", lambda: False)


def test_the_page_shows_what_the_script_makes_and_nothing_else(tour, page):
    shown = re.findall(r"!\[[^]]+\]\(images/([^)]+)\)", page)
    assert sorted(shown) == sorted(tour.STEPS)
    for name in shown:
        path = IMAGES / name
        assert path.is_file(), f"{name}: not there; remedy: make tour"
        assert path.stat().st_size < 400_000


def test_every_key_on_the_page_is_one_of_the_window(page):
    named = re.findall(r"<kbd>([^<]+)</kbd>", page)
    keys = {key for each in (*COMMANDS, *LOOK_KEYS) for key in each.keys}
    assert named
    assert set(named) <= keys
