from ltemlive.sources.counters import SourceCounters
from ltemlive.sources.losses import MAX_SERIES, Losses
from ltemlive.wire.messages import EndMessage

KEY = ("run-1", "holes")


def made(recorded=None, **said):
    counters = SourceCounters()
    losses = Losses(
        counters, name="here", reason="never came", recorded=recorded or {}, **said
    )
    return counters, losses


def claims(losses, n_sent, key=KEY):
    return [each.label for each in losses.at_end(EndMessage(*key, n_sent, "success"))]


def test_what_is_jumped_over_is_missing_until_it_comes_late(caplog):
    counters, losses = made()
    assert [losses.saw(*KEY, seq) for seq in (0, 3, 1)] == ["next", "gap", "late"]
    assert (counters.dropped, counters.disordered) == (1, 1)
    assert "series holes: 2 missing before 3" in caplog.text


def test_what_never_came_is_listed_at_the_end_in_ranges():
    counters, losses = made()
    losses.saw(*KEY, 0)
    losses.saw(*KEY, 2)
    refused = losses.at_end(EndMessage(*KEY, 5, "success"))
    assert [(each.label, each.reason) for each in refused] == [
        ("1", "never came"),
        ("3-4", "never came"),
    ]
    assert counters.dropped == 3


def test_numbers_left_out_on_purpose_are_not_missing():
    counters, losses = made()
    for seq in (0, 1, 7):
        losses.saw(*KEY, seq)
    assert counters.dropped == 5
    assert losses.at_end(EndMessage(*KEY, 3, "success")) == []
    assert counters.dropped == 0


def test_after_a_restart_the_numbers_go_on():
    counters, losses = made({KEY: {0, 1}})
    assert losses.saw(*KEY, 2) == "next"
    assert losses.saw(*KEY, 0) == "repeated"
    assert counters.dropped == 0


def test_an_end_that_comes_again_lists_again_what_never_came():
    counters, losses = made()
    losses.saw(*KEY, 2)
    assert claims(losses, 5) == claims(losses, 5) == ["0-1", "3-4"]
    assert counters.dropped == 4


def test_where_frames_wait_for_their_answers_the_first_to_come_is_the_beginning():
    counters, losses = made(knows_beginning=False)
    assert [losses.saw(*KEY, seq) for seq in (3, 5)] == ["next", "gap"]
    assert claims(losses, 6) == ["4"]
    assert counters.dropped == 1


def test_nothing_is_said_of_a_series_of_which_no_frame_came():
    counters, losses = made()
    assert claims(losses, 5) == []
    assert counters.dropped == 0


def test_made_up_series_push_out_no_others_than_those_of_their_peer():
    counters, losses = made()
    for seq in (0, 1, 3):
        losses.saw(*KEY, seq, peer=b"honest")
    for number in range(3 * MAX_SERIES):
        losses.saw("made up", str(number), 0, peer=b"flood")
    assert claims(losses, 4) == ["2"]
    assert counters.dropped == 1


def test_of_a_series_that_was_forgotten_nothing_is_said_any_more():
    counters, losses = made()
    for seq in range(3):
        losses.saw(*KEY, seq)
    for number in range(MAX_SERIES):
        losses.saw("run-1", str(number), 0)
    assert claims(losses, 3) == []
    assert losses.saw(*KEY, 5) == "next"
    assert claims(losses, 9) == []
    assert counters.dropped == 0


def test_however_many_peers_there_are_a_bounded_number_of_series_is_followed(monkeypatch):
    monkeypatch.setattr("ltemlive.sources.losses.MAX_FOLLOWED", 5)
    _, losses = made()
    for number in range(9):
        losses.saw("run-1", str(number), 1, peer=b"%d" % number)
    said = [claims(losses, 2, ("run-1", str(number))) for number in range(9)]
    assert said == [[]] * 4 + [["0"]] * 5


def test_when_too_many_are_forgotten_no_other_series_is_followed(monkeypatch, caplog):
    monkeypatch.setattr("ltemlive.sources.losses.MAX_FORGOTTEN", 3)
    _, losses = made()
    for number in range(MAX_SERIES + 3):
        losses.saw("run-1", str(number), 1)
    losses.saw("run-1", "another", 1)
    losses.saw("run-1", "a third", 1)
    assert claims(losses, 2, ("run-1", "another")) == []
    assert claims(losses, 2, ("run-1", str(MAX_SERIES))) == ["0"]
    assert caplog.text.count("too many series") == 1


def test_what_was_missing_before_a_restart_is_missing_after_it():
    counters, losses = made({KEY: {0, 2}})
    assert counters.dropped == 1
    assert losses.saw(*KEY, 1) == "late"
    assert counters.dropped == 0
