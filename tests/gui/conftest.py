"""Offscreen Qt, values to show, and a daemon made of two sockets."""

from __future__ import annotations

import gc
import os
import queue
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import zmq

from ltemlive.events import PhaseEstimate
from ltemlive.wire.control import Answer, decode_request, encode_answer
from ltemlive.wire.estimates import estimate_message
from ltemlive.wire.results import (
    DaemonStatus,
    FrameRow,
    encode_result,
    status_message,
)

# Before anything imports Qt.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

SIDE_PX = 48
T_DAEMON = 1_700_000_000.0


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """Fail a test that leaves a window or a running thread."""
    # What is there by now is of no interest: to look through it takes as long as a test.
    gc.freeze()
    yield
    qt = pytest.importorskip("pyqtgraph.Qt")
    deferred = qt.QtCore.QEvent.Type.DeferredDelete
    qt.QtCore.QCoreApplication.sendPostedEvents(None, deferred.value)
    gc.collect()
    windows = [
        widget
        for widget in qt.QtWidgets.QApplication.topLevelWidgets()
        if isinstance(widget, qt.QtWidgets.QMainWindow) or widget.isVisible()
    ]
    assert windows == []
    running = [
        each
        for each in gc.get_objects()
        if isinstance(each, qt.QtCore.QThread) and each.isRunning()
    ]
    assert running == []
    named = [each.name for each in threading.enumerate() if each.name.startswith("fake")]
    assert named == []


def estimate(**changes):
    """Return an estimate message: a ramp, whose induction is the same everywhere."""
    phase = np.add.outer(np.zeros(SIDE_PX), np.arange(SIDE_PX)).astype(np.float32)
    made = PhaseEstimate(
        ordinal=1,
        series="vortex disc",
        rev=1,
        seqs_used=(0, 1),
        defocus_nm=(0.0, 150_000.0),
        steps=24,
        gradient_evaluations=30,
        objective=tuple(float(value) for value in np.geomspace(3.0, 0.1, 24)),
        is_final=False,
        phase_rad=phase,
        amplitude=np.ones_like(phase),
        pixel_nm=10.0,
        device="CPU",
        t_frame_last=T_DAEMON - 1.0,
    )
    made = replace(made, **changes)
    return estimate_message(made, t_published=T_DAEMON, preview_px=1024)


def status(**changes):
    """Return a heartbeat."""
    made = DaemonStatus(
        session="2026-11-23T101500Z",
        state="solving",
        device="CPU",
        ordinal=1,
        series="vortex disc",
        n_expected=5,
        received=3,
        stored=2,
        dropped=0,
        disordered=0,
        duplicate=0,
        rejected=1,
        queued=0,
        frames=(
            FrameRow(0, "0", 0.0, "stored"),
            FrameRow(1, "1", 150_000.0, "stored"),
            FrameRow(2, "2", -150_000.0, "rejected", "saturated"),
        ),
        version="0.1.0",
    )
    return status_message(replace(made, **changes), t_published=T_DAEMON)


class FakeDaemon:
    """An XPUB and a ROUTER on loopback that answer from dictionaries.

    Every socket is used by the one thread; the test talks to it through a queue.
    """

    def __init__(self, ports=("*", "*")):
        self.latest = {}
        self.full = {}
        """Answers to ``full`` by revision."""
        self.values = {}
        """What answers to other operations hold, by operation."""
        self.is_mute = False
        self.asked = []
        self.requests = []
        self.subscribed = threading.Semaphore(0)
        self._outgoing = queue.Queue()
        self._stopped = threading.Event()
        self._bound = threading.Event()
        self._ports = ports
        self._thread = threading.Thread(target=self._serve, name="fake daemon")

    def __enter__(self):
        self._thread.start()
        assert self._bound.wait(5.0)
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(5.0)

    @property
    def ports(self):
        return tuple(end.rsplit(":", 1)[1] for end in (self.results, self.control))

    def publish(self, *messages):
        for message in messages:
            self._outgoing.put(
                message if isinstance(message, bytes) else encode_result(message)
            )

    def wait_for_client(self):
        """Return once one listener's five subscriptions are in force."""
        for _ in range(5):
            assert self.subscribed.acquire(timeout=10.0)

    def _serve(self):
        with zmq.Context() as context:
            publisher, router = context.socket(zmq.XPUB), context.socket(zmq.ROUTER)
            with publisher, router:
                for socket, port in zip((publisher, router), self._ports, strict=True):
                    socket.linger = 0
                    socket.bind(f"tcp://127.0.0.1:{port}")
                self.results = publisher.getsockopt_string(zmq.LAST_ENDPOINT)
                self.control = router.getsockopt_string(zmq.LAST_ENDPOINT)
                self._bound.set()
                while not self._stopped.is_set():
                    self._take_subscriptions(publisher)
                    self._answer(router)
                    while not self._outgoing.empty():
                        publisher.send(self._outgoing.get())

    def _take_subscriptions(self, publisher):
        while publisher.poll(5):
            if publisher.recv()[:1] == b"\x01":
                self.subscribed.release()

    def _answer(self, router):
        while router.poll(5):
            client, *parts = router.recv_multipart()
            request = decode_request(parts)
            self.requests.append(request)
            if request.op == "latest":
                self.asked.append(request.arguments["topic"])
            if self.is_mute:
                continue
            if request.op not in ("latest", "full"):
                values = self.values.get(request.op, {})
                answer = Answer(request.id, ok=True, values=values)
                router.send_multipart([client, *encode_answer(answer)])
                continue
            of_full = self.full.get(request.arguments.get("rev"))
            message = of_full or self.latest.get(request.arguments.get("topic"))
            answer = (
                Answer(request.id, ok=False, error="nothing published yet")
                if message is None
                else Answer(request.id, ok=True, buffer=encode_result(message))
            )
            router.send_multipart([client, *encode_answer(answer)])


@pytest.fixture(autouse=True)
def choices_of_nobody(tmp_path):
    """Keep what a test chooses out of the user's own file."""
    settings = pytest.importorskip("pyqtgraph.Qt").QtCore.QSettings
    settings.setPath(
        settings.Format.IniFormat, settings.Scope.UserScope, str(tmp_path / "choices")
    )


@pytest.fixture
def estimate_of():
    return estimate


@pytest.fixture
def status_of():
    return status


@pytest.fixture
def fake_daemon():
    """Return a way to open a daemon in a ``with`` block, on given ports or any."""

    @contextmanager
    def opened(ports=("*", "*")):
        with FakeDaemon(ports) as daemon:
            yield daemon

    return opened
