from __future__ import annotations

import sys
import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from ltemlive.dashboard.courier import Courier
from ltemlive.errors import ConfigError

NOBODY = "tcp://127.0.0.1:1"
WAIT_MS = 15_000


class TracedCourier(Courier):
    """Coverage follows Python's own threads only, unless it is told."""

    def run(self):
        sys.settrace(threading.gettrace())
        super().run()


@contextmanager
def running(endpoint, **options):
    courier = TracedCourier(endpoint, **options)
    courier.told = []
    courier.answered.connect(lambda errand, answer: courier.told.append((errand, answer)))
    courier.failed.connect(lambda errand, reason: courier.told.append((errand, reason)))
    courier.start()
    try:
        yield courier
    finally:
        courier.stop()


def test_an_errand_is_run_and_its_answer_brought(qtbot, fake_daemon):
    with fake_daemon() as daemon:
        daemon.values = {"pause": {"said": 1}}
        with running(daemon.control) as courier:
            assert courier.ask("pause", purpose="button", extra=2)
            qtbot.waitUntil(lambda: bool(courier.told), timeout=WAIT_MS)
    errand, answer = courier.told[0]
    assert (errand.op, errand.purpose) == ("pause", "button")
    assert answer.values == {"said": 1}
    assert daemon.requests[0].arguments == {"extra": 2}


def test_a_refusal_is_told_in_one_line(qtbot, fake_daemon):
    with fake_daemon() as daemon, running(daemon.control) as courier:
        courier.ask("full", array="phase", rev=9)
        qtbot.waitUntil(lambda: bool(courier.told), timeout=WAIT_MS)
    assert courier.told[0][1] == "nothing published yet"


def test_without_a_daemon_the_errand_fails_and_the_next_is_tried(qtbot):
    with running(NOBODY, timeout_s=0.1) as courier:
        courier.ask("pause")
        courier.ask("resume")
        qtbot.waitUntil(lambda: len(courier.told) == 2, timeout=WAIT_MS)
    assert all("expected an answer" in reason for _, reason in courier.told)


def test_more_errands_than_anybody_means_are_refused_at_once():
    courier = Courier(NOBODY)
    assert all(courier.ask("pause") for _ in range(64))
    assert not courier.ask("pause")
    courier.stop()


def test_an_address_on_the_network_is_refused():
    with pytest.raises(ConfigError, match="loopback"):
        Courier("tcp://192.0.2.1:5573")
