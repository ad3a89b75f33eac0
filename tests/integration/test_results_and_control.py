"""The results, the requests and their clients over real loopback sockets."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import zmq

from ltemlive.client import ControlClient
from ltemlive.errors import WireError
from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    FrameStored,
    PhaseEstimate,
    SeriesEnded,
    SeriesStarted,
    SessionEnded,
    TieView,
)
from ltemlive.sinks.publisher import ResultServer
from ltemlive.wire.control import (
    Request,
    decode_answer,
    encode_request,
    frame_wish,
    view_wish,
)
from ltemlive.wire.results import DaemonStatus, decode_result

WAIT_MS = 20_000


@contextmanager
def running(target, *args):
    """Run ``target(*args, stop)`` on a thread and end it with the block."""
    stop = threading.Event()
    thread = threading.Thread(target=target, args=(*args, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20.0)
        assert not thread.is_alive()


@contextmanager
def raw_socket(kind, endpoint):
    context = zmq.Context()
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    if endpoint.endswith(":*"):
        socket.bind(endpoint)
    else:
        socket.connect(endpoint)
    try:
        yield socket
    finally:
        socket.close()
        context.term()


def estimate_of(rev, *, is_final=False):
    phase = np.linspace(0.0, rev, 32 * 48, dtype=np.float32).reshape(32, 48)
    return PhaseEstimate(
        ordinal=1,
        series="vortex",
        rev=rev,
        seqs_used=(0,),
        defocus_nm=(0.0,),
        steps=rev,
        gradient_evaluations=rev,
        objective=(1.0,),
        is_final=is_final,
        phase_rad=phase,
        amplitude=np.ones_like(phase),
        pixel_nm=5.0,
        device="cpu",
    )


STATUS = DaemonStatus(
    session="2026-11-23T101500Z",
    state="waiting",
    device=None,
    ordinal=None,
    series=None,
    n_expected=None,
    received=0,
    stored=0,
    dropped=0,
    disordered=0,
    duplicate=0,
    rejected=0,
    queued=0,
    frames=(),
    version="0.1.0",
)


class SteppedClock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def server(clock):
    with ResultServer(
        "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", clock=clock, max_rate_hz=10, preview_px=64
    ) as opened:
        yield opened


@contextmanager
def subscribed(server, topic=b""):
    """Return a subscriber that the server knows of."""
    with raw_socket(zmq.SUB, server.results_endpoint) as subscriber:
        subscriber.subscribe(topic)
        # A PUB does not tell who listens: say something until it is heard.
        while not subscriber.poll(10):
            server.set_status(STATUS)
            server._send_status(even_if_old=True)
        while subscriber.poll(100):
            subscriber.recv()
        yield subscriber


def heard(subscriber):
    assert subscriber.poll(WAIT_MS), "something was published"
    return decode_result(subscriber.recv())


def test_facts_are_published_in_order_and_none_is_left_out(server):
    facts = [
        FrameStored(1, "vortex", seq, defocus_nm=0.0, t_stored=1.0) for seq in range(20)
    ]
    with subscribed(server) as subscriber, running(server.serve):
        for fact in facts:
            server.accept(fact)
        server.accept(FrameRejected("vortex", "f07.tif", "no finite pixel"))
        server.accept(AdviceGiven("take an in-focus frame"))
        messages = []
        while len(messages) < 22:
            message = heard(subscriber)
            messages += [message] if message.topic != "status" else []
    assert [m.header["seq"] for m in messages[:20]] == list(range(20))
    assert messages[20].header["frame"] == "f07.tif"
    assert messages[21].header["text"] == "take an in-focus frame"


def test_the_newest_estimate_wins_and_a_final_one_is_never_skipped(server, clock):
    with subscribed(server, b"") as subscriber, running(server.serve):
        server.accept(estimate_of(1))
        assert heard(subscriber).header["rev"] == 1
        # Time stands still, so only the final one may go out.
        server.accept(estimate_of(2))
        server.accept(estimate_of(3, is_final=True))
        server.accept(estimate_of(4))
        server.accept(estimate_of(5))
        assert heard(subscriber).header["rev"] == 3
        clock.now += 0.2
        assert heard(subscriber).header["rev"] == 5


def test_a_view_is_asked_for_published_and_kept_for_those_that_come_late(server):
    view = TieView(2, "vortex", 3, True, np.ones((128, 96), np.float32), 5.0)
    with (
        subscribed(server) as subscriber,
        running(server.serve),
        ControlClient(server.control_endpoint, 20.0) as client,
    ):
        assert not client.request("view", what="all").ok
        assert client.request("view", what="tie", ordinal=2).ok
        (request,) = server.requests()
        assert view_wish(request) == (None, 2)
        server.accept(view)
        message = heard(subscriber)
        late = decode_result(client.request("latest", topic="view").buffer)
    for each in (message, late):
        assert (each.header["what"], each.header["rev"]) == ("tie", 3)
        assert each.arrays["phase"].shape == (64, 48)


def test_what_is_left_is_published_when_the_server_is_stopped(server):
    stopped = threading.Event()
    stopped.set()
    with subscribed(server) as subscriber:
        server.accept(estimate_of(1))
        server._t_sent["estimate"] = 1000.0
        for seq in range(20):
            server.accept(FrameStored(1, "vortex", seq, defocus_nm=0.0, t_stored=1.0))
        server.accept(SessionEnded("2026-11-23T101500Z"))
        server.set_status(STATUS)
        server.serve(stopped)
        topics = [heard(subscriber).topic for _ in range(22)]
    assert topics == ["frame"] * 20 + ["estimate", "status"]


def test_the_status_beats_once_a_second_and_survives_a_clock_set_back(server, clock):
    with subscribed(server) as subscriber, running(server.serve):
        assert server._t_sent["status"] == 1000.0
        clock.now = 1001.1
        assert heard(subscriber).header["t_published"] == 1001.1
        clock.now = 5.0
        assert heard(subscriber).header["t_published"] == 5.0


def test_a_late_client_asks_for_the_latest_and_gets_what_was_published(server):
    with running(server.serve), ControlClient(server.control_endpoint, 20.0) as client:
        assert client.request("ping").values["version"] == "0.1.0"
        nothing = client.request("latest", topic="estimate")
        assert not nothing.ok
        assert "nothing has been published yet" in nothing.error
        server.accept(estimate_of(1, is_final=True))
        while not (answer := client.request("latest", topic="estimate")).ok:
            pass
        message = decode_result(answer.buffer)
        assert message.header["final"] is True
        assert message.arrays["gradient"].shape == (2, 32, 48)


def test_a_client_gets_in_full_what_is_published_as_a_preview(server):
    estimate = replace(
        estimate_of(3, is_final=True),
        phase_rad=np.arange(96 * 130, dtype=np.float32).reshape(96, 130),
        amplitude=np.ones((96, 130), np.float32),
    )
    server.accept(SeriesStarted(1, "vortex", 5))
    server.accept(FrameStored(1, "vortex", 0, defocus_nm=0.0, t_stored=1.0))
    server.accept(estimate)
    server.accept(SeriesEnded(1, "vortex", "success", "/data/1"))
    with running(server.serve), ControlClient(server.control_endpoint, 20.0) as client:
        while not (answer := client.request("full", array="phase", rev=3)).ok:
            pass
        message = decode_result(answer.buffer)
        np.testing.assert_array_equal(message.arrays["phase"], estimate.phase_rad)
        preview = decode_result(client.request("latest", topic="estimate").buffer)
        assert preview.arrays["phase"].shape == (32, 43)
        while (told := client.request("events", since=0).values)["newest"] < 4:
            pass
    kinds = [event["kind"] for event in told["events"]]
    assert kinds == ["series_started", "stored", "final", "series_ended"]


def test_after_a_large_answer_what_is_to_be_published_comes_first(server):
    large = np.zeros((128, 128), np.float32)
    server.accept(replace(estimate_of(1), phase_rad=large, amplitude=large))
    server._publish()
    arrays = ("phase", "phase", "amplitude")
    with raw_socket(zmq.DEALER, server.control_endpoint) as peer:
        peer.send_multipart(encode_request(Request(0, "ping")))
        for number, array in enumerate(arrays, start=1):
            peer.send_multipart(encode_request(Request(number, "full", {"array": array})))
        answers = []
        for n_answered in (2, 1, 1):
            # A turn that finds no large one has read only what was there by then.
            while not server._answer_some():
                pass
            while len(answers) < 4 and peer.poll(WAIT_MS if n_answered else 0):
                answers.append(decode_answer(peer.recv_multipart()))
                n_answered -= 1
    assert [answer.id for answer in answers] == [0, 1, 2, 3]
    assert [len(answer.buffer) > large.nbytes for answer in answers[1:]] == [True] * 3


def test_requests_for_the_daemon_are_kept_until_it_takes_them(server):
    with running(server.serve), ControlClient(server.control_endpoint, 20.0) as client:
        assert client.request("end_series", series="vortex").ok
        (request,) = server.requests()
        assert (request.op, request.arguments) == ("end_series", {"series": "vortex"})
        assert server.requests() == []
        answers = [client.request("end_series") for _ in range(65)]
    assert [answer.ok for answer in answers] == [True] * 64 + [False]
    assert "busy" in answers[-1].error


def test_a_frame_is_wanted_by_its_number_and_by_nothing_else(server):
    with running(server.serve), ControlClient(server.control_endpoint, 20.0) as client:
        assert client.request("use_frame", seq=3, use=None, ordinal=2).ok
        wrong = [
            client.request("use_frame", **arguments)
            for arguments in ({"seq": 3}, {"seq": "3", "use": True}, {"seq": 3, "use": 1})
        ]
    (request,) = server.requests()
    assert frame_wish(request) == (3, None, 2)
    assert [answer.ok for answer in wrong] == [False] * 3
    assert wrong[0].error == "use_frame: use: expected true, false or null, got nothing"
    assert wrong[1].error.startswith("use_frame: seq: expected a whole number")
    assert wrong[2].error.startswith("use_frame: use: expected true or false")


def test_unknown_requests_are_answered_and_foreign_ones_dropped(server):
    with (
        running(server.serve),
        raw_socket(zmq.DEALER, server.control_endpoint) as peer,
        ControlClient(server.control_endpoint, 20.0) as client,
    ):
        for _ in range(3):
            peer.send_multipart([b"GET /", b"HTTP/1.1"])
        assert "expected one of: ping, latest" in client.request("reboot").error
        assert "expected a topic of" in client.request("latest", topic=["a"]).error
        while server._n_dropped < 3:
            client.request("ping")


def test_a_client_says_so_when_no_daemon_answers(server):
    with (
        ControlClient(server.control_endpoint, timeout_s=0.2) as client,
        pytest.raises(WireError, match="got none; start `ltemlive run`"),
    ):
        client.request("ping")
    endpoint = server.control_endpoint
    server.close()
    with (
        ControlClient(endpoint, timeout_s=0.2) as client,
        pytest.raises(WireError, match=r"expected an answer to ping within 0\.2 s"),
    ):
        client.request("ping")


def test_a_client_ignores_the_answer_to_a_request_it_gave_up(server):
    with ControlClient(server.control_endpoint, timeout_s=0.2) as client:
        with pytest.raises(WireError):
            client.request("ping")
        client._timeout_s = 20.0
        with running(server.serve):
            answer = client.request("latest", topic="status")
    assert answer.id == 2
    assert not answer.ok
