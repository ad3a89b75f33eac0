"""A publisher of frames and our subscription over real loopback sockets."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import chain

import numpy as np
import zmq

from ltemlive.arrivals import FrameArrived, FrameRefused, ProducerHeard, SeriesClosed
from ltemlive.frames import Frame, FrameMeta
from ltemlive.sources.subscriber import ZmqFrameSource
from ltemlive.wire.codec import encode, pixel_crc32
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat

MIB = 2**20
WAIT_MS = 20_000


def frame_of(seq, value=7):
    image = np.full((16, 20), value, "<u2")
    return Frame(FrameMeta(seq=seq, defocus_nm=-1e5 * seq, pixel_nm=5.0), image)


def message_of(seq, value=7):
    frame = frame_of(seq, value)
    return FrameMessage("run-1", "vortex", frame, pixel_crc32(frame.image))


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


def published(messages, *, n_arrivals):
    """Return a source that took what a publisher sent, and what it took."""
    with (
        raw_socket(zmq.XPUB, "tcp://127.0.0.1:*") as publisher,
        ZmqFrameSource(
            publisher.getsockopt_string(zmq.LAST_ENDPOINT), max_frame_bytes=MIB
        ) as source,
    ):
        assert publisher.poll(WAIT_MS), "the subscription has come"
        for parts in messages:
            publisher.send_multipart(parts)
        return source, take(source, n_arrivals)


def test_a_subscription_counts_gaps_and_lists_what_never_came():
    frames = [[b"topic", *encode(message_of(seq))] for seq in (0, 3, 2, 3, 6)]
    end = [b"topic", *encode(EndMessage("run-1", "vortex", 9, "success"))]
    source, arrivals = published([*frames, end, end], n_arrivals=13)
    assert [a.frame.meta.seq for a in arrivals[:5]] == [0, 3, 2, 3, 6]
    for ended in (arrivals[5:9], arrivals[9:]):
        assert [a.label for a in ended[:3]] == ["1", "4-5", "7-8"]
        assert isinstance(ended[3], SeriesClosed)
    counters = source.counters
    assert (counters.received, counters.dropped) == (5, 5)
    assert (counters.disordered, counters.duplicate) == (1, 1)


def test_a_subscription_goes_on_whatever_is_published():
    unusable = encode(message_of(1))
    unusable[1] = unusable[1].replace(b'"dtype":"<u2"', b'"dtype":"<u8"')
    bad_end = encode(EndMessage("run-1", "vortex", 9, "success"))
    bad_end[1] = bad_end[1].replace(b"success", b"perhaps")
    messages = [
        [b"no frame at all"],
        [b"topic", *bad_end],
        [b"topic", *encode(Heartbeat("run-1", "vortex", -1))],
        [b"topic", *encode(message_of(0))],
        [b"topic", *unusable],
        [b"topic", *encode(message_of(2))],
    ]
    source, arrivals = published(messages, n_arrivals=4)
    assert [type(a) for a in arrivals] == [
        ProducerHeard, FrameArrived, FrameRefused, FrameArrived
    ]  # fmt: skip
    assert source.counters.foreign == 2
    assert (source.counters.dropped, source.counters.rejected) == (0, 1)


class Clock:
    """Seconds that pass when it is asked; so a pause is some turns of a loop."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.25
        return self.now


def test_what_the_disk_refuses_comes_again_and_the_end_after_it():
    end = [b"topic", *encode(EndMessage("run-1", "vortex", 3, "success"))]
    messages = [*([b"topic", *encode(message_of(seq))] for seq in range(3)), end]
    refused, stored = {1: 3}, []
    stop = threading.Event()
    with (
        raw_socket(zmq.XPUB, "tcp://127.0.0.1:*") as publisher,
        ZmqFrameSource(
            publisher.getsockopt_string(zmq.LAST_ENDPOINT),
            max_frame_bytes=MIB,
            clock=Clock(),
        ) as source,
    ):
        assert publisher.poll(WAIT_MS), "the subscription has come"
        for parts in messages:
            publisher.send_multipart(parts)
        for arrival in chain.from_iterable(source.arrivals(stop)):
            seq = getattr(arrival, "frame", None) and arrival.frame.meta.seq
            if refused.get(seq):
                refused[seq] -= 1
                continue
            source.acknowledge(arrival.receipt, "stored")
            stored.append("end" if isinstance(arrival, SeriesClosed) else seq)
            if stored[-1] == "end":
                stop.set()
    assert stored == [0, 2, 1, "end"]
    assert (source.counters.received, source.counters.dropped) == (3, 0)


def test_frames_that_nobody_took_until_the_stop_are_counted_as_lost():
    stop = threading.Event()
    with (
        raw_socket(zmq.XPUB, "tcp://127.0.0.1:*") as publisher,
        ZmqFrameSource(
            publisher.getsockopt_string(zmq.LAST_ENDPOINT), max_frame_bytes=MIB
        ) as source,
    ):
        assert publisher.poll(WAIT_MS), "the subscription has come"
        publisher.send_multipart([b"topic", *encode(message_of(0))])
        seen = []
        for arrival in chain.from_iterable(source.arrivals(stop)):
            seen.append(arrival.frame.meta.seq)
            stop.set()
    assert seen == [0, 0]
    assert source.counters.dropped == 1
