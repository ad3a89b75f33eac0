from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import WireError
from ltemlive.wire.acks import ACK_MAGIC, decode_ack, encode_ack
from ltemlive.wire.messages import Ack

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    str.isprintable
)
statuses = st.sampled_from(["stored", "duplicate", "rejected", "ok"])


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Ack,
        names,
        st.integers(0, 2**53 - 1),
        st.just("frame"),
        statuses,
        st.none() | names,
        st.integers(0, 1024),
    )
    | st.builds(
        Ack,
        names,
        st.none(),
        st.sampled_from(["start", "end"]),
        statuses,
        st.none() | names,
        st.integers(0, 1024),
    )
)
def test_an_answer_comes_out_as_it_went_in(ack):
    assert decode_ack(encode_ack(ack)) == ack


def test_the_answer_to_a_frame_has_the_keys_of_the_format_and_no_other():
    ack = Ack("a", 1, "frame", "stored", None, 8)
    assert list(json.loads(encode_ack(ack)[1])) == [
        "series",
        "seq",
        "status",
        "reason",
        "credit",
    ]


def test_a_long_reason_of_many_lines_is_made_one_that_can_be_read():
    ack = Ack("a", 1, "frame", "rejected", "line\nline\ud800" + "x" * 5000, 8)
    reason = decode_ack(encode_ack(ack)).reason
    assert reason.startswith("line line x")
    assert len(reason) == 2000


@pytest.mark.parametrize(
    "changes",
    [{"type": "hb"}, {"status": "fine"}, {"credit": -1}, {"seq": None}, {"reason": 5}],
)
def test_what_is_no_answer_is_refused(changes):
    header = json.loads(encode_ack(Ack("a", 1, "frame", "stored", None, 8))[1]) | changes
    with pytest.raises(WireError, match=f"ack: {next(iter(changes))}: expected"):
        decode_ack([ACK_MAGIC, json.dumps(header).encode()])
