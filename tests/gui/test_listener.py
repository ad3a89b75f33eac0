from __future__ import annotations

import shutil
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from ltemlive.dashboard.listener import EstimateListener
from ltemlive.dashboard.shown.snapshot import banner, connection
from ltemlive.door import Door
from ltemlive.errors import ConfigError
from ltemlive.events import AdviceGiven
from ltemlive.key_making import make_client_keys, make_daemon_keys
from ltemlive.keys import load_client_keys, load_daemon_keys
from ltemlive.sinks.publisher import ResultServer
from ltemlive.wire.results import advice_message

WAIT_MS = 15_000
NOBODY = "tcp://127.0.0.1:1"


class TracedListener(EstimateListener):
    """Coverage follows Python's own threads only, unless it is told."""

    def run(self):
        sys.settrace(threading.gettrace())
        super().run()


class Audience:
    """A listener with everything it handed over; releases at once unless told not to."""

    def __init__(self, listener, *, releases):
        self.listener = listener
        self.snapshots = []
        self.releases = releases
        listener.snapshot_changed.connect(self._take)

    @property
    def last(self):
        return self.snapshots[-1] if self.snapshots else None

    def _take(self, snapshot):
        self.snapshots.append(snapshot)
        if self.releases:
            self.listener.release()


@contextmanager
def listening(results, control, *, releases=True, timeout_s=2.0, keys=None):
    listener = TracedListener(
        results, control, clock=time.monotonic, timeout_s=timeout_s, keys=keys
    )
    audience = Audience(listener, releases=releases)
    listener.start()
    try:
        yield audience
    finally:
        listener.stop()
        listener.snapshot_changed.disconnect()


def shows(audience, rev):
    last = audience.last
    return last is not None and last.estimate is not None and last.estimate.rev == rev


def test_a_late_window_shows_what_was_published_before(
    qtbot, fake_daemon, estimate_of, status_of
):
    with fake_daemon() as daemon:
        daemon.latest = {"status": status_of(), "estimate": estimate_of(rev=7)}
        with listening(daemon.results, daemon.control) as audience:
            qtbot.waitUntil(lambda: shows(audience, 7), timeout=WAIT_MS)
        assert audience.last.status.session == status_of().header["session"]
        assert connection(audience.last, now=time.monotonic()) == "live"
        assert daemon.asked[:2] == ["status", "estimate"]


def test_messages_of_every_topic_that_is_drawn_arrive(
    qtbot, fake_daemon, estimate_of, status_of
):
    with fake_daemon() as daemon, listening(daemon.results, daemon.control) as audience:
        daemon.wait_for_client()
        advice = advice_message(AdviceGiven("Go on to +1.6 mm."), t_published=0.0)
        daemon.publish(status_of(), estimate_of(rev=3), advice)
        qtbot.waitUntil(
            lambda: shows(audience, 3) and audience.last.notice is not None, timeout=WAIT_MS
        )
        assert [row.state for row in audience.last.frames] == ["used", "used", "rejected"]


def test_a_message_that_breaks_the_format_is_dropped_and_the_next_one_shown(
    qtbot, caplog, fake_daemon, estimate_of
):
    with fake_daemon() as daemon, listening(daemon.results, daemon.control) as audience:
        daemon.wait_for_client()
        daemon.publish(b"status\0\xff\xff\xff\xff", b"frame\0")
        qtbot.waitUntil(lambda: caplog.text.count("dropped") == 2, timeout=WAIT_MS)
        daemon.publish(estimate_of(rev=4))
        qtbot.waitUntil(lambda: shows(audience, 4), timeout=WAIT_MS)


def test_a_stalled_window_gets_one_snapshot_and_after_release_the_newest(
    qtbot, fake_daemon, estimate_of, status_of
):
    with (
        fake_daemon() as daemon,
        listening(daemon.results, daemon.control, releases=False) as audience,
    ):
        daemon.wait_for_client()
        qtbot.waitUntil(lambda: len(audience.snapshots) == 1, timeout=WAIT_MS)
        for rev in range(1, 6):
            daemon.publish(estimate_of(rev=rev), status_of(queued=rev))
        merged = audience.listener
        qtbot.waitUntil(
            lambda: (
                merged._snapshot.status is not None
                and dict(merged._snapshot.status.counters)["queued"] == 5
                and merged._snapshot.estimate is not None
                and merged._snapshot.estimate.rev == 5
            ),
            timeout=WAIT_MS,
        )
        assert len(audience.snapshots) == 1
        audience.listener.release()
        qtbot.waitUntil(lambda: len(audience.snapshots) == 2, timeout=WAIT_MS)
        assert shows(audience, 5)


def test_after_a_restart_of_the_daemon_its_new_session_is_shown(
    qtbot, fake_daemon, estimate_of, status_of
):
    with fake_daemon() as first:
        first.latest = {"status": status_of(session="a"), "estimate": estimate_of(rev=9)}
        ports = first.ports
        results, control = first.results, first.control
        with listening(results, control) as audience:
            qtbot.waitUntil(lambda: shows(audience, 9), timeout=WAIT_MS)
            first.__exit__()
            qtbot.waitUntil(lambda: audience.last.link == "down", timeout=WAIT_MS)
            assert shows(audience, 9)
            with fake_daemon(ports) as second:
                second.latest = {
                    "status": status_of(session="b"),
                    "estimate": estimate_of(rev=1),
                }
                qtbot.waitUntil(lambda: shows(audience, 1), timeout=WAIT_MS)
                assert audience.last.link == "up"


def test_a_daemon_that_does_not_answer_at_first_is_asked_again(
    qtbot, caplog, fake_daemon, estimate_of
):
    with fake_daemon() as daemon:
        daemon.is_mute = True
        daemon.latest = {"estimate": estimate_of(rev=2)}
        with listening(daemon.results, daemon.control, timeout_s=0.2) as audience:
            qtbot.waitUntil(lambda: "not known yet" in caplog.text, timeout=WAIT_MS)
            daemon.is_mute = False
            qtbot.waitUntil(lambda: shows(audience, 2), timeout=WAIT_MS)


@contextmanager
def locked_daemon(folder):
    """Yield a result server behind its door; a folder of keys: it asks for them."""
    stop = threading.Event()
    with (
        closing(Door(load_daemon_keys(folder) if folder is not None else None)) as door,
        ResultServer(
            "tcp://127.0.0.1:0",
            "tcp://127.0.0.1:0",
            clock=time.time,
            max_rate_hz=10,
            preview_px=64,
            door=door,
        ) as server,
    ):
        threads = [
            threading.Thread(target=each.serve, args=(stop,)) for each in (door, server)
        ]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_a_window_says_that_its_key_is_not_known_and_opens_once_it_is(qtbot, tmp_path):
    make_daemon_keys(tmp_path / "keys")
    made = make_client_keys(tmp_path / "keys", "window")
    entry = tmp_path / "keys" / "clients" / "window.key"
    entry.unlink()
    with (
        locked_daemon(tmp_path / "keys") as server,
        listening(
            server.results_endpoint, server.control_endpoint, keys=load_client_keys(made)
        ) as audience,
    ):
        qtbot.waitUntil(lambda: audience.last is not None, timeout=WAIT_MS)
        assert audience.last.link == "refused"
        assert "it does not know the key of" in banner(audience.last).text
        shutil.copy(made / "client.key", entry)
        qtbot.waitUntil(lambda: audience.last.link == "up", timeout=WAIT_MS)
        assert banner(audience.last) is None


@pytest.mark.parametrize("who_has_keys", ["daemon", "window"])
def test_a_window_says_that_only_one_side_has_keys(qtbot, tmp_path, who_has_keys):
    make_daemon_keys(tmp_path / "keys")
    made = make_client_keys(tmp_path / "keys", "window")
    keys = load_client_keys(made) if who_has_keys == "window" else None
    folder = tmp_path / "keys" if who_has_keys == "daemon" else None
    with (
        locked_daemon(folder) as server,
        listening(server.results_endpoint, server.control_endpoint, keys=keys) as audience,
    ):
        qtbot.waitUntil(lambda: audience.last is not None, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: audience.last.link == "refused", timeout=WAIT_MS)
        assert "keys" in banner(audience.last).text


def test_with_nobody_there_the_thread_ends_when_asked(qtbot):
    with listening(NOBODY, NOBODY) as audience:
        qtbot.waitUntil(audience.listener.isRunning, timeout=WAIT_MS)
    assert audience.listener.isFinished()
    assert audience.snapshots == []


def test_stopping_twice_or_before_the_start_is_harmless(qtbot):
    listener = EstimateListener(NOBODY, NOBODY, clock=time.monotonic)
    listener.stop()
    listener.stop()
    assert not listener.isRunning()


@pytest.mark.parametrize(
    ("results", "control"),
    [("tcp://192.0.2.1:5572", NOBODY), (NOBODY, "tcp://192.0.2.1:5573")],
)
def test_an_address_on_the_network_is_refused_before_a_thread_starts(results, control):
    with pytest.raises(ConfigError, match="loopback"):
        EstimateListener(results, control, clock=time.monotonic)


def test_results_of_earlier_series_come_after_the_newest_estimate(
    qtbot, fake_daemon, estimate_of, status_of
):
    with fake_daemon() as daemon:
        daemon.latest = {"status": status_of(), "estimate": estimate_of(rev=9, ordinal=3)}
        daemon.full = {
            4: estimate_of(rev=4, ordinal=1, is_final=True),
            7: estimate_of(rev=7, ordinal=2, is_final=True),
        }
        finals = [{"kind": "final", "rev": rev} for rev in (2, 4, 7)]
        daemon.values = {"events": {"events": finals}}
        with listening(daemon.results, daemon.control) as audience:
            qtbot.waitUntil(
                lambda: (
                    audience.last is not None
                    and [each.rev for each in audience.last.history.entries] == [4, 7, 9]
                ),
                timeout=WAIT_MS,
            )
        assert shows(audience, 9)
        # One that the daemon keeps no more is left out.
        asked = [each.arguments["rev"] for each in daemon.requests if each.op == "full"]
        assert asked == [7, 4, 2]
