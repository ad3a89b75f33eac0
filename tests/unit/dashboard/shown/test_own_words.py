import pytest

from ltemlive.dashboard.shown.content import Notice
from ltemlive.dashboard.shown.own_words import SAID_FOR_S, foremost, own_words

OWN = own_words("Saved.", "info", now=100.0)
DISK_FULL, ADVICE = Notice("disk full", "error"), Notice("take one in focus", "warning")


@pytest.mark.parametrize(
    ("told", "own", "shown"),
    [
        (None, None, None),
        (ADVICE, None, ADVICE),
        (None, OWN, OWN.notice),
        (ADVICE, OWN, OWN.notice),
        (DISK_FULL, OWN, DISK_FULL),
        (DISK_FULL, None, DISK_FULL),
    ],
)
def test_only_an_error_that_is_told_comes_before_own_words(told, own, shown):
    assert foremost(told, own) == shown


def test_own_words_are_over_after_a_while():
    assert not OWN.is_over(now=100.0 + 0.9 * SAID_FOR_S)
    assert OWN.is_over(now=100.0 + SAID_FOR_S)


@pytest.mark.parametrize(
    ("level", "shown"), [("error", "error"), ("warning", "info"), ("info", "info")]
)
def test_of_own_words_only_errors_look_like_one(level, shown):
    assert own_words("No room.", level, now=0.0).notice == Notice("No room.", shown)
