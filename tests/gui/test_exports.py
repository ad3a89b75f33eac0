from __future__ import annotations

import sys
import threading
from contextlib import closing

import h5py
import numpy as np
import pytest
import tifffile

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from pyqtgraph.Qt import QtCore

from ltemlive.dashboard import exporter
from ltemlive.dashboard.exporter import USUAL_FORMATS, Exporter, findings_of_messages
from ltemlive.dashboard.exports import Exports
from ltemlive.errors import WireError
from ltemlive.wire.results import ResultMessage

WAIT_MS = 60_000
NOBODY = "tcp://127.0.0.1:1"


class TracedExporter(Exporter):
    """Coverage follows Python's own threads only, unless it is told."""

    def run(self):
        sys.settrace(threading.gettrace())
        super().run()


class Window(QtCore.QObject):
    """Wishes to export, and what the banner was given."""

    export_wanted = QtCore.Signal(int, object)
    drawn = None

    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, text, level="info"):
        self.said.append((text, level))


@pytest.fixture
def window(qapp):
    return Window()


@pytest.fixture(autouse=True)
def traced(monkeypatch):
    monkeypatch.setattr(exporter, "Exporter", TracedExporter)


def test_the_revision_on_screen_becomes_calibrated_files(
    qtbot, tmp_path, window, fake_daemon, estimate_of
):
    phase = np.random.default_rng(2).normal(size=(48, 48)).astype(np.float32)
    folder = tmp_path / "taken home"
    with fake_daemon() as daemon:
        daemon.full = {7: estimate_of(rev=7, phase_rad=phase, holdout=(1.0, 1.1))}
        with closing(Exports(window, daemon.control)):
            window.export_wanted.emit(7, folder)
            qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    assert window.said[0] == ("Exporting revision 7 ...", "info")
    names = sorted(path.name for path in folder.iterdir())
    assert window.said[1] == (f"Exported {len(names)} files to {folder}", "info")
    assert {name.rsplit(".", 1)[1] for name in names} == set(USUAL_FORMATS)
    with tifffile.TiffFile(folder / "phase.tif") as tiff:
        np.testing.assert_array_equal(tiff.asarray(), phase)
        told = tiff.imagej_metadata
    assert told["unit"] == "nm"
    assert "vortex disc" in told["Info"]
    assert "live" in told["Info"]
    with h5py.File(folder / "result.nxs") as nexus:
        np.testing.assert_array_equal(nexus["entry/phase/phase"][()], phase)
    assert {each.arguments["array"] for each in daemon.requests} == {
        "phase",
        "induction",
        "amplitude",
    }


def test_a_revision_that_the_daemon_keeps_no_more_is_said(
    qtbot, tmp_path, window, fake_daemon
):
    with fake_daemon() as daemon, closing(Exports(window, daemon.control)):
        window.export_wanted.emit(3, tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    text, level = window.said[1]
    assert text.startswith("Not exported: ")
    assert level == "error"
    assert not (tmp_path / "out").exists()


def test_a_second_wish_waits_for_the_first(
    qtbot, tmp_path, window, fake_daemon, estimate_of
):
    with fake_daemon() as daemon:
        daemon.full = {7: estimate_of(rev=7)}
        daemon.is_mute = True
        with closing(Exports(window, daemon.control)):
            window.export_wanted.emit(7, tmp_path / "a")
            window.export_wanted.emit(7, tmp_path / "b")
            assert "under way" in window.said[1][0]
            daemon.is_mute = False
            qtbot.waitUntil(lambda: len(window.said) == 3, timeout=WAIT_MS)
    assert not (tmp_path / "b").exists()


def test_without_a_daemon_the_reason_is_said(qtbot, tmp_path, window, monkeypatch):
    short = exporter.ControlClient
    monkeypatch.setattr(
        exporter, "ControlClient", lambda endpoint, keys: short(endpoint, 0.1, keys=keys)
    )
    with closing(Exports(window, NOBODY)):
        window.export_wanted.emit(1, tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    assert "expected an answer" in window.said[1][0]


def test_an_answer_without_its_array_is_refused(estimate_of):
    whole = estimate_of()
    bare = ResultMessage("estimate", whole.header, {"phase": whole.arrays["phase"]})
    with pytest.raises(WireError, match="expected an array induction"):
        findings_of_messages({"phase": bare, "induction": bare})
