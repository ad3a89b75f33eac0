import pytest

from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    FrameStored,
    SeriesEnded,
    SeriesStarted,
)
from ltemlive.sinks.chronicle import KEPT, LISTED, Chronicle
from ltemlive.wire.control import Answer, encode_answer
from ltemlive.wire.limits import MAX_HEADER_BYTES, MAX_WHOLE_NUMBER


def stored(seq):
    return FrameStored(1, "vortex", seq, -1.5e5, t_stored=1.0)


@pytest.fixture
def chronicle():
    return Chronicle()


def numbers(listed):
    return [event["n"] for event in listed["events"]]


def test_before_anything_is_told_there_is_nothing(chronicle):
    for n in (0, 7):
        assert chronicle.after(n) == {"events": [], "first": 1, "newest": 0, "more": False}


def test_each_kind_says_what_happened_and_when(chronicle, estimate_of):
    facts = [
        SeriesStarted(1, "vortex", 5),
        stored(3),
        FrameRejected("vortex", "f07.tif", "no finite\npixel"),
        AdviceGiven("take an image in focus", "warning", 1),
        estimate_of(9, is_final=True),
        SeriesEnded(1, "vortex", "success", "/data/1"),
    ]
    for t, fact in enumerate(facts, start=100):
        chronicle.note(fact, float(t))
    of = {"ordinal": 1, "series": "vortex"}
    assert chronicle.after(0)["events"] == [
        {"n": 1, "t": 100.0, "kind": "series_started", **of, "n_expected": 5},
        {"n": 2, "t": 101.0, "kind": "stored", **of, "seq": 3, "defocus_nm": -1.5e5},
        {"n": 3, "t": 102.0, "kind": "rejected", **of, "ordinal": None,
         "frame": "f07.tif", "reason": "no finite pixel"},
        {"n": 4, "t": 103.0, "kind": "advice", "ordinal": 1, "level": "warning",
         "text": "take an image in focus"},
        {"n": 5, "t": 104.0, "kind": "final", **of, "rev": 9, "steps": 90,
         "n_used": 2, "n_aside": 1},
        {"n": 6, "t": 105.0, "kind": "series_ended", **of, "exit_status": "success",
         "folder": "/data/1"},
    ]  # fmt: skip


def test_only_what_came_after_is_listed(chronicle):
    for seq in range(5):
        chronicle.note(stored(seq), 1.0)
    assert numbers(chronicle.after(3)) == [4, 5]
    for n in (5, 6, MAX_WHOLE_NUMBER):
        assert chronicle.after(n) == {"events": [], "first": 1, "newest": 5, "more": False}


def test_a_client_that_asks_on_gets_all_that_is_kept(chronicle):
    for seq in range(KEPT + 100):
        chronicle.note(stored(seq), 1.0)
    seen, n = [], 0
    while True:
        listed = chronicle.after(n)
        assert (listed["first"], listed["newest"]) == (101, KEPT + 100)
        assert len(listed["events"]) <= LISTED
        seen += numbers(listed)
        if not listed["more"]:
            break
        n = seen[-1]
    assert seen == list(range(101, KEPT + 101))


@pytest.mark.parametrize("character", ["x", "\N{SNOWMAN}", '"', "\ud800", "\n"])
def test_an_answer_always_fits_its_message(chronicle, character):
    long = character * 10_000
    for _ in range(300):
        chronicle.note(SeriesEnded(1, character * 256, "success", long), 1e300)
        chronicle.note(FrameRejected(character * 256, long, long), 1.0)
        chronicle.note(AdviceGiven(long), 1.0)
    n, n_answers = 0, 0
    while n < 900:
        listed = chronicle.after(n)
        answer = Answer(MAX_WHOLE_NUMBER, ok=True, values=listed)
        assert len(encode_answer(answer)[1]) <= MAX_HEADER_BYTES
        assert listed["more"] == (numbers(listed)[-1] < 900)
        n, n_answers = numbers(listed)[-1], n_answers + 1
    assert n_answers < 150
