from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import WireError
from ltemlive.frames import PIXEL_TYPES, Frame, FrameMeta
from ltemlive.wire.codec import FRAME_MAGIC, decode, encode, pixel_crc32
from ltemlive.wire.messages import (
    EndMessage,
    FrameMessage,
    Heartbeat,
    StartMessage,
    UnusableMessageError,
)

LIMIT = 2**20

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    str.isprintable
)
counts = st.integers(0, 2**53 - 1)


def maybe(least, most):
    return st.none() | st.floats(least, most)


@st.composite
def frames(draw):
    dtype = draw(st.sampled_from(PIXEL_TYPES))
    shape = draw(st.tuples(st.integers(16, 21), st.integers(16, 21)))
    seed = draw(st.integers(0, 1000))
    pixels = np.random.default_rng(seed).integers(0, 127, shape)
    meta = FrameMeta(
        seq=draw(counts),
        defocus_nm=draw(maybe(-1e9, 1e9)),
        pixel_nm=draw(maybe(1e-6, 1e5)),
        voltage_kv=draw(maybe(10.0, 3000.0)),
        exposure_s=draw(maybe(0.0, 1e6)),
        t_exposure_start=draw(maybe(0.0, 4e9)),
        meta=draw(st.dictionaries(names, st.integers(0, 9) | names, max_size=3)),
    )
    frame = Frame(meta, pixels.astype(dtype))
    return FrameMessage(draw(names), draw(names), frame, pixel_crc32(frame.image))


others = (
    st.builds(
        StartMessage,
        names,
        names,
        st.none() | counts,
        st.none() | st.lists(st.floats(-1e9, 1e9), max_size=5).map(tuple),
        st.dictionaries(names, st.floats(0.0, 1.0), max_size=3),
        st.none() | st.sampled_from(PIXEL_TYPES),
        st.none() | st.tuples(st.integers(16, 16384), st.integers(16, 16384)),
    )
    | st.builds(
        EndMessage,
        names,
        names,
        st.none() | counts,
        st.sampled_from(["success", "abort", "fail"]),
    )
    | st.builds(Heartbeat, names, names, st.integers(-1, 2**53 - 1))
)


def frame_parts(**changes):
    """Return the parts of a good frame with keys of its header replaced."""
    image = np.arange(16 * 20, dtype="<u2").reshape(16, 20)
    parts = encode(FrameMessage("run", "vortex", Frame(FrameMeta(3), image), 0))
    header = json.loads(parts[1]) | {"crc32": pixel_crc32(image)} | changes
    return [parts[0], json.dumps(header).encode(), parts[2]]


def other_parts(message, **changes):
    parts = encode(message)
    return [parts[0], json.dumps(json.loads(parts[1]) | changes).encode(), parts[2]]


@settings(max_examples=50, deadline=None)
@given(frames())
def test_a_frame_comes_out_as_it_went_in(message):
    came = decode(encode(message), max_frame_bytes=LIMIT)
    assert isinstance(came, FrameMessage)
    assert (came.producer, came.series) == (message.producer, message.series)
    assert came.crc32 == message.crc32
    assert came.frame.meta == message.frame.meta
    assert came.frame.image.dtype.str == message.frame.image.dtype.str
    np.testing.assert_array_equal(came.frame.image, message.frame.image)


@settings(max_examples=50, deadline=None)
@given(others)
def test_the_other_messages_come_out_as_they_went_in(message):
    assert decode(encode(message), max_frame_bytes=LIMIT) == message


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_foreign_parts_raise_a_wire_error_and_nothing_else(parts):
    with pytest.raises(WireError):
        decode(parts, max_frame_bytes=LIMIT)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2), st.data())
def test_a_message_cut_anywhere_raises_a_wire_error(index, data):
    parts = frame_parts()
    parts[index] = parts[index][: data.draw(st.integers(0, len(parts[index]) - 1))]
    with pytest.raises(WireError):
        decode(parts, max_frame_bytes=LIMIT)


def test_the_image_is_a_read_only_view_of_what_came():
    parts = frame_parts()
    image = decode(parts, max_frame_bytes=LIMIT).frame.image
    assert not image.flags.writeable
    assert np.shares_memory(image, np.frombuffer(parts[2], np.uint8))


def test_an_unaligned_image_is_copied_to_where_its_type_may_lie():
    parts = frame_parts()
    buffer = bytearray(len(parts[2]) + 1)
    buffer[1:] = parts[2]
    image = decode([*parts[:2], memoryview(buffer)[1:]], max_frame_bytes=LIMIT).frame.image
    assert image.flags.aligned
    assert not image.flags.writeable
    np.testing.assert_array_equal(image, np.arange(320).reshape(16, 20))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dtype": "<c8"}, "dtype: expected one of"),
        ({"dtype": "|O"}, "dtype: expected one of"),
        ({"dtype": None}, "dtype: expected one of"),
        ({"shape": [16, 20, 1]}, "shape: expected"),
        ({"shape": [15, 20]}, "shape: expected"),
        ({"shape": [16, 16385]}, "shape: expected"),
        ({"shape": [2**32, 2**32]}, "shape: expected"),
        ({"shape": [16.0, 20]}, "shape: expected"),
        ({"shape": [True, 20]}, "shape: expected"),
        ({"shape": "16x20"}, "shape: expected"),
        ({"shape": [16, 21]}, "nbytes: expected 672 from dtype and shape"),
        ({"nbytes": 639}, "the header says 639 and 640 came"),
        ({"nbytes": True}, "nbytes: expected a whole number"),
        ({"crc32": 1}, "got 1 in the header; damaged on the way"),
        ({"crc32": -1}, "crc32: expected a whole number"),
        ({"shape": [16384, 16384]}, "expected at most 1048576 bytes"),
        ({"defocus_nm": "strong"}, "defocus_nm: expected a number"),
        ({"defocus_nm": 1e10}, "defocus_nm: expected a number"),
        ({"defocus_nm": False}, "defocus_nm: expected a number"),
        ({"pixel_nm": 0}, "pixel_nm: expected a number"),
        ({"voltage_kv": 2}, "voltage_kv: expected a number"),
        ({"exposure_s": -1.0}, "exposure_s: expected a number"),
        ({"t_exposure_start": 1e15}, "t_exposure_start: expected a number"),
        ({"meta": [1]}, "meta: expected an object"),
    ],
)
def test_an_unusable_frame_says_whose_it_is_and_what_is_wrong(changes, reason):
    with pytest.raises(UnusableMessageError, match=reason) as caught:
        decode(frame_parts(**changes), max_frame_bytes=LIMIT)
    error = caught.value
    assert (error.type, error.producer, error.series, error.seq) == (
        "frame",
        "run",
        "vortex",
        3,
    )
    assert str(error).startswith("frame 3: ")
    assert "\n" not in str(error)


def test_an_image_without_a_finite_pixel_is_unusable():
    image = np.full((16, 16), np.nan, "<f4")
    parts = frame_parts(
        dtype="<f4", shape=[16, 16], nbytes=image.nbytes, crc32=pixel_crc32(image)
    )
    with pytest.raises(UnusableMessageError, match="no finite pixel") as caught:
        decode([*parts[:2], image.tobytes()], max_frame_bytes=LIMIT)
    assert caught.value.seq == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "sum"}, "type: expected one of frame start end hb"),
        ({"producer": ""}, "producer: expected 1..256 printable characters"),
        ({"producer": "a\nb"}, "producer: expected"),
        ({"series": "x" * 257}, "series: expected"),
        ({"series": 5}, "series: expected"),
        ({"seq": -1}, "seq: expected a whole number"),
        ({"seq": 2**53}, "seq: expected a whole number"),
        ({"seq": 1.0}, "seq: expected a whole number"),
    ],
)
def test_a_frame_of_nobody_is_not_attributed(changes, reason):
    with pytest.raises(WireError, match=reason) as caught:
        decode(frame_parts(**changes), max_frame_bytes=LIMIT)
    assert not isinstance(caught.value, UnusableMessageError)


def test_a_missing_key_is_named_as_missing():
    with pytest.raises(WireError, match="producer: missing; expected 1"):
        decode([FRAME_MAGIC, b'{"type":"frame"}', b""], max_frame_bytes=LIMIT)


def test_another_number_of_parts_and_another_magic_are_refused():
    parts = frame_parts()
    with pytest.raises(WireError, match="expected 3 parts, got 4"):
        decode([*parts, b""], max_frame_bytes=LIMIT)
    with pytest.raises(
        WireError, match=r"expected b'ltem\.frame\.v1' first, got b'ltem\.frame\.v9"
    ):
        decode([b"ltem.frame.v9" * 1000, *parts[1:]], max_frame_bytes=LIMIT)


@pytest.mark.parametrize(
    ("message", "changes", "reason"),
    [
        (StartMessage("run", "a"), {"n_expected": -1}, "n_expected"),
        (StartMessage("run", "a"), {"dtype": "<u8"}, "dtype"),
        (StartMessage("run", "a"), {"shape": [1, 1]}, "shape"),
        (StartMessage("run", "a"), {"microscope": 5}, "microscope: expected an object"),
        (StartMessage("run", "a"), {"plan_defocus_nm": 5}, "a list of at most 4096"),
        (StartMessage("run", "a"), {"plan_defocus_nm": [0] * 4097}, "a list of at most"),
        (StartMessage("run", "a"), {"plan_defocus_nm": [0, None]}, r"plan_defocus_nm\[1\]"),
        (EndMessage("run", "a", 1, "success"), {"exit_status": 0}, "exit_status"),
        (Heartbeat("run", "a", 1), {"last_seq": -2}, "last_seq"),
    ],
)
def test_other_unusable_messages_say_what_is_wrong(message, changes, reason):
    with pytest.raises(UnusableMessageError, match=reason) as caught:
        decode(other_parts(message, **changes), max_frame_bytes=LIMIT)
    assert caught.value.seq is None
    assert caught.value.series == "a"


def test_only_frames_have_pixels():
    parts = encode(Heartbeat("run", "a", 1))
    with pytest.raises(
        UnusableMessageError, match="hb: expected an empty third part, got 2"
    ):
        decode([*parts[:2], b"xx"], max_frame_bytes=LIMIT)


def test_keys_of_a_later_version_are_left_alone():
    message = decode(frame_parts(tilt_deg=12.5), max_frame_bytes=LIMIT)
    assert message.frame.meta.meta == {}


def test_what_the_producer_does_not_know_may_be_null_or_missing():
    message = decode(frame_parts(meta=None, pixel_nm=None), max_frame_bytes=LIMIT)
    assert message.frame.meta == FrameMeta(3)


def test_metadata_that_json_has_not_are_not_sent():
    frame = Frame(FrameMeta(0, meta={"gain": math.nan}), np.ones((16, 16), "<f4"))
    with pytest.raises(WireError, match="frame header: expected values that JSON has"):
        encode(FrameMessage("run", "a", frame, 0))


def test_the_crc_does_not_depend_on_how_the_image_lies_in_memory():
    image = np.arange(1024, dtype=">u2").reshape(32, 32)
    assert pixel_crc32(image[::2, ::2]) == pixel_crc32(image[::2, ::2].copy())
