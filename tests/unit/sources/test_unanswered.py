from __future__ import annotations

import numpy as np
import pytest

from ltemlive.arrivals import FrameArrived, FrameRefused, ProducerHeard, SeriesClosed
from ltemlive.frames import Frame, FrameMeta
from ltemlive.sources import unanswered
from ltemlive.sources.unanswered import GIVEN_UP, PAUSE_S, Unanswered

KEY = ("run-1", "holes")
END = SeriesClosed(*KEY, "success", n_sent=3)


def arrived(seq, key=KEY):
    frame = Frame(FrameMeta(seq=seq, defocus_nm=0.0), np.ones((16, 16), "<u2"))
    return FrameArrived(*key, frame, 0, str(seq))


def name(arrival):
    return "end" if isinstance(arrival, SeriesClosed) else arrival.label


class Disk:
    """Answer what it is offered, at each pause, but what is named in ``refuses``."""

    def __init__(self, kept, *refuses):
        self.kept = kept
        self.refuses = set(refuses)

    def offered(self, arrivals):
        """Return the names of all that was offered, in order."""
        names, in_hand = [], []
        for arrival in arrivals:
            if arrival is None:
                self._answer(in_hand)
            else:
                names.append(name(arrival))
                in_hand.append(arrival)
        self._answer(in_hand)
        return names

    def _answer(self, in_hand):
        for arrival in in_hand:
            if name(arrival) not in self.refuses:
                self.kept.settle(arrival.receipt)
        in_hand.clear()


@pytest.fixture
def kept():
    return Unanswered(now=0.0)


def frames(*seqs, key=KEY):
    return [arrived(seq, key) for seq in seqs]


def test_what_is_answered_is_not_offered_again(kept):
    disk = Disk(kept)
    assert disk.offered(kept.hand_over([*frames(0, 1), END])) == ["0", "1", "end"]
    assert not kept.is_due(PAUSE_S)
    assert disk.offered(kept.offer_again(PAUSE_S)) == []


def test_what_the_disk_refused_is_offered_after_a_pause_until_it_is_taken(kept):
    disk = Disk(kept, "1")
    disk.offered(kept.hand_over(frames(0, 1, 2)))
    assert not kept.is_due(0.9 * PAUSE_S)
    assert kept.is_due(PAUSE_S)
    assert disk.offered(kept.offer_again(PAUSE_S)) == ["1"]
    assert not kept.is_due(1.9 * PAUSE_S)
    disk.refuses.clear()
    assert disk.offered(kept.offer_again(2 * PAUSE_S)) == ["1"]
    assert not kept.is_due(9 * PAUSE_S)


def test_a_sign_of_life_is_passed_on_and_not_kept(kept):
    sign = ProducerHeard(*KEY)
    assert list(kept.hand_over([sign])) == [sign]
    assert not kept.is_due(PAUSE_S)


def test_an_end_waits_for_what_came_before_it_of_its_series_alone(kept):
    disk = Disk(kept, "1")
    other = SeriesClosed("run-1", "another", "success")
    assert disk.offered(kept.hand_over([*frames(1), END, other])) == ["1", "end"]
    assert disk.offered(kept.offer_again(PAUSE_S)) == ["1"]
    disk.refuses.clear()
    assert disk.offered(kept.offer_again(2 * PAUSE_S)) == ["1", "end"]


def test_what_is_in_hand_is_answered_before_anything_is_offered_again(kept):
    disk = Disk(kept)

    def both():
        yield from kept.hand_over(frames(0))
        yield from kept.offer_again(PAUSE_S)

    assert disk.offered(both()) == ["0"]


def test_too_many_frames_are_given_up_oldest_first_and_refused(kept, monkeypatch):
    monkeypatch.setattr(unanswered, "MAX_FRAMES", 2)
    disk = Disk(kept, "0", "1", "2", "3", "end")
    disk.offered(kept.hand_over([*frames(0, 1, 2, 3), END]))
    assert kept.has_too_much()
    assert (kept.give_up(), kept.n_frames()) == (2, 2)
    assert not kept.has_too_much()
    offered = [each for each in kept.offer_again(PAUSE_S) if each is not None]
    assert [type(each) for each in offered] == [FrameRefused] * 2 + [FrameArrived] * 2
    assert {each.reason for each in offered[:2]} == {GIVEN_UP}
    disk.refuses.clear()
    assert disk.offered(kept.offer_again(PAUSE_S)) == ["0", "1", "2", "3", "end"]


def test_frames_that_take_too_much_memory_are_given_up_but_for_the_last(kept, monkeypatch):
    monkeypatch.setattr(unanswered, "MAX_BYTES", 1)
    Disk(kept, "0", "1").offered(kept.hand_over(frames(0, 1)))
    assert (kept.give_up(), kept.n_frames()) == (1, 1)


def test_of_too_many_refusals_the_oldest_are_forgotten(kept, monkeypatch):
    monkeypatch.setattr(unanswered, "MAX_ARRIVALS", 3)
    disk = Disk(kept, "0", "1", "2", "3", "4", "end")
    refusals = [FrameRefused(*KEY, str(number), "why") for number in range(3)]
    disk.offered(kept.hand_over([*frames(3), *refusals, END]))
    assert kept.give_up() == 0
    disk.refuses.clear()
    assert disk.offered(kept.offer_again(PAUSE_S)) == ["3", "2", "end"]
