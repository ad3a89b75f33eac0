from __future__ import annotations

from dataclasses import replace

import pytest

from ltemlive.dashboard.shown.asking import PATIENCE_S, Asked, ViewWish

WISH = ViewWish("frame", ordinal=1, rev=3, seq=2)
NEWER = replace(WISH, rev=4)


def due(asked, wish, after_s, *, has_come=True):
    return asked.is_due(wish, now=asked.t + after_s, has_come=has_come)


def test_the_first_wish_is_asked_for_at_once():
    assert due(Asked(), WISH, 0.0, has_come=False)


@pytest.mark.parametrize(
    "other", [replace(WISH, seq=3), replace(WISH, ordinal=2), ViewWish("tie", 1, 3)]
)
def test_something_else_is_asked_for_at_once(other):
    assert due(Asked(WISH, 10.0), other, 0.0, has_come=False)


def test_a_newer_phase_waits_its_turn():
    assert not due(Asked(WISH, 10.0), NEWER, 0.9)
    assert due(Asked(WISH, 10.0), NEWER, 1.0)
    tie = ViewWish("tie", 1, 3)
    assert not due(Asked(tie, 10.0), replace(tie, rev=9), 9.0)
    assert due(Asked(tie, 10.0), replace(tie, rev=9), 10.0)


def test_what_is_on_screen_is_not_asked_for_again():
    assert not due(Asked(WISH, 10.0), WISH, 1000.0)


def test_what_does_not_come_is_asked_for_again_after_a_while():
    assert not due(Asked(WISH, 10.0), NEWER, PATIENCE_S - 0.1, has_come=False)
    assert due(Asked(WISH, 10.0), WISH, PATIENCE_S, has_come=False)


def test_what_never_comes_is_asked_for_less_and_less():
    wish, asked, times = ViewWish("tie", 1, 7), Asked(), []
    for now in range(400):
        if asked.is_due(wish, now=now, has_come=False):
            asked = asked.again(wish, now=now, has_come=False)
            times.append(now)
    assert times == [0, 5, 15, 35, 75, 135, 195, 255, 315, 375]
    assert asked.again(wish, now=400.0, has_come=True).n_in_vain == 0
    assert asked.again(ViewWish("tie", 2, 8), now=400.0, has_come=False).n_in_vain == 0
