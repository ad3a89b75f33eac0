import pytest

from ltemlive.events import AdviceGiven
from ltemlive.sinks.answering import Answering
from ltemlive.wire.control import Request
from ltemlive.wire.results import decode_result


@pytest.fixture
def answering():
    return Answering(clock=lambda: 1000.0)


def asked(answering, op, **arguments):
    answer = answering.answer(Request(5, op, arguments))
    assert answer.id == 5
    assert answer.ok == (answer.error is None)
    return answer


def test_the_newest_estimate_is_answered_at_full_size(answering, estimate_of):
    answering.keep(estimate_of(4, is_final=True))
    for arguments in ({}, {"rev": None}, {"rev": 4}):
        answer = asked(answering, "full", array="amplitude", **arguments)
        assert answer.values == {"array": "amplitude", "rev": 4, "final": True}
        assert decode_result(answer.buffer).arrays["amplitude"].shape == (32, 48)


@pytest.mark.parametrize(
    ("op", "arguments", "error"),
    [
        ("full", {}, "full: array: missing; expected one of phase gradient induction"),
        ("full", {"array": ["phase"]}, "full: array: expected one of phase gradient"),
        ("full", {"array": "wave"}, "full: array: expected one of phase gradient"),
        ("full", {"array": "phase", "rev": "1"}, "full: rev: expected a whole number"),
        ("full", {"array": "phase", "rev": True}, "full: rev: expected a whole number"),
        ("full", {"array": "phase", "rev": 3}, "full phase: expected a rev of 4, got 3"),
        ("events", {"since": -1}, "events: since: expected a whole number of 0.."),
        ("events", {"since": 1.0}, "events: since: expected a whole number of 0.."),
        ("latest", {"topic": {}}, "latest {}: expected a topic of: status, frame"),
        ("set", {"key": "a"}, "'set': unknown operation; expected one of: ping, latest"),
        ("start_series", {}, "'start_series': unknown operation; expected one of: ping"),
        ("view", {"what": "all"}, "view: what: expected one of frame tie, got 'all'"),
        ("use_frame", {"seq": 1}, "use_frame: use: expected true, false or null"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_one_line(
    answering, estimate_of, op, arguments, error
):
    answering.keep(estimate_of(4))
    answer = asked(answering, op, **arguments)
    assert answer.error.startswith(error)
    assert "\n" not in answer.error
    assert (answer.values, answer.buffer) == ({}, None)
    assert answering.requests() == []


def test_what_was_told_is_listed_from_the_number_that_a_client_has(answering):
    for text in ("a", "b", "c"):
        answering.note_fact(AdviceGiven(text))
    for arguments in ({}, {"since": None}, {"since": 0}):
        assert len(asked(answering, "events", **arguments).values["events"]) == 3
    values = asked(answering, "events", since=2).values
    assert values == {
        "events": [{"n": 3, "t": 1000.0, "kind": "advice", "ordinal": None,
                    "level": "info", "text": "c"}],
        "first": 1,
        "newest": 3,
        "more": False,
    }  # fmt: skip


@pytest.mark.parametrize("op", ["end_series", "pause", "resume", "reset"])
def test_what_changes_the_session_is_left_to_the_daemon(answering, op):
    assert asked(answering, op).ok
    assert [request.op for request in answering.requests()] == [op]
    assert answering.requests() == []


def test_too_many_requests_for_the_daemon_are_refused(answering):
    answers = [asked(answering, "pause") for _ in range(65)]
    assert [answer.ok for answer in answers] == [True] * 64 + [False]
    assert answers[-1].error == "pause: the daemon is busy with earlier requests; ask again"
