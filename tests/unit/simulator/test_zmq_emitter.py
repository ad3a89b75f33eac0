"""The emitter against a daemon that is a bare ROUTER in the test's own hands."""

from __future__ import annotations

import numpy as np
import pytest
import zmq

from ltemlive.errors import ConfigError, WireError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.series import Microscope
from ltemlive.wire.acks import encode_ack
from ltemlive.wire.codec import decode, encode
from ltemlive.wire.messages import Ack, EndMessage, FrameMessage, Heartbeat, StartMessage
from simulator.schedule import Announcement
from simulator.zmq_emitter import ZmqEmitter


class SteppedClock:
    """Time that passes when a test says so, and a little at every look."""

    def __init__(self, tick_s):
        self.now, self.tick_s = 100.0, tick_s

    def __call__(self):
        self.now += self.tick_s
        return self.now


class BareDaemon:
    """A ROUTER that takes and answers only when it is told to."""

    def __init__(self):
        self.peer = None
        self._bind("tcp://127.0.0.1:*")
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def _bind(self, endpoint):
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(endpoint)

    def close(self):
        self.socket.close()
        # Returns when the address is free again.
        self._context.term()

    def restart(self):
        """Go, and come back under the same address with no memory of anybody."""
        self.close()
        self._bind(self.endpoint)

    def take(self, emitter):
        """Return the next message, the emitter being served meanwhile."""
        while not self.socket.poll(10):
            emitter._serve(0.01)
        self.peer, *parts = self.socket.recv_multipart()
        return decode(parts, max_frame_bytes=2**20)

    def answer(self, type_, seq, status="stored", *, series="a", reason=None, credit=8):
        ack = Ack(series, seq, type_, status, reason, credit)
        self.socket.send_multipart([self.peer, *encode_ack(ack)])


@pytest.fixture
def daemon():
    bare = BareDaemon()
    yield bare
    bare.close()


@pytest.fixture
def emitter(daemon):
    """An emitter in the middle of series "a", to which no second passes by itself."""
    with ZmqEmitter(
        daemon.endpoint, producer="run", clock=SteppedClock(0.0), timeout_s=30.0
    ) as opened:
        opened._series = "a"
        yield opened


def frame_of(seq):
    return Frame(FrameMeta(seq=seq), np.full((16, 16), seq, "|u1"))


def pump(emitter, is_done):
    """Serve until ``is_done``; the test's own time limit ends a wait in vain."""
    while not is_done():
        emitter._serve(0.01)


def test_a_frame_that_is_not_answered_is_sent_again_after_a_second(daemon, emitter):
    emitter.send(frame_of(0))
    assert isinstance(daemon.take(emitter), FrameMessage)
    emitter._clock.now += 0.9
    emitter._serve(0.0)
    assert not daemon.socket.poll(50)
    emitter._clock.now += 0.1
    messages = [daemon.take(emitter), daemon.take(emitter)]
    assert {type(message) for message in messages} == {FrameMessage, Heartbeat}
    daemon.answer("frame", 0)
    pump(emitter, lambda: emitter.ack_seconds)
    assert emitter.ack_seconds == [pytest.approx(1.0)]


def test_the_heart_beats_every_second_with_the_highest_number_sent(daemon, emitter):
    emitter.send(frame_of(4))
    daemon.take(emitter)
    daemon.answer("frame", 4)
    pump(emitter, lambda: emitter.ack_seconds)
    for _ in range(2):
        emitter._clock.now += 1.0
        assert daemon.take(emitter) == Heartbeat("run", "a", 4)


def test_answers_are_taken_while_the_emitter_sleeps(daemon, emitter):
    emitter.send(frame_of(0))
    daemon.take(emitter)
    daemon.answer("frame", 0, "rejected", reason="no voltage")
    emitter._clock.tick_s = 0.01
    while not emitter.rejections:
        emitter.sleep(0.1)
    assert emitter.rejections == [(0, "no voltage")]


def test_answers_about_another_series_and_second_answers_are_left_alone(daemon, emitter):
    emitter.send(frame_of(0))
    daemon.take(emitter)
    daemon.answer("frame", 0, "rejected", series="b", reason="not this one")
    daemon.answer("frame", 0)
    daemon.answer("frame", 0, "duplicate")
    emitter.send(frame_of(1))
    daemon.take(emitter)
    daemon.answer("frame", 1, "rejected")
    pump(emitter, lambda: len(emitter.ack_seconds) == 2)
    assert emitter.rejections == [(1, "no reason given")]


def test_a_frame_that_was_sent_twice_is_answered_twice_and_counts_once(daemon, emitter):
    for _ in range(2):
        emitter.send(frame_of(0))
        assert daemon.take(emitter).frame.meta.seq == 0
    for status in ("stored", "duplicate"):
        daemon.answer("frame", 0, status)
    emitter.send(frame_of(1))
    daemon.take(emitter)
    daemon.answer("frame", 1)
    pump(emitter, lambda: len(emitter.ack_seconds) == 2)
    assert emitter.rejections == []
    assert len(emitter._outbox) == 0


@pytest.fixture
def announced(daemon, emitter):
    """An emitter whose series the daemon has agreed to."""
    emitter._start = encode(StartMessage("run", "a"))
    emitter._is_announced = True
    return emitter


def test_a_series_is_announced_again_to_a_daemon_that_came_back(daemon, announced):
    announced.send(frame_of(0))
    assert isinstance(daemon.take(announced), FrameMessage)
    daemon.restart()
    assert daemon.take(announced) == StartMessage("run", "a")
    assert daemon.take(announced).frame.meta.seq == 0
    daemon.answer("start", None, "ok")
    daemon.answer("frame", 0)
    pump(announced, lambda: not len(announced._outbox))
    announced.send(frame_of(1))
    assert daemon.take(announced).frame.meta.seq == 1, "announced once is enough"


def test_a_daemon_may_be_away_while_there_is_nothing_to_send(daemon, announced):
    announced.send(frame_of(0))
    daemon.take(announced)
    daemon.answer("frame", 0)
    pump(announced, lambda: announced.ack_seconds)
    daemon.restart()
    pump(announced, lambda: not announced._is_announced)
    announced._clock.now += 1000.0
    announced._serve(0.0)
    announced.send(frame_of(1))
    said = daemon.take(announced)
    # Whether the daemon is there in time for the heartbeat is up to the network.
    said = daemon.take(announced) if isinstance(said, Heartbeat) else said
    assert said == StartMessage("run", "a")
    assert daemon.take(announced).frame.meta.seq == 1


def test_a_series_that_is_over_is_not_announced_again(daemon, announced):
    def answering(wait_s, serve=announced._serve):
        serve(wait_s)
        if daemon.socket.poll(0):
            assert isinstance(daemon.take(announced), EndMessage)
            daemon.answer("end", None, "ok")

    announced._serve, serve = answering, announced._serve
    announced.end("success")
    announced._serve = serve
    daemon.restart()
    pump(announced, lambda: not announced._is_announced)
    announced.send(frame_of(1))
    assert isinstance(daemon.take(announced), FrameMessage)


def test_a_refused_copy_leaves_the_frame_to_its_own_answer(daemon, emitter):
    emitter.send_raw([b"copy"], copy_of=0)
    emitter.send(frame_of(0))
    while not daemon.socket.poll(10):
        emitter._serve(0.01)
    daemon.peer, *parts = daemon.socket.recv_multipart()
    assert parts == [b"copy"]
    daemon.take(emitter)
    daemon.answer("frame", 0, "rejected", reason="damaged")
    daemon.answer("frame", 0, "stored")
    pump(emitter, lambda: emitter.ack_seconds)
    assert emitter.rejections == []


def test_a_copy_that_was_lost_does_not_hide_that_the_frame_is_refused(daemon, emitter):
    emitter.send_raw([b"copy"], copy_of=0)
    emitter.send(frame_of(0))
    assert daemon.socket.recv_multipart()[1:] == [b"copy"]
    daemon.take(emitter)
    daemon.answer("frame", 0, "rejected", reason="no voltage")
    pump(emitter, lambda: not emitter._refused_copies)
    emitter._clock.now += 1.0
    while not isinstance(daemon.take(emitter), FrameMessage):
        pass
    daemon.answer("frame", 0, "rejected", reason="no voltage")
    pump(emitter, lambda: emitter.rejections)
    assert emitter.rejections == [(0, "no voltage")]


def test_a_frame_that_is_lost_counts_as_sent(daemon, emitter):
    emitter.lose(frame_of(3))
    emitter._clock.now += 1.0
    assert daemon.take(emitter) == Heartbeat("run", "a", 3)


def test_a_daemon_that_falls_silent_is_an_error_that_says_what_to_do(daemon):
    clock = SteppedClock(0.05)
    with ZmqEmitter(daemon.endpoint, producer="run", clock=clock, timeout_s=2.0) as emitter:
        emitter.send(frame_of(0))
        with pytest.raises(WireError, match=r"within 2 s, got none; start `ltemlive run`"):
            emitter.end("success")


def test_any_bytes_can_be_sent(daemon, emitter):
    emitter.send_raw([b"GET /", b"HTTP/1.1"])
    assert daemon.socket.poll(10_000)
    assert daemon.socket.recv_multipart()[1:] == [b"GET /", b"HTTP/1.1"]


def test_a_series_is_announced_with_its_optics_and_closed_with_its_count(daemon):
    announcement = Announcement(
        series="a",
        microscope=Microscope(voltage_kv=200.0, pixel_nm=5.0, convergence_mrad=0.02),
        n_expected=2,
        plan_defocus_nm=None,
        pixel_type="|u1",
        shape=(16, 16),
    )
    clock = SteppedClock(0.001)
    with ZmqEmitter(
        daemon.endpoint, producer="run", clock=clock, timeout_s=30.0
    ) as emitter:
        said = []

        def answering(wait_s, serve=emitter._serve):
            """Serve the emitter, then answer what it said, as a daemon would."""
            serve(wait_s)
            while daemon.socket.poll(0):
                message = daemon.take(emitter)
                said.append(message)
                if isinstance(message, FrameMessage):
                    daemon.answer("frame", message.frame.meta.seq)
                elif isinstance(message, StartMessage | EndMessage):
                    is_start = isinstance(message, StartMessage)
                    daemon.answer("start" if is_start else "end", None, "ok")

        emitter._serve = answering
        emitter.start(announcement)
        emitter.send(frame_of(0))
        emitter.send(frame_of(1))
        emitter.end("abort")
    start, *_, end = said
    assert (start.n_expected, start.plan_defocus_nm) == (2, None)
    assert start.optics["convergence_mrad"] == 0.02
    assert "voltage_kv" not in start.optics
    assert end == EndMessage("run", "a", 2, "abort")


def test_only_loopback_daemons_are_spoken_to():
    with pytest.raises(ConfigError, match="expected a loopback address"):
        ZmqEmitter("tcp://192.168.1.7:5571", producer="run")
