"""The wire format, held to byte dumps that any language can be tested with.

Each dump in tests/golden/ holds the parts of one message, each after its length (u32le).
Run as a script, this file writes the dumps and the examples in docs/wire.md anew; do so
only together with a new WIRE_VERSION.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from ltemlive.events import (
    AdviceGiven,
    FrameDeviations,
    FrameStored,
    FrameView,
    PhaseEstimate,
    PhaseSigmas,
    TieView,
)
from ltemlive.frames import Frame, FrameMeta
from ltemlive.wire.acks import decode_ack, encode_ack
from ltemlive.wire.codec import WIRE_VERSION, decode, encode, pixel_crc32
from ltemlive.wire.control import (
    Answer,
    Request,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from ltemlive.wire.estimates import estimate_message
from ltemlive.wire.messages import Ack, EndMessage, FrameMessage, Heartbeat, StartMessage
from ltemlive.wire.results import (
    DaemonStatus,
    FrameRow,
    advice_message,
    decode_result,
    encode_result,
    frame_message,
    status_message,
)
from ltemlive.wire.views import view_message

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
PAGE = ROOT / "docs" / "wire.md"

PRODUCER = "6f1c0a52-8c1e-4a4e-9d0f-2b7a3c5d9e10"
T = 1795601700.25


def _frame():
    image = (np.arange(256, dtype=np.uint8).reshape(16, 16) * 3) % 251
    meta = FrameMeta(
        seq=3,
        defocus_nm=-150000.0,
        pixel_nm=5.0,
        voltage_kv=200.0,
        exposure_s=0.5,
        t_exposure_start=T,
        meta={"camera": "K3", "stage": {"tilt_deg": 0.0}},
    )
    return FrameMessage(PRODUCER, "vortex 7", Frame(meta, image), pixel_crc32(image))


def _estimate():
    phase = np.array([[-1.0, 0.0, 1.0], [-0.5, 0.0, 0.5]], np.float32)
    return PhaseEstimate(
        ordinal=1,
        series="vortex 7",
        rev=12,
        seqs_used=(0, 3),
        defocus_nm=(0.0, -150000.0),
        steps=48,
        gradient_evaluations=50,
        objective=(0.5, 0.25),
        is_final=False,
        phase_rad=phase,
        amplitude=np.ones_like(phase),
        pixel_nm=5.0,
        device="CPU, 2 threads",
        t_frame_last=T,
        shift_px=((0.0, 0.0), (-1.5, 0.25)),
        rotation_deg=(0.0, 0.25),
        magnification=(1.0, 1.005),
        convergence_mrad=0.0098,
        deviations=FrameDeviations(
            defocus_nm=(None, 750.0),
            shift_px=((0.02, 0.02), (0.03, 0.02)),
            rotation_deg=(0.01, 0.01),
            magnification=(1e-4, 1e-4),
            convergence_mrad=2e-4,
        ),
        phase_sigma_rad=np.full_like(phase, 0.05),
        sigmas=PhaseSigmas(phase_rad=0.05, gradient_rad_per_nm=0.002, induction_t_nm=1.3),
        holdout=(0.98, 1.02),
        set_aside=((4, "saturated"),),
        notes=("No image on the other side of focus.",),
    )


def _frame_view():
    measured = np.array([[1.0, 0.5, np.nan], [1.0, 1.5, np.nan]], np.float32)
    predicted = np.array([[1.0, 0.75, np.nan], [1.0, 1.25, np.nan]], np.float32)
    residual = np.array([[0.0, -3.0, np.nan], [0.0, 2.0, np.nan]], np.float32)
    return FrameView(
        1, "vortex 7", 12, False, 4, measured, predicted, residual, 5.0, 4.5, "saturated"
    )


def _tie_view():
    return TieView(1, "vortex 7", 12, False, _estimate().phase_rad, 5.0)


def _status():
    return DaemonStatus(
        session="2026-11-25T101500Z",
        state="solving",
        device="CPU, 2 threads",
        ordinal=1,
        series="vortex 7",
        n_expected=5,
        received=3,
        stored=2,
        dropped=0,
        disordered=0,
        duplicate=0,
        rejected=1,
        queued=0,
        frames=(
            FrameRow(0, "0", 0.0, "used"),
            FrameRow(3, "3", -150000.0, "stored"),
            FrameRow(4, "4", None, "rejected", "frame 4: no finite pixel"),
        ),
        version="0.1.0",
    )


def messages():
    """Return the parts of every kind of message, by name."""
    stored = FrameStored(1, "vortex 7", 3, defocus_nm=-150000.0, t_stored=T)
    advice = AdviceGiven("Take an image in focus.", "warning", 1)
    status = encode_result(status_message(_status(), t_published=T))
    return {
        "frame": encode(_frame()),
        "start": encode(
            StartMessage(
                PRODUCER,
                "vortex 7",
                n_expected=5,
                plan_defocus_nm=(0.0, -150000.0, 150000.0, -1600000.0, 1600000.0),
                optics={"convergence_mrad": 0.01, "border": "free"},
                dtype="|u1",
                shape=(16, 16),
            )
        ),
        "end": encode(EndMessage(PRODUCER, "vortex 7", 5, "success")),
        "heartbeat": encode(Heartbeat(PRODUCER, "vortex 7", 3)),
        "ack_stored": encode_ack(Ack("vortex 7", 3, "frame", "stored", None, 8)),
        "ack_rejected": encode_ack(
            Ack("vortex 7", 3, "frame", "rejected", "frame 3: damaged on the way", 8)
        ),
        "ack_start": encode_ack(Ack("vortex 7", None, "start", "ok", None, 8)),
        "result_status": [status],
        "result_frame": [encode_result(frame_message(stored, t_published=T))],
        "result_estimate": [
            encode_result(estimate_message(_estimate(), t_published=T, preview_px=64))
        ],
        "result_view": [
            encode_result(view_message(_frame_view(), t_published=T, preview_px=64))
        ],
        "result_view_tie": [
            encode_result(view_message(_tie_view(), t_published=T, preview_px=64))
        ],
        "result_advice": [encode_result(advice_message(advice, t_published=T))],
        "request": encode_request(Request(7, "latest", {"topic": "status"})),
        "request_view": encode_request(Request(9, "view", {"what": "frame", "seq": 4})),
        "answer": encode_answer(Answer(7, True, None, {"topic": "status"}, status)),
        "answer_no": encode_answer(
            Answer(8, False, "'reboot': unknown operation; expected one of: ping, latest")
        ),
    }


def read_dump(path):
    data, parts = path.read_bytes(), []
    while data:
        (length,) = struct.unpack_from("<I", data)
        parts.append(data[4 : 4 + length])
        data = data[4 + length :]
    return parts


def write_dump(path, parts):
    path.write_bytes(b"".join(struct.pack("<I", len(part)) + part for part in parts))


def hexdump(part):
    """Return the lines that ``hexdump -C`` prints, without the last."""
    for start in range(0, len(part), 16):
        row = part[start : start + 16]
        codes = " ".join(f"{code:02x}" for code in row)
        text = "".join(chr(code) if 32 <= code < 127 else "." for code in row)
        yield f"{start:08x}  {codes:<47}  |{text}|"


def example(parts):
    """Return a message as docs/wire.md shows it."""
    lines = []
    for number, part in enumerate(parts, start=1):
        lines.append(f"part {number} of {len(parts)}, {len(part)} bytes")
        lines.extend(hexdump(part))
    return "```text\n" + "\n".join(lines) + "\n```\n"


def example_block(name):
    """Return the pattern of an example in docs/wire.md: a marker and a code block."""
    return re.compile(rf"(<!-- golden: {name} -->\n)```text\n.*?```\n", re.DOTALL)


@pytest.mark.parametrize("name", sorted(messages()))
def test_a_message_is_encoded_to_the_very_bytes_of_its_dump(name):
    assert messages()[name] == read_dump(GOLDEN / f"{name}.bin")


@pytest.mark.parametrize("name", sorted(messages()))
def test_the_page_shows_the_dump(name):
    (shown,) = example_block(name).finditer(PAGE.read_text("utf-8"))
    assert shown[0] == shown[1] + example(read_dump(GOLDEN / f"{name}.bin"))


def test_there_is_no_dump_without_a_message():
    assert {path.stem for path in GOLDEN.glob("*.bin")} == set(messages())
    assert WIRE_VERSION == 1


def test_the_dumps_of_a_producer_say_what_was_encoded():
    frame = decode(read_dump(GOLDEN / "frame.bin"), max_frame_bytes=256)
    expected = _frame()
    assert frame.frame.meta == expected.frame.meta
    assert (frame.producer, frame.series, frame.crc32) == (
        PRODUCER,
        "vortex 7",
        expected.crc32,
    )
    np.testing.assert_array_equal(frame.frame.image, expected.frame.image)
    start = decode(read_dump(GOLDEN / "start.bin"), max_frame_bytes=256)
    assert start.plan_defocus_nm[1] == -150000.0
    assert (start.shape, start.dtype) == ((16, 16), "|u1")
    assert start.optics["border"] == "free"
    end = decode(read_dump(GOLDEN / "end.bin"), max_frame_bytes=256)
    assert end == EndMessage(PRODUCER, "vortex 7", 5, "success")
    heartbeat = decode(read_dump(GOLDEN / "heartbeat.bin"), max_frame_bytes=256)
    assert heartbeat == Heartbeat(PRODUCER, "vortex 7", 3)


def test_the_dumps_of_answers_say_what_was_encoded():
    assert decode_ack(read_dump(GOLDEN / "ack_stored.bin")).status == "stored"
    assert decode_ack(read_dump(GOLDEN / "ack_start.bin")).type == "start"
    request = decode_request(read_dump(GOLDEN / "request.bin"))
    assert request == Request(7, "latest", {"topic": "status"})
    answer = decode_answer(read_dump(GOLDEN / "answer.bin"))
    assert decode_result(answer.buffer).header["frames"][2]["state"] == "rejected"
    assert not decode_answer(read_dump(GOLDEN / "answer_no.bin")).ok


def test_the_dump_of_an_estimate_holds_its_arrays():
    (part,) = read_dump(GOLDEN / "result_estimate.bin")
    message = decode_result(part)
    np.testing.assert_array_equal(message.arrays["phase"], _estimate().phase_rad)
    np.testing.assert_allclose(message.arrays["gradient"][1, 0], 0.2, rtol=1e-6)
    # B_y t = (hbar / e) d(phase)/dx, hbar / e = 658.2 T nm^2.
    np.testing.assert_allclose(message.arrays["induction"][0, 0], 131.64, rtol=1e-4)
    assert [entry["unit"] for entry in message.header["arrays"]] == [
        "rad",
        "rad/nm",
        "T nm",
        "1",
        "rad",
    ]


def write_all():
    page = PAGE.read_text("utf-8")
    for name, parts in messages().items():
        write_dump(GOLDEN / f"{name}.bin", parts)
        page = example_block(name).sub(
            lambda found, parts=parts: found[1] + example(parts), page
        )
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    write_all()
