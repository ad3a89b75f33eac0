from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.wire.sequence import MAX_GAPS, SequenceTracker


def test_numbers_in_order_lose_nothing():
    tracker = SequenceTracker()
    assert [tracker.saw(seq) for seq in range(3)] == ["next"] * 3
    assert tracker.dropped == 0
    assert tracker.ended(3) == ()


def test_a_subscriber_that_comes_late_has_lost_the_beginning():
    tracker = SequenceTracker()
    assert tracker.saw(5) == "gap"
    assert tracker.dropped == 5


def test_a_late_frame_is_not_lost_and_a_repetition_is_nothing_new():
    tracker = SequenceTracker()
    orders = [tracker.saw(seq) for seq in (0, 4, 2, 2, 1, 3, 4)]
    assert orders == ["next", "gap", "late", "repeated", "late", "late", "repeated"]
    assert tracker.dropped == 0


def test_the_end_tells_what_is_missing_behind_the_last_each_time_and_counts_it_once():
    tracker = SequenceTracker()
    tracker.saw(0)
    tracker.saw(3)
    assert tracker.ended(6) == (range(1, 3), range(4, 6))
    assert tracker.ended(6) == (range(1, 3), range(4, 6))
    assert tracker.dropped == 4
    assert SequenceTracker().ended(None) == ()


def test_of_a_beginning_that_is_not_known_nothing_is_missing():
    tracker = SequenceTracker(knows_beginning=False)
    assert [tracker.saw(seq) for seq in (5, 6, 8)] == ["next", "next", "gap"]
    assert tracker.ended(9) == (range(7, 8),)
    assert tracker.dropped == 1
    assert SequenceTracker(knows_beginning=False).ended(9) == ()


def test_a_beginning_that_comes_late_is_known_from_there_on():
    tracker = SequenceTracker(knows_beginning=False)
    assert [tracker.saw(seq) for seq in (3, 0, 2)] == ["next", "late", "late"]
    assert tracker.ended(4) == (range(1, 2),)
    assert tracker.saw(1) == "late"
    assert (tracker.ended(4), tracker.dropped) == ((), 0)


def test_memory_is_bounded_whatever_numbers_come():
    tracker = SequenceTracker()
    for seq in range(1, 4 * MAX_GAPS, 2):
        tracker.saw(seq)
    assert tracker.dropped == 2 * MAX_GAPS
    assert len(tracker._gaps) == MAX_GAPS
    assert tracker.saw(0) == "repeated"
    assert tracker.saw(2**53 - 1) == "gap"
    assert tracker.dropped > 2**52


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.none() | st.integers(0, 50))
def test_what_was_not_seen_is_missing(seqs, n_sent):
    tracker = SequenceTracker()
    orders = [tracker.saw(seq) for seq in seqs]
    assert orders.count("repeated") == len(seqs) - len(set(seqs))
    known = max([seq + 1 for seq in seqs] + [n_sent or 0])
    missing = {seq for gap in tracker.ended(n_sent) for seq in gap}
    has_all = n_sent is not None and len(set(seqs)) >= n_sent
    assert missing == (set() if has_all else set(range(known)) - set(seqs))
    assert tracker.dropped == len(missing)
