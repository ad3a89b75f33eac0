"""The daemon's threads, sockets and session folder, with a solver that does nothing."""

from __future__ import annotations

import functools
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.camera import Camera, CameraSettings
from ltemlive.cli.emitting import emit
from ltemlive.cli.playback import emit_session
from ltemlive.client import ControlClient, ResultFeed
from ltemlive.daemon import service
from ltemlive.daemon.engines import Engines
from ltemlive.daemon.loading import Solver
from ltemlive.daemon.service import run_daemon
from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.errors import RecordingError, WireError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recording.journal import read_journal
from ltemlive.recording.replay import read_recorded_session
from ltemlive.recording.session import SessionRecorder
from ltemlive.series import Microscope
from ltemlive.settings import Settings
from simulator.schedule import Announcement
from simulator.zmq_emitter import ZmqEmitter

PATIENCE_S = 20.0
SHAPE = (16, 20)
MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=5.0)


class Patient:
    """An engine that takes everything and tells nothing."""

    wants_steps = False
    newest = None

    def __init__(self, *_):
        self.n_frames = 0

    def add(self, frames):
        self.n_frames += len(frames)
        return []

    def refine(self, n_steps):
        return []


class InThisProcess:
    """A solver of this process that is loaded when it is first asked for its device."""

    def __init__(self, settings, *, last_rev, load):
        self._last_rev = last_rev
        self._settings, self._load = settings, load
        self._engines = None

    def close(self):
        pass

    @property
    def device(self):
        self._engines = Engines(self._load(self._settings.threads), self._settings)
        return self._engines.device

    def __getattr__(self, call):
        return getattr(self._engines, call)


class RunningDaemon:
    """A daemon in a thread of this process."""

    def __init__(self, root):
        self._settings = Settings.model_validate(
            {
                "session": {"root": str(root)},
                "input": {"zmq": "tcp://127.0.0.1:0"},
                "output": {
                    "results": "tcp://127.0.0.1:0",
                    "control": "tcp://127.0.0.1:0",
                },
            }
        )
        self.said = {}
        self.has_ended_well = None
        self.stop = threading.Event()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        assert self._is_up.wait(PATIENCE_S)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.wait()

    def wait(self):
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _run(self):
        self.has_ended_well = run_daemon(
            self._settings, stop=self.stop, announce=self._announce
        )

    def _announce(self, line):
        name, value = line.split(maxsplit=1)
        self.said[name] = value.split()[-1]
        if name == "control":
            self._is_up.set()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a way to run a daemon in a ``with`` block, its solver loaded by a function."""

    def running(load=lambda threads: Solver(Patient, None, None, "abacus")):
        solver = functools.partial(InThisProcess, load=load)
        monkeypatch.setattr(service, "SolverProcess", solver)
        return RunningDaemon(tmp_path)

    return running


def take_until(feed, is_it):
    """Return the first message that fits; fail after as many as a minute's heartbeats."""
    for _ in range(600):
        message = feed.take(PATIENCE_S)
        assert message is not None
        if is_it(message):
            return message
    raise AssertionError("it never came")


def is_status(message):
    return message.topic == "status"


def is_status_with(message, **values):
    return is_status(message) and values.items() <= message.header.items()


class Exposures:
    """A series of two images, and as many blank ones as wanted."""

    announcement = Announcement("holes", MICROSCOPE, None, None, "<u2", SHAPE)

    def __init__(self, n_blank=0):
        self._n_blank = n_blank

    def frames(self):
        ramp = np.arange(320, dtype="<u2").reshape(SHAPE)
        images = [ramp, ramp + 1, *[np.zeros(SHAPE, "<u2")] * self._n_blank]
        for seq, image in enumerate(images):
            meta = FrameMeta(seq, defocus_nm=1e5 * seq, pixel_nm=5.0, voltage_kv=200.0)
            yield Frame(meta, image)


def start_series(microscope):
    microscope.start(Exposures.announcement)
    microscope.send(next(Exposures().frames()))
    while not microscope.ack_seconds:
        microscope.sleep(0.01)


def test_it_answers_and_says_that_it_starts_while_the_solver_loads(run):
    is_loaded = threading.Event()

    def load(threads):
        assert is_loaded.wait(PATIENCE_S)
        return Solver(Patient, None, None, "abacus")

    with run(load) as daemon, ResultFeed(daemon.said["results"]) as feed:
        with ControlClient(daemon.said["control"], PATIENCE_S) as control:
            assert control.request("ping").ok
        with ZmqEmitter(daemon.said["input"], producer="test") as microscope:
            start_series(microscope)
        header = take_until(
            feed, lambda each: is_status(each) and each.header["stored"] == 1
        ).header
        assert (header["state"], header["device"], header["queued"]) == (
            "starting",
            None,
            1,
        )
        is_loaded.set()
        header = take_until(
            feed, lambda each: is_status(each) and each.header["queued"] == 0
        ).header
        assert header["device"] == "abacus"


def test_a_paused_solver_has_frames_wait_that_are_stored_all_the_same(run):
    with (
        run() as daemon,
        ResultFeed(daemon.said["results"]) as feed,
        ControlClient(daemon.said["control"], PATIENCE_S) as control,
    ):
        assert control.request("pause").ok
        is_paused = functools.partial(is_status_with, state="paused")
        take_until(feed, is_paused)
        with ZmqEmitter(daemon.said["input"], producer="test") as microscope:
            start_series(microscope)
        header = take_until(
            feed, functools.partial(is_status_with, state="paused", queued=1)
        ).header
        assert header["stored"] == 1
        assert control.request("resume").ok
        take_until(feed, functools.partial(is_status_with, state="waiting", queued=0))


def test_a_reset_gives_the_newest_open_series_another_engine(run):
    engines = []

    def engine(*args):
        engines.append(Patient())
        return engines[-1]

    def is_advice(message):
        return message.topic == "advice"

    with (
        run(lambda threads: Solver(engine, None, None, "abacus")) as daemon,
        ResultFeed(daemon.said["results"]) as feed,
        ControlClient(daemon.said["control"], PATIENCE_S) as control,
    ):
        take_until(feed, is_status)
        assert control.request("reset").ok
        advice = take_until(feed, is_advice)
        assert advice.header["text"] == "reset: no series is open"
        with ZmqEmitter(daemon.said["input"], producer="test") as microscope:
            start_series(microscope)
        take_until(feed, functools.partial(is_status_with, stored=1, queued=0))
        assert control.request("reset").ok
        advice = take_until(feed, is_advice)
        assert advice.header["text"].startswith("holes: reset, it is solved anew")
    # What waits in the mailbox is solved before the daemon ends.
    assert [each.n_frames for each in engines] == [1, 1]


def test_it_ends_well_when_asked_and_gives_its_ports_back(run, tmp_path):
    with run() as daemon, ResultFeed(daemon.said["results"]) as feed:
        take_until(feed, is_status)
        daemon.stop.set()
        take_until(
            feed, lambda each: is_status(each) and each.header["state"] == "stopping"
        )
        daemon.wait()
    assert daemon.has_ended_well
    (session,) = tmp_path.iterdir()
    assert daemon.said["session"] == str(session)
    assert [entry["kind"] for entry in read_journal(session / "journal.jsonl")] == [
        "closed"
    ]


def test_a_thread_that_dies_takes_the_daemon_with_it_and_says_so(run, caplog):
    is_watched = threading.Event()

    def load(threads):
        assert is_watched.wait(PATIENCE_S)
        raise ImportError("no abacus here")

    with run(load) as daemon, ResultFeed(daemon.said["results"]) as feed:
        take_until(feed, is_status)
        is_watched.set()
        take_until(
            feed, lambda each: is_status(each) and each.header["state"] == "stopping"
        )
        daemon.wait()
    assert daemon.has_ended_well is False
    (record,) = (record for record in caplog.records if record.exc_info)
    assert record.getMessage() == "solver died; the daemon stops"
    assert "no abacus here" in record.exc_text


def test_a_solver_that_is_killed_takes_the_daemon_with_it(run, monkeypatch, caplog):
    running = run()
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    process = functools.partial(SolverProcess, command=killed)
    monkeypatch.setattr(service, "SolverProcess", process)
    with running as daemon:
        daemon.wait()
    assert daemon.has_ended_well is False
    (record,) = (record for record in caplog.records if record.exc_info)
    assert "the process that solves ended with status -9" in record.exc_text


def test_a_request_to_end_what_is_not_open_is_answered_with_advice(run):
    with run() as daemon, ResultFeed(daemon.said["results"]) as feed:
        take_until(feed, is_status)
        with ControlClient(daemon.said["control"], PATIENCE_S) as control:
            assert control.request("end_series").ok
        advice = take_until(feed, lambda each: each.topic == "advice").header
        assert (advice["text"], advice["level"]) == (
            "end_series: no series is open",
            "warning",
        )


def test_a_frame_that_is_not_there_cannot_be_used(run):
    with run() as daemon, ResultFeed(daemon.said["results"]) as feed:
        take_until(feed, is_status)
        with ControlClient(daemon.said["control"], PATIENCE_S) as control:
            assert control.request("use_frame", seq=3, use=True).ok
        advice = take_until(feed, lambda each: each.topic == "advice").header
    assert advice["text"].startswith("frame 3: no series is open")
    assert daemon.has_ended_well


def test_a_disk_that_refuses_the_end_of_a_series_does_not_end_the_daemon(run, monkeypatch):
    def refuse(self, ordinal, exit_status):
        raise RecordingError(f"{self.path.name}: cannot be written (No space left)")

    with run() as daemon, ResultFeed(daemon.said["results"]) as feed:
        take_until(feed, is_status)
        with ZmqEmitter(daemon.said["input"], producer="test") as microscope:
            start_series(microscope)
        with ControlClient(daemon.said["control"], PATIENCE_S) as control:
            with monkeypatch.context() as full:
                full.setattr(SessionRecorder, "end_series", refuse)
                assert control.request("end_series").ok
                advice = take_until(feed, lambda each: each.topic == "advice").header
            assert advice["level"] == "error"
            assert advice["text"].startswith("end_series: ")
            assert "No space left" in advice["text"]
            assert control.request("end_series").ok
            advice = take_until(feed, lambda each: each.topic == "advice").header
            assert advice["text"].startswith("no final result: ")
    assert daemon.has_ended_well


def test_a_series_that_is_played_to_it_is_acknowledged(run):
    with run() as daemon:
        endpoint = daemon.said["input"]
        said = emit(Exposures(), ("zmq", endpoint), dead_time_s=0.0)
    assert said == f"2 frames acknowledged by {endpoint}"
    entries = read_journal(Path(daemon.said["session"]) / "journal.jsonl")
    assert [entry["seq"] for entry in entries if entry["kind"] == "stored"] == [0, 1]


def test_a_series_of_which_frames_are_refused_fails_with_the_first_reason(run):
    with run() as daemon:
        endpoint = daemon.said["input"]
        with pytest.raises(WireError) as failure:
            emit(Exposures(n_blank=2), ("zmq", endpoint), dead_time_s=0.0)
    assert str(failure.value) == (
        f"{endpoint}: 2 of 4 frames rejected, the first is 2: frame 2: expected an image, "
        "got the constant value 0 (blank or saturated camera)"
    )


def test_a_recorded_session_that_is_played_to_it_is_recorded_as_it_was(run, tmp_path):
    recorder = SessionRecorder.create(
        tmp_path / "before", settings=Settings(), versions={}, clock=lambda: 1000.0
    )
    with recorder:
        camera = Camera(CameraSettings(flip="up_down"))
        announced = SeriesAnnounced("run-1", "holes")
        recorder.open_series(announced, MICROSCOPE, SHAPE, camera)
        for frame in reversed(list(Exposures().frames())):
            meta = replace(frame.meta, t_exposure_start=900.0, meta={"stage": "left"})
            recorder.store(1, replace(frame, meta=meta), 0, 1000.0)
        recorder.end_series(1, "abandoned")
    recorded = read_recorded_session(recorder.path)
    with run() as daemon:
        endpoint = daemon.said["input"]
        said = list(emit_session(recorded, ("zmq", endpoint), speed=1.0))
    assert said == [
        "holes: its frames are raw, and no camera goes through a socket; the daemon needs "
        f"microscope.camera as in {recorder.path}/series/0001/series.yaml",
        f"2 frames acknowledged by {endpoint}",
    ]
    (again,) = read_recorded_session(Path(daemon.said["session"])).records
    assert again.exit_status == "abort"
    assert [frame.seq for frame in again.frames] == [1, 0]
    assert {frame.t_exposure_start for frame in again.frames} == {900.0}
    assert [frame.meta for frame in again.frames] == [{"stage": "left"}] * 2
