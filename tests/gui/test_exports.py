from __future__ import annotations

import json
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
from ltemlive.dashboard.shown.estimates import read_estimate
from ltemlive.errors import WireError
from ltemlive.events import PhaseSigmas
from ltemlive.wire.results import ResultMessage, decode_result, encode_result

WAIT_MS = 60_000
NOBODY = "tcp://127.0.0.1:1"
SURE = {
    "beam": "out_of_image",
    "phase_sigma_rad": np.full((48, 48), 0.05, np.float32),
    "sigmas": PhaseSigmas(0.05, 0.002, 1.3),
}


def heard(message):
    return read_estimate(decode_result(encode_result(message)))


class TracedExporter(Exporter):
    """Coverage follows Python's own threads only, unless it is told."""

    def run(self):
        sys.settrace(threading.gettrace())
        super().run()


class Window(QtCore.QObject):
    """Wishes to export, and what the banner was given."""

    export_wanted = QtCore.Signal(object, object)
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
        message = estimate_of(rev=7, phase_rad=phase, holdout=(1.0, 1.1), **SURE)
        daemon.full = {7: message}
        with closing(Exports(window, daemon.control)):
            window.export_wanted.emit(heard(message), folder)
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
    assert "beam: out_of_image" in told["Info"]
    with h5py.File(folder / "result.nxs") as nexus:
        np.testing.assert_array_equal(nexus["entry/phase/phase"][()], phase)
        assert nexus["entry/phase/phase_errors"][0, 0] == np.float32(0.05)
        report = json.loads(nexus["entry/report"][()])
    assert report["uncertainty"]["phase_rad"] == 0.05
    assert {each.arguments["array"] for each in daemon.requests} == {
        "phase",
        "induction",
        "amplitude",
        "phase_sigma",
    }


def test_what_the_daemon_keeps_no_more_is_written_as_on_screen(
    qtbot, tmp_path, window, fake_daemon, estimate_of
):
    shown = heard(estimate_of(rev=3, **SURE))
    with fake_daemon() as daemon, closing(Exports(window, daemon.control)):
        window.export_wanted.emit(shown, tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    assert "as on screen: nothing published yet" in window.said[1][0]
    with tifffile.TiffFile(tmp_path / "out" / "phase.tif") as tiff:
        np.testing.assert_array_equal(tiff.asarray(), shown.phase_rad)
        assert "as published for the screen" in tiff.imagej_metadata["Info"]
    assert (tmp_path / "out" / "uncertainty.tif").exists()


def test_a_revision_of_another_session_is_not_taken_for_it(
    qtbot, tmp_path, window, fake_daemon, estimate_of
):
    shown = heard(estimate_of(rev=3))
    with fake_daemon() as daemon, closing(Exports(window, daemon.control)):
        daemon.full = {3: estimate_of(rev=3, series="wall")}
        window.export_wanted.emit(shown, tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    assert "another session" in window.said[1][0]


def test_a_second_wish_waits_for_the_first(
    qtbot, tmp_path, window, fake_daemon, estimate_of
):
    message = estimate_of(rev=7)
    shown = heard(message)
    with fake_daemon() as daemon:
        daemon.full = {7: message}
        daemon.is_mute = True
        with closing(Exports(window, daemon.control)):
            window.export_wanted.emit(shown, tmp_path / "a")
            window.export_wanted.emit(shown, tmp_path / "b")
            assert "under way" in window.said[1][0]
            daemon.is_mute = False
            qtbot.waitUntil(lambda: len(window.said) == 3, timeout=WAIT_MS)
    assert not (tmp_path / "b").exists()


def test_without_a_daemon_the_reason_is_said(
    qtbot, tmp_path, window, estimate_of, monkeypatch
):
    short = exporter.ControlClient
    monkeypatch.setattr(
        exporter, "ControlClient", lambda endpoint, keys: short(endpoint, 0.1, keys=keys)
    )
    with closing(Exports(window, NOBODY)):
        window.export_wanted.emit(heard(estimate_of()), tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    assert "expected an answer" in window.said[1][0]


def test_a_folder_that_cannot_be_made_is_said(
    qtbot, tmp_path, window, fake_daemon, estimate_of
):
    (tmp_path / "out").write_text("a file")
    with fake_daemon() as daemon, closing(Exports(window, daemon.control)):
        window.export_wanted.emit(heard(estimate_of()), tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    text, level = window.said[1]
    assert text.startswith("Not exported: ")
    assert level == "error"


def test_an_export_that_fails_in_some_other_way_says_so(
    qtbot, tmp_path, window, fake_daemon, estimate_of, monkeypatch
):
    def broken(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(exporter, "write_export", broken)
    with (
        qtbot.captureExceptions() as raised,
        fake_daemon() as daemon,
        closing(Exports(window, daemon.control)),
    ):
        window.export_wanted.emit(heard(estimate_of()), tmp_path / "out")
        qtbot.waitUntil(lambda: len(window.said) == 2, timeout=WAIT_MS)
    assert "broke off" in window.said[1][0]
    assert raised[0][0] is ZeroDivisionError


def test_an_answer_without_its_array_is_refused(estimate_of):
    whole = estimate_of()
    bare = ResultMessage("estimate", whole.header, {"phase": whole.arrays["phase"]})
    with pytest.raises(WireError, match="expected an array induction"):
        findings_of_messages({"phase": bare, "induction": bare})
