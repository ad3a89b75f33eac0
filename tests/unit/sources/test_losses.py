from ltemlive.sources.counters import SourceCounters
from ltemlive.sources.losses import Losses
from ltemlive.wire.messages import EndMessage

KEY = ("run-1", "holes")


def made(recorded=None):
    counters = SourceCounters()
    losses = Losses(counters, name="here", reason="never came", recorded=recorded or {})
    return counters, losses


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


def test_a_bounded_number_of_series_is_followed():
    counters, losses = made()
    for number in range(70):
        losses.saw("run-1", str(number), 0)
    assert losses.saw("run-1", "69", 1) == "next"
    # The oldest is forgotten, so its second frame seems to come after a gap.
    assert losses.saw("run-1", "0", 1) == "gap"
    assert counters.dropped == 1
