"""Producers and the daemon's ROUTER over real loopback sockets."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import zmq

from ltemlive.arrivals import (
    FrameArrived,
    FrameRefused,
    ProducerHeard,
    SeriesAnnounced,
    SeriesClosed,
)
from ltemlive.errors import ConfigError, WireError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.series import Microscope
from ltemlive.sinks.publisher import ResultServer
from ltemlive.sources.acknowledged import ZmqRouterSource
from ltemlive.sources.losses import MAX_SERIES
from ltemlive.wire.acks import decode_ack
from ltemlive.wire.codec import FRAME_MAGIC, encode, pixel_crc32
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat, StartMessage
from simulator.schedule import Announcement
from simulator.zmq_emitter import ZmqEmitter

MIB = 2**20
WAIT_MS = 20_000


def frame_of(seq, value=7):
    image = np.full((16, 20), value, "<u2")
    return Frame(FrameMeta(seq=seq, defocus_nm=-1e5 * seq, pixel_nm=5.0), image)


def message_of(seq, value=7):
    frame = frame_of(seq, value)
    return FrameMessage("run-1", "vortex", frame, pixel_crc32(frame.image))


def announcement_of(n_frames):
    return Announcement(
        series="vortex",
        microscope=Microscope(voltage_kv=200.0, pixel_nm=5.0),
        n_expected=n_frames,
        plan_defocus_nm=(0.0,) * n_frames,
        pixel_type="<u2",
        shape=(16, 20),
    )


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


def take(source, n):
    """Return the next ``n`` arrivals, each acknowledged."""
    stop, taken = threading.Event(), []
    for arrival in chain.from_iterable(source.arrivals(stop)):
        source.acknowledge(arrival.receipt, "stored")
        taken.append(arrival)
        if len(taken) == n:
            stop.set()
    return taken


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


@pytest.fixture
def router():
    with ZmqRouterSource("tcp://127.0.0.1:0", max_frame_bytes=MIB, credit=8) as source:
        yield source


class Daemon:
    """Take all that comes on one thread, as the ingest thread does; list it."""

    def __init__(self, source, answer=lambda _arrival: ("stored", None)):
        self.source, self.answer, self.arrivals = source, answer, []

    def serve(self, stop):
        for arrival in chain.from_iterable(self.source.arrivals(stop)):
            self.arrivals.append(arrival)
            said = self.answer(arrival)
            if said is not None:
                self.source.acknowledge(arrival.receipt, *said)

    def seqs(self):
        return [a.frame.meta.seq for a in self.arrivals if isinstance(a, FrameArrived)]


def test_a_series_arrives_whole_and_every_frame_is_acknowledged(router):
    daemon = Daemon(router)
    with (
        running(daemon.serve),
        ZmqEmitter(router.endpoint, producer="run-1", timeout_s=20.0) as emitter,
    ):
        emitter.start(announcement_of(20))
        for seq in range(20):
            emitter.send(frame_of(seq))
        emitter.end("success")
    assert daemon.seqs() == list(range(20))
    assert len(emitter.ack_seconds) == 20
    assert emitter.rejections == []
    first, last = daemon.arrivals[0], daemon.arrivals[-1]
    assert isinstance(first, SeriesAnnounced)
    assert first.n_expected == 20
    assert first.optics["convergence_mrad"] == 0.01
    assert isinstance(last, SeriesClosed)
    assert (last.n_sent, last.exit_status) == (20, "success")
    assert router.counters.received == 20


def test_frames_without_an_answer_go_to_the_daemon_that_comes_back():
    first = ZmqRouterSource("tcp://127.0.0.1:0", max_frame_bytes=MIB, credit=8)
    silent = Daemon(first, lambda a: None if isinstance(a, FrameArrived) else ("ok", None))
    with ZmqEmitter(first.endpoint, producer="run-1", timeout_s=20.0) as emitter:
        with first, running(silent.serve):
            emitter.start(announcement_of(3))
            for seq in range(3):
                emitter.send(frame_of(seq))
            while len(silent.seqs()) < 3:
                emitter.sleep(0.01)
        with ZmqRouterSource(first.endpoint, max_frame_bytes=MIB, credit=8) as second:
            daemon = Daemon(second)
            with running(daemon.serve):
                emitter.end("success")
    assert daemon.seqs() == [0, 1, 2]
    assert len(emitter.ack_seconds) == 3
    announced = daemon.arrivals[0]
    assert isinstance(announced, SeriesAnnounced), "it never saw the first start"
    assert announced.optics == silent.arrivals[0].optics


def test_the_emitter_waits_while_eight_frames_are_unanswered(router):
    """The daemon answers nothing until it has seen that no ninth frame comes."""
    daemon = Daemon(router, lambda a: None if isinstance(a, FrameArrived) else ("ok", None))
    with (
        running(daemon.serve),
        ZmqEmitter(router.endpoint, producer="run-1", timeout_s=0.5) as emitter,
    ):
        emitter.start(announcement_of(9))
        for seq in range(8):
            emitter.send(frame_of(seq))
        with pytest.raises(WireError, match=r"expected an answer within 0\.5 s"):
            emitter.send(frame_of(8))
    assert set(daemon.seqs()) == set(range(8))


def test_the_emitter_collects_what_the_daemon_would_not_take(router):
    def answer(arrival):
        if isinstance(arrival, FrameArrived) and arrival.frame.meta.seq == 1:
            return "rejected", "defocus: same key, other content"
        return "stored", None

    with (
        running(Daemon(router, answer).serve),
        ZmqEmitter(router.endpoint, producer="run-1", timeout_s=20.0) as emitter,
    ):
        emitter.start(announcement_of(3))
        for seq in range(3):
            emitter.send(frame_of(seq))
        emitter.end("abort")
    assert emitter.rejections == [(1, "defocus: same key, other content")]
    assert router.counters.rejected == 1


def test_a_series_that_the_daemon_refuses_is_an_error_that_says_why(router):
    daemon = Daemon(
        router, lambda _arrival: ("rejected", "border: expected free or periodic")
    )
    with (
        running(daemon.serve),
        ZmqEmitter(router.endpoint, producer="run-1", timeout_s=20.0) as emitter,
        pytest.raises(WireError, match="series vortex refused: border: expected"),
    ):
        emitter.start(announcement_of(1))


def test_the_emitter_says_so_when_there_is_no_daemon(router):
    endpoint = router.endpoint
    router.close()
    with (
        ZmqEmitter(endpoint, producer="run-1", timeout_s=0.3) as emitter,
        pytest.raises(WireError, match="start `ltemlive run`"),
    ):
        emitter.start(announcement_of(1))
    with (
        ZmqEmitter(endpoint, producer="run-1", timeout_s=0.1) as emitter,
        pytest.raises(WireError, match="start `ltemlive run`"),
    ):
        emitter.send_raw([b"anything"])


def test_the_router_lists_unusable_frames_and_serves_on_whatever_peers_send(router):
    unusable = encode(message_of(4))
    unusable[2] = unusable[2][:-1] + b"\xff"
    rubbish = [
        [b""],
        [b"GET / HTTP/1.1"],
        [b"x"] * 50,
        [FRAME_MAGIC, b"[" * 60_000, b""],
        [FRAME_MAGIC, b"{}", b""],
        encode(Heartbeat("run-1", "vortex", 3)),
    ]
    with raw_socket(zmq.DEALER, router.endpoint) as peer:
        for parts in [*rubbish, unusable, encode(message_of(5))]:
            peer.send_multipart(parts)
        heard, refused, arrived = take(router, 3)
        assert heard == ProducerHeard("run-1", "vortex")
        assert isinstance(refused, FrameRefused)
        assert (refused.label, refused.series) == ("4", "vortex")
        assert "damaged on the way" in refused.reason
        assert isinstance(arrived, FrameArrived)
        assert peer.poll(WAIT_MS)
        assert decode_ack(peer.recv_multipart()).seq == 4
    assert router.counters.foreign == 5


def test_made_up_series_have_no_frame_of_another_connection_listed_as_lost(router):
    end = EndMessage("run-1", "vortex", 4, "success")
    with (
        raw_socket(zmq.DEALER, router.endpoint) as honest,
        raw_socket(zmq.DEALER, router.endpoint) as flood,
    ):
        for seq in (0, 1, 3):
            honest.send_multipart(encode(message_of(seq)))
        take(router, 3)
        for number in range(MAX_SERIES + 6):
            message = replace(message_of(0), series=f"made up {number}")
            flood.send_multipart(encode(message))
        take(router, MAX_SERIES + 6)
        honest.send_multipart(encode(end))
        lost, closed = take(router, 2)
    assert (lost.label, type(closed)) == ("2", SeriesClosed)


def test_an_unusable_start_is_answered_with_its_reason(router):
    start = encode(StartMessage("run-1", "vortex"))
    start[1] = start[1].replace(b'"dtype":null', b'"dtype":"<c8"')
    with raw_socket(zmq.DEALER, router.endpoint) as peer:
        peer.send_multipart(start)
        bad_heartbeat = encode(Heartbeat("run-1", "vortex", 3))
        bad_heartbeat[1] = bad_heartbeat[1].replace(b":3", b":-9")
        peer.send_multipart(bad_heartbeat)
        peer.send_multipart(encode(message_of(0)))
        take(router, 1)
        assert peer.poll(WAIT_MS)
        ack = decode_ack(peer.recv_multipart())
    assert (ack.type, ack.status) == ("start", "rejected")
    assert "dtype" in ack.reason


def test_an_oversize_frame_costs_only_its_sender():
    with (
        ZmqRouterSource("tcp://127.0.0.1:0", max_frame_bytes=64 * 1024, credit=8) as router,
        raw_socket(zmq.DEALER, router.endpoint) as bad,
        raw_socket(zmq.DEALER, router.endpoint) as good,
    ):
        bad.send_multipart([FRAME_MAGIC, b"{}", bytes(65 * 1024)])
        good.send_multipart(encode(message_of(0)))
        (arrival,) = take(router, 1)
        assert isinstance(arrival, FrameArrived)


def test_a_frame_that_came_over_a_socket_is_aligned_and_read_only(router):
    with raw_socket(zmq.DEALER, router.endpoint) as peer:
        peer.send_multipart(encode(message_of(0, value=513)))
        (arrival,) = take(router, 1)
    image = arrival.frame.image
    assert (image == 513).all()
    assert image.flags.aligned
    assert not image.flags.writeable


def test_sources_answer_only_their_own_receipts(router):
    router.acknowledge(None, "stored")
    router.acknowledge("somebody else's", "rejected", "why")
    assert router.counters.rejected == 0


@pytest.mark.parametrize(
    "open_socket",
    [
        lambda endpoint: ZmqRouterSource(endpoint, max_frame_bytes=MIB, credit=8),
        lambda endpoint: ResultServer(
            endpoint, "tcp://127.0.0.1:0", clock=time.time, max_rate_hz=10, preview_px=64
        ),
    ],
)
def test_a_taken_address_is_an_error_that_names_it(router, open_socket):
    with pytest.raises(ConfigError, match=f"{router.endpoint}: expected a free address"):
        open_socket(router.endpoint)
    with pytest.raises(ConfigError, match="expected a loopback address"):
        open_socket("tcp://0.0.0.0:5571")
