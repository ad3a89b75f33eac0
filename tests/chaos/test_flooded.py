"""Rubbish on every socket: nothing breaks, nothing grows, and a good producer is served."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
import zmq

from ltemlive.frames import Frame, FrameMeta
from ltemlive.wire.codec import encode, pixel_crc32
from ltemlive.wire.control import Request, encode_request
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat, StartMessage

pytestmark = pytest.mark.timeout(1200)

WAIT_S = 120.0
MAX_GROWTH_KIB = 50 * 2**10
IN_FLIGHT = 500
"""Mutated messages sent before an answer to a question shows that they were read."""

NASTY = (
    None, True, False, 0, -1, 2**31, 2**53, 2**64, -(2**63), 1e308, 0.1, "", "x" * 300,
    "\0", "../../etc", "\u202e", [], [[]], [1, 2, 3], [2**32, 2**32], {}, {"a": {}},
    "<f4", ">u2", "O", "success", "nan", [None] * 50,
)  # fmt: skip


def a_frame(rng):
    image = np.frombuffer(rng.randbytes(512), "<u2").reshape(16, 16)
    meta = FrameMeta(rng.randrange(50), defocus_nm=1e5, pixel_nm=5.0, voltage_kv=200.0)
    frame = Frame(meta, image)
    return FrameMessage("victim", "mutated", frame, pixel_crc32(image))


def a_frame_message(rng):
    """Return the parts of something that a producer may say."""
    series = ("victim", "mutated")
    kind = rng.randrange(5)
    if kind == 0:
        return encode(StartMessage(*series, n_expected=5, plan_defocus_nm=(0.0, 1e5)))
    if kind == 1:
        return encode(EndMessage(*series, 5, "success"))
    if kind == 2:
        return encode(Heartbeat(*series, 3))
    return encode(a_frame(rng))


def a_request(rng):
    """Return the parts of something that a client may ask."""
    ops = ("ping", "latest", "full", "events", "use_frame", "nonsense")
    arguments = {"topic": "status", "array": "phase", "rev": 1, "since": 0, "seq": 1}
    return encode_request(Request(rng.randrange(100), rng.choice(ops), arguments))


def mutated(parts, rng):
    """Return a message with a field, some bytes, or its part structure changed."""
    parts = [bytearray(part) for part in parts]
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(4)
        if kind == 0 and len(parts) > 1:
            _mutate_field(parts, rng)
        elif kind == 1:
            _mutate_structure(parts, rng)
        elif parts:
            _mutate_bytes(rng.choice(parts), rng)
    return [bytes(part) for part in parts]


def _mutate_field(parts, rng):
    with contextlib.suppress(ValueError, RecursionError):
        header = json.loads(bytes(parts[1]))
        if isinstance(header, dict) and header:
            key = rng.choice([*header, "unknown"])
            if rng.random() < 0.2:
                header.pop(key, None)
            else:
                header[key] = rng.choice(NASTY)
            parts[1] = bytearray(json.dumps(header).encode())


def _mutate_structure(parts, rng):
    place = rng.randrange(len(parts) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        parts.insert(place, bytearray(rng.randbytes(rng.randrange(64))))
    elif kind == 1 and parts:
        parts.pop(place - 1)
    elif kind == 2:
        rng.shuffle(parts)
    else:
        parts += [bytearray()] * rng.randrange(20)


def _mutate_bytes(part, rng):
    place = rng.randrange(len(part) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        part[place : place + 1] = rng.randbytes(1)
    elif kind == 1:
        del part[place:]
    elif kind == 2:
        part[place:place] = rng.randbytes(rng.randrange(1, 100))
    else:
        part[place:place] = b"[" * rng.randrange(1, 5000)


def resident_kib(pid):
    """Return how much memory a process has."""
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    return int(line.split()[1])


@contextlib.contextmanager
def peer(kind, endpoint):
    context = zmq.Context()
    sock = context.socket(kind)
    sock.setsockopt(zmq.LINGER, 0)
    sock.setsockopt(zmq.SNDTIMEO, int(WAIT_S * 1000.0))
    sock.connect(endpoint)
    try:
        yield sock
    finally:
        sock.close()
        context.term()


def flood(endpoint, made, n, seed):
    """Send mutated messages and read whatever is answered; a good one now and then shows
    that what came before was read."""
    rng = random.Random(seed)
    probe = made(rng)
    with peer(zmq.DEALER, endpoint) as sock:
        for number in range(1, n + 1):
            with contextlib.suppress(zmq.ZMQError):
                sock.send_multipart(mutated(made(rng), rng) or [b""])
            while sock.poll(0):
                sock.recv_multipart()
            if number % IN_FLIGHT == 0 or number == n:
                sock.send_multipart(probe)
                assert sock.poll(int(WAIT_S * 1000.0)), f"no answer after {number}"


def pour(endpoint, n, seed):
    """Speak something else than ZMQ to a port."""
    host, port = endpoint.removeprefix("tcp://").split(":")
    rng = random.Random(seed)
    for _ in range(n):
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, int(port)), timeout=5.0) as stream,
        ):
            greeting = b"\xff" + bytes(8) + b"\x7f\x03" if rng.random() < 0.5 else b""
            stream.sendall(greeting + rng.randbytes(rng.randrange(1, 2000)))


def floods(laboratory, n, seed):
    """Return what each thread does that floods a socket, by name."""
    frames, results, control = (f"tcp://127.0.0.1:{port}" for port in laboratory.ports)
    return [
        lambda: flood(frames, a_frame_message, n, seed),
        lambda: flood(control, a_request, n, seed),
        lambda: [pour(each, n // 100, seed) for each in (frames, results, control)],
        lambda: subscribe_wrongly(results, n, seed),
    ]


def subscribe_wrongly(endpoint, n, seed):
    """Send whatever to the socket that publishes: it reads subscriptions only."""
    rng = random.Random(seed)
    with peer(zmq.XSUB, endpoint) as sock:
        for _ in range(n):
            with contextlib.suppress(zmq.ZMQError):
                sock.send(rng.randbytes(rng.randrange(1, 200)))


@pytest.mark.parametrize("n", [2_000, pytest.param(100_000, marks=pytest.mark.chaos)])
def test_rubbish_on_every_socket_changes_nothing_for_a_good_producer(
    laboratory, undisturbed, n
):
    laboratory.settings = (*laboratory.settings, f"input.max_frame_bytes={8 * 2**20}")
    failures = []

    def run(act):
        try:
            act()
        except BaseException as error:
            failures.append(error)
            raise

    with laboratory.daemon() as running:
        laboratory.await_status(lambda status: status.get("device"))
        for act in floods(laboratory, 500, seed=0):
            act()
        before_kib = resident_kib(running.process.pid)
        threads = [
            threading.Thread(target=run, args=(act,)) for act in floods(laboratory, n, 1)
        ]
        for thread in threads:
            thread.start()
        with laboratory.microscope() as microscope:
            assert microscope.wait(WAIT_S) == 0
        for thread in threads:
            thread.join(1000.0)
        assert failures == []
        assert running.process.poll() is None
        growth_kib = resident_kib(running.process.pid) - before_kib
        ordinal = laboratory.ordinal_of("battered")
        laboratory.await_entries(ordinal, "finished")
    laboratory.check_frames(ordinal)
    laboratory.check_final(undisturbed.phase_rad(), ordinal)
    assert growth_kib < MAX_GROWTH_KIB
