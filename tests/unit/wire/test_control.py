from __future__ import annotations

import pytest

from ltemlive.errors import WireError
from ltemlive.wire.control import (
    CONTROL_MAGIC,
    Answer,
    Request,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
    view_wish,
)


@pytest.mark.parametrize(
    "request_",
    [Request(0, "ping"), Request(7, "set", {"key": "solver.max_steps", "value": 50})],
)
def test_a_request_comes_out_as_it_went_in(request_):
    assert decode_request(encode_request(request_)) == request_


@pytest.mark.parametrize(
    "answer",
    [
        Answer(0, ok=True),
        Answer(1, ok=False, error="no such topic"),
        Answer(2, ok=True, values={"t": 1.5}, buffer=b"\0\1"),
        Answer(3, ok=True, buffer=b""),
    ],
)
def test_an_answer_comes_out_as_it_went_in(answer):
    assert decode_answer(encode_answer(answer)) == answer


def test_arguments_and_values_cannot_pose_as_what_they_are_not():
    request = Request(1, "ping", {"id": 2, "op": "end_series"})
    assert decode_request(encode_request(request)) == Request(1, "ping")
    answer = Answer(1, ok=False, error="no", values={"ok": True, "error": None})
    assert decode_answer(encode_answer(answer)) == Answer(1, ok=False, error="no")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([CONTROL_MAGIC], "request: expected 2 parts, got 1"),
        ([b"GET /", b"{}"], "expected b'ltem.ctl.v1' first"),
        ([CONTROL_MAGIC, b'{"op":"ping"}'], "request: id: missing"),
        ([CONTROL_MAGIC, b'{"id":1,"op":5}'], "request: op: expected"),
    ],
)
def test_what_is_no_request_is_refused(parts, reason):
    with pytest.raises(WireError, match=reason):
        decode_request(parts)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([CONTROL_MAGIC] * 4, "answer: expected 2 or 3 parts, got 4"),
        ([CONTROL_MAGIC, b'{"id":1,"ok":1}'], "answer: ok: expected true or false, got 1"),
        ([CONTROL_MAGIC, b'{"id":1,"ok":true,"error":""}'], "answer: error: expected"),
    ],
)
def test_what_is_no_answer_is_refused(parts, reason):
    with pytest.raises(WireError, match=reason):
        decode_answer(parts)


@pytest.mark.parametrize(
    ("arguments", "wish"),
    [
        ({"what": "frame", "seq": 4}, (4, None)),
        ({"what": "frame", "seq": 0, "ordinal": 2}, (0, 2)),
        ({"what": "tie"}, (None, None)),
        ({"what": "tie", "seq": 4, "ordinal": None}, (None, None)),
    ],
)
def test_a_view_is_of_a_frame_or_of_tie(arguments, wish):
    assert view_wish(Request(1, "view", arguments)) == wish


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "view: what: missing; expected one of frame tie"),
        ({"what": "phase"}, "view: what: expected one of frame tie, got 'phase'"),
        ({"what": "frame"}, "view: seq: missing; expected a whole number"),
        ({"what": "frame", "seq": 4, "ordinal": 0}, "view: ordinal: expected a whole"),
    ],
)
def test_what_cannot_be_viewed_is_refused(arguments, reason):
    with pytest.raises(WireError, match=reason):
        view_wish(Request(1, "view", arguments))
