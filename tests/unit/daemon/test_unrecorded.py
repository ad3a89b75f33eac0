import pytest

from ltemlive.arrivals import FrameRefused, ProducerHeard, SeriesAnnounced, SeriesClosed
from ltemlive.daemon.unrecorded import Unrecorded

KEY = ("run-1", "holes")
CLOSED = SeriesClosed(*KEY, "success", receipt="end")
MISSING = FrameRefused(*KEY, "4-5", "never came")


@pytest.fixture
def unrecorded():
    return Unrecorded()


def test_all_is_well_when_what_was_refused_has_been_recorded(unrecorded, arrival_of):
    assert unrecorded.is_empty
    for arrival in (arrival_of(0), arrival_of(1), CLOSED, SeriesAnnounced(*KEY)):
        unrecorded.refused(arrival)
    unrecorded.recorded(arrival_of(1))
    unrecorded.recorded(ProducerHeard(*KEY))
    unrecorded.recorded(CLOSED)
    unrecorded.recorded(SeriesAnnounced(*KEY))
    assert not unrecorded.is_empty
    unrecorded.recorded(arrival_of(0))
    assert unrecorded.is_empty


def test_only_refusals_without_a_receipt_are_owed(unrecorded, arrival_of):
    unrecorded.refused(arrival_of(0))
    unrecorded.refused(FrameRefused(*KEY, "9", "torn", receipt="bad"))
    assert unrecorded.owed() == []
    unrecorded.refused(MISSING)
    assert unrecorded.owed() == [MISSING]
    assert unrecorded.is_owed_of(KEY)
    assert not unrecorded.is_owed_of(("run-2", "holes"))


def test_what_nobody_will_send_any_more_is_given_up(unrecorded, arrival_of):
    unrecorded.refused(arrival_of(0))
    unrecorded.refused(arrival_of(0, producer="run-2"))
    unrecorded.given_up(KEY)
    assert not unrecorded.is_empty
    unrecorded.given_up(("run-2", "holes"))
    assert unrecorded.is_empty
