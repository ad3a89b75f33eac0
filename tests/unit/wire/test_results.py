from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import WireError
from ltemlive.events import FrameRejected, FrameStored, PhaseEstimate
from ltemlive.frames import PIXEL_TYPES
from ltemlive.wire.estimates import estimate_message
from ltemlive.wire.results import (
    TOPICS,
    DaemonStatus,
    FrameRow,
    ResultMessage,
    decode_result,
    encode_result,
    frame_message,
    status_message,
)


@st.composite
def results(draw):
    shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
    layouts = draw(
        st.dictionaries(
            st.text("abcxyz_", min_size=1, max_size=8),
            st.tuples(st.sampled_from(PIXEL_TYPES), shapes),
            max_size=4,
        )
    )
    arrays = {
        name: np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        for name, (dtype, shape) in layouts.items()
    }
    header = draw(
        st.dictionaries(st.text("klm", min_size=1), st.integers(0, 9), max_size=3)
    )
    return ResultMessage(draw(st.sampled_from(TOPICS)), header, arrays)


def raw(header, buffer=b"", topic=b"status"):
    """Return a message with any header, well-formed or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return topic + b"\0" + struct.pack("<I", len(text)) + text + buffer


ENTRY = {"name": "phase", "dtype": "<f4", "shape": [2, 3], "offset": 0, "nbytes": 24}


@settings(max_examples=50, deadline=None)
@given(results())
def test_a_result_comes_out_as_it_went_in(message):
    data = encode_result(message)
    came = decode_result(data)
    assert came.topic == message.topic
    assert {key: came.header[key] for key in message.header} == message.header
    assert list(came.arrays) == list(message.arrays)
    for name, array in message.arrays.items():
        np.testing.assert_array_equal(came.arrays[name], array)
        assert came.arrays[name].dtype.str == array.dtype.str
        assert not came.arrays[name].flags.writeable
    for entry in came.header["arrays"]:
        assert entry["offset"] % 8 == 0
    assert (
        len(data) - sum(-(-a.nbytes // 8) * 8 for a in message.arrays.values())
    ) % 8 == 0
    assert encode_result(came) == data


@settings(max_examples=50, deadline=None)
@given(results(), st.data())
def test_a_result_cut_anywhere_raises_a_wire_error_or_loses_padding_only(message, data):
    whole = encode_result(message)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        came = decode_result(cut)
    except WireError:
        return
    assert {n: a.tolist() for n, a in came.arrays.items()} == {
        n: a.tolist() for n, a in message.arrays.items()
    }


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: b"status\0" + tail))
def test_foreign_bytes_raise_a_wire_error_and_nothing_else(data):
    with pytest.raises(WireError):
        decode_result(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected a topic"),
        (b"phase\0\0\0\0\0", "expected a topic"),
        (b"estimate_phase\0", "expected a topic"),
        (b"x" * 100_000, "expected a topic"),
        (b"status\0\1", "expected a header length"),
        (b"status\0\xff\xff\xff\xff{}", "4294967295 bytes of header, got 2"),
        (raw(b"[]"), "expected a JSON object"),
        (raw({"arrays": 5}), "arrays: expected a list of at most 16"),
        (raw({"arrays": [ENTRY] * 17}), "arrays: expected a list of at most 16"),
        (raw({"arrays": ["phase"]}), r"arrays\[0\]: expected an object"),
        (raw({"arrays": [ENTRY]}), "expected 24 bytes from dtype and shape at offset 0"),
        (raw({"arrays": [ENTRY | {"nbytes": 23}]}, bytes(24)), "the header says 23"),
        (raw({"arrays": [ENTRY | {"offset": 1}]}, bytes(24)), "at offset 1"),
        (raw({"arrays": [ENTRY | {"dtype": "|O"}]}, bytes(24)), "dtype: expected"),
        (raw({"arrays": [ENTRY | {"shape": []}]}, bytes(24)), "shape: expected"),
        (raw({"arrays": [ENTRY | {"shape": [0, 3]}]}, bytes(24)), "shape: expected"),
        (raw({"arrays": [ENTRY | {"shape": [1] * 5}]}, bytes(24)), "shape: expected"),
        (raw({"arrays": [ENTRY | {"name": ""}]}, bytes(24)), "name: expected"),
    ],
)
def test_what_is_no_result_is_refused_by_name(data, reason):
    with pytest.raises(WireError, match=reason):
        decode_result(data)


def estimate_of(shape, objective=(1.0,)):
    phase = np.zeros(shape, np.float32)
    return PhaseEstimate(
        ordinal=2,
        series="a",
        rev=9,
        seqs_used=(0, 1),
        defocus_nm=(0.0, 1e5),
        steps=3,
        gradient_evaluations=4,
        objective=objective,
        is_final=True,
        phase_rad=phase,
        amplitude=phase + 1.0,
        pixel_nm=5.0,
        device="cpu",
    )


def test_an_estimate_is_shrunk_to_the_preview_and_its_pixel_grows():
    message = estimate_message(estimate_of((48, 70)), t_published=7.0, preview_px=35)
    came = decode_result(encode_result(message))
    assert came.arrays["gradient"].shape == (2, 24, 35)
    assert {entry["pixel_nm"] for entry in came.header["arrays"]} == {10.0}
    assert came.header["final"] is True
    assert (came.header["rev"], came.header["t_published"]) == (9, 7.0)


def test_a_diverged_objective_is_published_as_null():
    estimate = estimate_of((16, 16), objective=(1.0, float("inf"), float("nan")))
    message = estimate_message(estimate, t_published=7.0, preview_px=64)
    assert decode_result(encode_result(message)).header["objective"] == [1.0, None, None]


def test_a_stored_frame_and_a_rejected_one_have_the_same_keys():
    stored = frame_message(FrameStored(1, "a", 3, -1e5, 2.0), t_published=7.0)
    rejected = frame_message(FrameRejected("a", "4", "no\nimage"), t_published=7.0)
    by_name = frame_message(FrameRejected("a", "f4.tif", "no image", 1), t_published=7.0)
    assert list(stored.header) == list(rejected.header)
    assert (stored.header["seq"], stored.header["frame"]) == (3, "3")
    assert (rejected.header["seq"], rejected.header["reason"]) == (4, "no image")
    assert (by_name.header["seq"], by_name.header["frame"]) == (None, "f4.tif")


def test_a_status_keeps_the_newest_rows_of_a_long_table():
    status = DaemonStatus(
        session="s",
        state="waiting",
        device=None,
        ordinal=1,
        series="a",
        n_expected=None,
        received=2003,
        stored=2003,
        dropped=0,
        disordered=0,
        duplicate=0,
        rejected=0,
        queued=0,
        frames=tuple(FrameRow(seq, str(seq), None, "stored") for seq in range(2003)),
        version="0.1.0",
    )
    came = decode_result(encode_result(status_message(status, t_published=7.0)))
    assert came.header["frames_left_out"] == 3
    assert came.header["frames"][0]["seq"] == 3
    assert came.header["frames"][-1]["seq"] == 2002
