"""A producer and a reader that know docs/wire.md and nothing else of this house.

Run as a script with the endpoints for frames, results and control. It feeds a series of
three images of a phase a cos(kx) cos(ky), follows its reconstruction, and writes what it
saw as JSON. Only pyzmq and the standard library: what is wrong or missing on the page
fails here.
"""

from __future__ import annotations

import json
import math
import random
import struct
import sys
import time
import zlib

import zmq

SIDE = 64
PIXEL_NM = 20.0
VOLTAGE_KV = 200.0
WAVELENGTH_NM = 2.508e-3
PERIODS = 2
DEFOCUS_NM = (0.0, 1e6, -1e6)
PRODUCER = "6e0f0e62-4d5c-4a67-9a51-6f8f2b1f3f10"
SERIES = "from the page"
PATIENCE_S = 90.0
RESEND_S = 1.0


def truth():
    """Return the phase [rad], row by row."""
    wave = [math.cos(2.0 * math.pi * PERIODS * at / SIDE) for at in range(SIDE)]
    return [y * x for y in wave for x in wave]


def pixels(defocus_nm, noise):
    """Return the image that such a weak phase gives, as big-endian counts.

    Underfocus shows a plane upstream, where a phase that rises has not gathered yet.
    """
    k = 2.0 * math.pi * PERIODS / (SIDE * PIXEL_NM)
    contrast = -WAVELENGTH_NM * defocus_nm / (2.0 * math.pi) * 2.0 * k * k
    counts = [10_000.0 * (1.0 + contrast * phase) for phase in truth()]
    noisy = [round(count + noise.gauss(0.0, 100.0)) for count in counts]
    return struct.pack(f">{len(noisy)}H", *noisy)


def header(type_, **keys):
    named = {"type": type_, "producer": PRODUCER, "series": SERIES, **keys}
    return json.dumps(named).encode()


def start():
    microscope = {"convergence_mrad": 0.01, "border": "periodic"}
    keys = {"n_expected": len(DEFOCUS_NM), "plan_defocus_nm": None, "dtype": ">u2"}
    text = header("start", **keys, shape=[SIDE, SIDE], microscope=microscope)
    return [b"ltem.frame.v1", text, b""]


def frame(seq, noise):
    raw = pixels(DEFOCUS_NM[seq], noise)
    text = header(
        "frame",
        seq=seq,
        dtype=">u2",
        shape=[SIDE, SIDE],
        nbytes=len(raw),
        crc32=zlib.crc32(raw),
        defocus_nm=DEFOCUS_NM[seq],
        pixel_nm=PIXEL_NM,
        voltage_kv=VOLTAGE_KV,
        exposure_s=0.5,
        t_exposure_start=time.time(),
        meta={"camera": "none"},
    )
    return [b"ltem.frame.v1", text, raw]


def end():
    text = header("end", n_sent=len(DEFOCUS_NM), exit_status="success")
    return [b"ltem.frame.v1", text, b""]


def acknowledged(socket, messages):
    """Send messages until each is answered; return what was said of each.

    ``messages`` are by type and seq, at most as many as the credit.
    """
    said = {}
    deadline = time.monotonic() + PATIENCE_S
    while len(said) < len(messages):
        for key, parts in messages.items():
            if key not in said:
                socket.send_multipart(parts)
        t_resend = time.monotonic() + RESEND_S
        while len(said) < len(messages) and (left_s := t_resend - time.monotonic()) > 0.0:
            if socket.poll(int(left_s * 1000.0) + 1):
                magic, text = socket.recv_multipart()
                ack = json.loads(text)
                assert (magic, ack["series"]) == (b"ltem.ack.v1", SERIES)
                key = ack.get("type", "frame"), ack["seq"]
                said.setdefault(key, ack["status"])
        assert time.monotonic() < deadline, f"unanswered: {messages.keys() - said.keys()}"
    return [said[key] for key in messages]


def asked(socket, number, op, **arguments):
    """Return the answer to a request, and its third part if it has one."""
    request = json.dumps({"id": number, "op": op, **arguments}).encode()
    socket.send_multipart([b"ltem.ctl.v1", request])
    while True:
        assert socket.poll(int(PATIENCE_S * 1000.0)), f"no answer to {op}"
        magic, text, *result = socket.recv_multipart()
        answer = json.loads(text)
        if (magic, answer["id"]) == (b"ltem.ctl.v1", number):
            return answer, result[0] if result else None


def parsed(message):
    """Return topic, header and arrays of a result, each array as a tuple of numbers."""
    topic, _, rest = message.partition(b"\0")
    (length,) = struct.unpack_from("<I", rest)
    described = json.loads(rest[4 : 4 + length])
    buffer = rest[4 + length :]
    arrays = {}
    for entry in described["arrays"]:
        assert entry["dtype"] == "<f4"
        count = math.prod(entry["shape"])
        assert entry["nbytes"] == 4 * count
        arrays[entry["name"]] = struct.unpack_from(f"<{count}f", buffer, entry["offset"])
    return topic.decode(), described, arrays


def awaited(socket, is_it, seen):
    """Return the first result that fits; keep topic and header of all in ``seen``."""
    deadline = time.monotonic() + PATIENCE_S
    while (left_s := deadline - time.monotonic()) > 0.0:
        if socket.poll(int(left_s * 1000.0) + 1):
            topic, described, _ = parsed(socket.recv())
            seen.append((topic, described))
            if is_it(topic, described):
                return described
    raise TimeoutError([topic for topic, _ in seen])


def correlation(values, others):
    a, b = (sum(each) / len(each) for each in (values, others))
    dots = [
        sum((p - m) * (q - n) for p, q in zip(one, two, strict=True))
        for one, m, two, n in (
            (values, a, others, b),
            (values, a, values, a),
            (others, b, others, b),
        )
    ]
    return dots[0] / math.sqrt(dots[1] * dots[2])


def fed(socket):
    """Play the series; return every status said of start, frames and end."""
    noise = random.Random(1)
    frames = {("frame", seq): frame(seq, noise) for seq in range(len(DEFOCUS_NM))}
    said = acknowledged(socket, {("start", None): start()})
    said += acknowledged(socket, frames)
    said += acknowledged(socket, {("frame", 0): frames["frame", 0]})
    return said + acknowledged(socket, {("end", None): end()})


def told(latest):
    """Return what the final estimate says of the phase."""
    topic, described, arrays = parsed(latest)
    (entry,) = (each for each in described["arrays"] if each["name"] == "phase")
    return {
        "topic": topic,
        "final": described["final"],
        "seqs_used": described["seqs_used"],
        "shapes": {each["name"]: each["shape"] for each in described["arrays"]},
        "unit": entry["unit"],
        "pixel_nm": entry["pixel_nm"],
        "mean": sum(arrays["phase"]) / len(arrays["phase"]),
        "correlation": correlation(arrays["phase"], truth()),
    }


def main(frames_endpoint, results_endpoint, control_endpoint):
    context = zmq.Context()
    sockets = {
        kind: context.socket(kind_of)
        for kind, kind_of in (
            ("frames", zmq.DEALER),
            ("results", zmq.SUB),
            ("control", zmq.DEALER),
        )
    }
    for topic in (b"status\0", b"frame\0", b"estimate\0"):
        sockets["results"].subscribe(topic)
    sockets["frames"].connect(frames_endpoint)
    sockets["results"].connect(results_endpoint)
    sockets["control"].connect(control_endpoint)
    seen = []
    awaited(sockets["results"], lambda topic, _: topic == "status", seen)
    ping, _ = asked(sockets["control"], 1, "ping")
    refused, _ = asked(sockets["control"], 2, "latest", topic="estimate")
    said = fed(sockets["frames"])
    awaited(sockets["results"], lambda topic, it: topic == "estimate" and it["final"], seen)
    answer, latest = asked(sockets["control"], 3, "latest", topic="estimate")
    _, status = asked(sockets["control"], 4, "latest", topic="status")
    context.destroy(linger=0)
    report = {
        "ping": ping,
        "refused": refused,
        "acks": said,
        "stored": [it["seq"] for topic, it in seen if topic == "frame"],
        "latest": answer,
        "phase": told(latest),
        "status": parsed(status)[1],
        "ours": sorted({"ltemlive", "simulator", "numpy"} & set(sys.modules)),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
