from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.outbox import Outbox

PARTS = [b"magic", b"{}", b""]


def frame(seq):
    return ("frame", seq)


def keys(due):
    return [key for key, _ in due]


def test_a_message_is_due_at_once_and_again_a_second_after_it_was_sent():
    outbox = Outbox()
    outbox.put(frame(0), PARTS)
    assert outbox.due(10.0) == [(frame(0), PARTS)]
    outbox.sent(frame(0), 10.0)
    assert outbox.due(10.9) == []
    assert keys(outbox.due(11.0)) == [frame(0)]


def test_a_lost_connection_makes_everything_due_in_the_order_it_was_put():
    outbox = Outbox()
    for seq in range(3):
        outbox.put(frame(seq), PARTS)
        outbox.sent(frame(seq), 10.0)
    outbox.lost_connection()
    assert keys(outbox.due(10.0)) == [frame(0), frame(1), frame(2)]


def test_what_must_go_first_is_due_before_all_that_was_put_earlier():
    outbox = Outbox()
    outbox.put(frame(3), PARTS)
    outbox.put(("start", None), PARTS)
    outbox.sent(("start", None), 10.0)
    outbox.put_first(("start", None), [b"again"])
    assert outbox.due(10.0) == [(("start", None), [b"again"]), (frame(3), PARTS)]


def test_the_latency_counts_from_the_first_sending():
    outbox = Outbox()
    outbox.put(frame(0), PARTS)
    outbox.sent(frame(0), 10.0)
    outbox.sent(frame(0), 11.0)
    assert outbox.answered(frame(0), 11.5, credit=8) == 1.5


def test_a_second_answer_and_one_to_nothing_are_no_latency():
    outbox = Outbox()
    assert outbox.answered(frame(0), 10.0, credit=8) is None
    outbox.put(frame(0), PARTS)
    assert outbox.answered(frame(0), 10.0, credit=8) is None
    assert len(outbox) == 0


def test_the_daemon_may_narrow_the_window_but_not_widen_nor_close_it():
    outbox = Outbox(window=4)
    for seq in range(3):
        outbox.put(frame(seq), PARTS)
    assert not outbox.is_full
    outbox.put(frame(3), PARTS)
    assert outbox.is_full
    outbox.answered(frame(0), 10.0, credit=100)
    assert not outbox.is_full
    outbox.answered(frame(1), 10.0, credit=2)
    assert outbox.is_full
    outbox.answered(frame(2), 10.0, credit=0)
    assert outbox.is_full, "one is unanswered, and a credit of 0 counts as 1"
    outbox.answered(frame(3), 10.0, credit=0)
    assert not outbox.is_full


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("psa"), st.integers(0, 5)), max_size=40))
def test_nothing_is_forgotten_before_it_is_answered(steps):
    outbox, unanswered = Outbox(), set()
    for now, (step, seq) in enumerate(steps):
        if step == "p":
            outbox.put(frame(seq), PARTS)
            unanswered.add(frame(seq))
        elif step == "a":
            outbox.answered(frame(seq), now, credit=8)
            unanswered.discard(frame(seq))
        elif frame(seq) in unanswered:
            outbox.sent(frame(seq), now)
    assert set(keys(outbox.due(1e9))) == unanswered
