from __future__ import annotations

import ctypes
import importlib
import os
import signal

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from pyqtgraph.Qt import QtCore, QtGui

from ltemlive.dashboard import libraries
from ltemlive.dashboard.app import run_dashboard
from ltemlive.dashboard.event_loop import run_window
from ltemlive.dashboard.listener import EstimateListener
from ltemlive.errors import ConfigError, LtemLiveError, MissingLibraryError

NOBODY = "tcp://127.0.0.1:1"


def refuse(error):
    def refusal(*_):
        raise error

    return refusal


def test_a_screenshot_of_the_first_estimate_is_written_and_the_window_closed(
    qtbot, tmp_path, fake_daemon, estimate_of, status_of
):
    path = tmp_path / "window.png"
    with fake_daemon() as daemon:
        daemon.latest = {"status": status_of(), "estimate": estimate_of()}
        assert run_dashboard(daemon.results, daemon.control, screenshot=path) == 0
    image = QtGui.QImage(str(path))
    assert (image.width(), image.height()) == (1366, 740)
    assert list(tmp_path.iterdir()) == [path]


def test_without_an_estimate_the_screenshot_is_given_up(qtbot, tmp_path):
    with pytest.raises(LtemLiveError, match=r"expected an estimate within 0\.3 s"):
        run_window(NOBODY, NOBODY, screenshot=tmp_path / "x.png", timeout_s=0.3)
    assert list(tmp_path.iterdir()) == []


def test_a_screenshot_that_cannot_be_written_is_an_error(
    qtbot, tmp_path, fake_daemon, estimate_of
):
    with fake_daemon() as daemon:
        daemon.latest = {"estimate": estimate_of()}
        with pytest.raises(LtemLiveError, match="could not write"):
            run_window(
                daemon.results, daemon.control, screenshot=tmp_path / "missing" / "x.png"
            )


def test_an_interrupt_closes_the_window_and_leaves_the_handler_as_it_was(qtbot):
    before = signal.getsignal(signal.SIGINT)
    QtCore.QTimer.singleShot(200, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert run_window(NOBODY, NOBODY) == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_a_listener_that_dies_takes_the_window_with_it(qtbot, monkeypatch):
    monkeypatch.setattr(EstimateListener, "run", lambda _self: None)
    with pytest.raises(LtemLiveError, match="listening thread ended"):
        run_window(NOBODY, NOBODY)


def test_an_address_on_the_network_is_refused(qtbot):
    with pytest.raises(ConfigError, match="loopback"):
        run_dashboard("tcp://192.0.2.1:5572", NOBODY)


@pytest.mark.parametrize(
    ("environ", "platform"),
    [
        ({"QT_QPA_PLATFORM": "offscreen"}, "offscreen"),
        ({"QT_QPA_PLATFORM": "xcb:option", "DISPLAY": ":0"}, "xcb"),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "wayland"),
        ({"DISPLAY": ":0"}, "xcb"),
        ({}, None),
    ],
)
def test_the_platform_is_read_from_the_environment(monkeypatch, environ, platform):
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    assert libraries.platform_of(environ) == platform


def test_elsewhere_than_on_linux_there_is_a_screen(monkeypatch):
    monkeypatch.setattr(libraries.sys, "platform", "win32")
    assert libraries.platform_of({}) == "native"


def test_without_a_screen_the_user_is_told_where_to_run_it(monkeypatch):
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    with pytest.raises(MissingLibraryError, match="expected a screen"):
        run_dashboard(NOBODY, NOBODY)


def test_a_screenshot_needs_no_screen(monkeypatch, tmp_path):
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        # Set first, so that it is restored whatever the code below puts there.
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    with pytest.raises(ConfigError, match="loopback"):
        run_dashboard("nowhere", NOBODY, screenshot=tmp_path / "x.png")
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_a_library_that_qt_misses_is_named_with_the_line_that_installs_it(monkeypatch):
    missing = ImportError("libEGL.so.1: cannot open shared object file")
    monkeypatch.setattr(importlib, "import_module", refuse(missing))
    with pytest.raises(MissingLibraryError, match=r"libEGL.so.1.*sudo apt install libegl1"):
        libraries.require_qt("offscreen")


def test_on_a_screen_the_libraries_of_its_plugin_are_asked_for_too(monkeypatch):
    missing = OSError("libxcb-cursor.so.0: cannot open shared object file")
    monkeypatch.setattr(ctypes, "CDLL", refuse(missing))
    libraries.require_qt("offscreen")
    with pytest.raises(MissingLibraryError, match=r"libxcb-cursor0"):
        libraries.require_qt("xcb")


def test_a_screen_that_has_all_libraries_will_do(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: None)
    libraries.require_qt("xcb")
