import socket
import subprocess

import pytest

from ltemlive.cli import diagnosis
from ltemlive.cli.diagnosis import Finding, port_findings, qt_finding, tensorflow_finding
from ltemlive.errors import MissingLibraryError
from ltemlive.settings import Settings


@pytest.fixture
def tensorflow(monkeypatch):
    """Return a way to say what the other process does that imports TensorFlow."""

    def behaves(status=0, out="", err="", error=None):
        def run(*_, **__):
            if error is not None:
                raise error
            return subprocess.CompletedProcess([], status, out, err)

        monkeypatch.setattr(diagnosis.subprocess, "run", run)

    return behaves


@pytest.fixture
def qt(monkeypatch):
    """Return a way to say what the search for Qt's libraries finds."""

    def finds(error=None, **environ):
        def require(platform):
            if error is not None:
                raise error

        monkeypatch.setattr(diagnosis, "require_qt", require)
        for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

    return finds


def test_tensorflow_tells_its_version_and_device(tensorflow):
    tensorflow(out="2.21.0 on CPU\n")
    assert tensorflow_finding() == Finding("TensorFlow", True, "2.21.0 on CPU")


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (
            {"status": 1, "err": "Traceback\nModuleNotFoundError: No module\n"},
            "ModuleNotFoundError: No module; try: pip install 'tensorflow<2.22'",
        ),
        (
            {"status": -4},
            "ended with status -4; try: pip install 'tensorflow<2.22'",
        ),
        (
            {"error": subprocess.TimeoutExpired("python", 180.0)},
            "no answer in 3 minutes; try again",
        ),
    ],
)
def test_a_tensorflow_that_does_not_come_up_is_missing(tensorflow, behaviour, expected):
    tensorflow(**behaviour)
    assert tensorflow_finding() == Finding("TensorFlow", False, expected)


def test_qt_is_looked_for_on_the_screen_there_is(qt):
    qt(DISPLAY=":0")
    assert qt_finding() == Finding("window", True, "Qt is there, on xcb")
    qt()
    assert qt_finding().detail == "Qt is there; no screen here, so only offscreen"


def test_what_qt_lacks_is_told_with_its_remedy(qt):
    qt(MissingLibraryError("libEGL.so.1 is missing; try: sudo apt install libegl1"))
    finding = qt_finding()
    assert not finding.is_ok
    assert finding.detail.endswith("try: sudo apt install libegl1")


def test_a_port_that_is_taken_is_named_with_its_setting():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        values = {"input": {"zmq": endpoint}, "output": {"results": "tcp://127.0.0.1:0"}}
        settings = Settings.model_validate(values)
        taken_one, free, _ = port_findings(settings)
    assert (taken_one.what, taken_one.is_ok) == ("input.zmq", False)
    assert taken_one.detail == (
        f"{endpoint}: Address already in use; a daemon is running, or use "
        "--set input.zmq=..."
    )
    assert (free.what, free.is_ok) == ("output.results", True)


def test_a_source_that_is_off_needs_no_port():
    settings = Settings.model_validate({"input": {"zmq": None}})
    assert [each.what for each in port_findings(settings)] == [
        "output.results",
        "output.control",
    ]


@pytest.mark.parametrize(("is_ok", "status"), [(True, 0), (False, 1)])
def test_the_command_prints_every_finding_and_fails_if_one_is_missing(
    ltemlive, monkeypatch, is_ok, status
):
    findings = [
        Finding("TensorFlow", True, "2.21.0"),
        Finding("window", is_ok, "try: pip install 'ltemlive[formats]' [/]" + "x" * 99),
    ]
    monkeypatch.setattr(diagnosis, "diagnose", lambda: findings)
    outcome = ltemlive("doctor")
    assert (outcome.status, outcome.err) == (status, "")
    first, second = outcome.out.splitlines()
    assert first == "ok      TensorFlow: 2.21.0"
    assert second == f"{'ok     ' if is_ok else 'missing'} window: {findings[1].detail}"
