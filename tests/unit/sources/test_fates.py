import pytest

from ltemlive.sources.fates import Fates
from ltemlive.sources.folder_plan import ImageKey
from ltemlive.sources.settling import FileStamp

KEY = ImageKey("f0.tif")
FIRST, SECOND = FileStamp(10, 1), FileStamp(10, 2)


@pytest.fixture
def fates():
    return Fates(retry_s=1.0, patience_s=10.0)


def deliver(fates, stamp=FIRST, crc32=7, *, is_taken=True):
    assert fates.take(KEY, stamp, crc32, now=0.0) == "offer"
    fates.settle(KEY, is_taken=is_taken)


def test_a_new_file_is_due(fates):
    assert fates.is_due(KEY, FIRST, now=0.0)


def test_a_delivered_file_is_never_due_again(fates):
    deliver(fates)
    assert not fates.is_due(KEY, FIRST, now=1e6)
    assert fates.is_settled(KEY)
    assert fates.n_taken() == 1
    assert fates.waiting() == {}


def test_the_same_content_saved_again_is_nothing_new(fates):
    deliver(fates)
    assert fates.is_due(KEY, SECOND, now=1.0)
    assert fates.take(KEY, SECOND, 7, now=1.0) == "repetition"
    assert not fates.is_due(KEY, SECOND, now=1e6)


def test_other_content_under_a_taken_name_is_a_conflict_told_once(fates):
    deliver(fates)
    assert fates.take(KEY, SECOND, 8, now=1.0) == "conflict"
    assert not fates.is_due(KEY, SECOND, now=1e6)
    assert fates.take(KEY, FileStamp(10, 3), 7, now=2.0) == "repetition"


def test_what_nobody_answers_for_is_offered_again(fates):
    assert fates.take(KEY, FIRST, 7, now=0.0) == "offer"
    assert not fates.is_due(KEY, FIRST, now=0.5)
    assert fates.is_due(KEY, FIRST, now=1.0)
    assert fates.take(KEY, FIRST, 7, now=1.0) == "offer"
    assert KEY in fates.waiting()
    assert fates.n_taken() == 0


def test_a_frame_that_was_rejected_may_be_saved_anew(fates):
    deliver(fates, is_taken=False)
    assert not fates.is_due(KEY, FIRST, now=1e6)
    assert fates.take(KEY, SECOND, 8, now=1.0) == "offer"


def test_an_unreadable_file_is_retried_and_refused_when_patience_ends(fates):
    assert not fates.fail(KEY, FIRST, "damaged", now=0.0)
    assert not fates.is_due(KEY, FIRST, now=0.5)
    assert fates.is_due(KEY, FIRST, now=1.0)
    assert not fates.fail(KEY, FIRST, "damaged", now=9.9)
    assert fates.is_patient(KEY, now=9.9)
    assert fates.fail(KEY, FIRST, "damaged", now=10.0)
    assert not fates.is_due(KEY, FIRST, now=1e6)
    assert fates.is_settled(KEY)


def test_a_change_gives_an_unreadable_file_new_patience(fates):
    fates.fail(KEY, FIRST, "damaged", now=0.0)
    assert not fates.fail(KEY, SECOND, "damaged", now=10.0)
    assert fates.is_patient(KEY, now=19.0)


def test_a_refused_file_that_is_completed_is_welcome(fates):
    fates.fail(KEY, FIRST, "damaged", now=0.0)
    assert fates.fail(KEY, FIRST, "damaged", now=10.0)
    assert fates.is_due(KEY, SECOND, now=11.0)
    assert fates.take(KEY, SECOND, 7, now=11.0) == "offer"


def test_missing_metadata_never_run_out_of_patience(fates):
    for now in range(100):
        fates.wait(KEY, FIRST, "no defocus")
        assert fates.is_due(KEY, FIRST, float(now))
    assert fates.waiting() == {KEY: "no defocus"}
    assert not fates.is_settled(KEY)


def test_a_file_that_goes_away_before_it_was_taken_is_forgotten(fates):
    fates.wait(KEY, FIRST, "no defocus")
    assert fates.forget_missing([]) == {KEY: "no defocus"}
    assert fates.waiting() == {}


def test_a_refused_file_that_goes_away_is_not_told_of_again(fates):
    fates.refuse(KEY, FIRST)
    assert fates.forget_missing([]) == {}


def test_an_image_is_over_while_its_file_looks_the_same(fates):
    assert not fates.is_over(KEY, FIRST)
    fates.wait(KEY, FIRST, "no defocus")
    assert not fates.is_over(KEY, FIRST)
    deliver(fates)
    assert fates.is_over(KEY, FIRST)
    assert not fates.is_over(KEY, SECOND)


def test_a_taken_file_that_goes_away_is_remembered(fates):
    deliver(fates)
    fates.forget_missing([])
    assert fates.is_taken(KEY)
    assert fates.take(KEY, SECOND, 7, now=1.0) == "repetition"


def test_a_refusal_stands_until_the_file_changes(fates):
    fates.refuse(KEY, FIRST)
    assert not fates.is_due(KEY, FIRST, now=1e6)
    assert fates.is_due(KEY, SECOND, now=1e6)


def test_what_waits_can_be_refused_for_good_until_it_changes(fates):
    fates.wait(KEY, FIRST, "no defocus")
    fates.refuse_waiting()
    assert fates.waiting() == {}
    assert not fates.is_due(KEY, FIRST, 1e9)
    assert fates.is_due(KEY, SECOND, 1e9)


def test_what_waits_for_metadata_is_due_when_there_is_news(fates):
    fates.wait(KEY, FIRST, "no defocus")
    assert not fates.is_due(KEY, FIRST, 1e9, is_news=False)
    assert fates.is_due(KEY, FIRST, 0.0)
    assert fates.is_due(KEY, SECOND, 0.0, is_news=False)
    fates.fail(KEY, FIRST, "damaged", now=0.0)
    assert fates.is_due(KEY, FIRST, 1.0, is_news=False)
