import pytest

from ltemlive.errors import RecordingError
from ltemlive.recording import folding
from ltemlive.recording.folding import ledger_of
from ltemlive.recording.ledger import Ledger
from ltemlive.series import RejectedFrame

ANNOUNCED = {
    "kind": "announced",
    "producer": "run-1",
    "series": "holes",
    "optics": {"coherence": "wave"},
    "n_expected": 3,
    "plan_defocus_nm": [0.0, 1e5],
}
OPENED = {
    "kind": "opened",
    "ordinal": 1,
    "producer": "run-1",
    "series": "holes",
    "n_expected": 3,
    "plan_defocus_nm": [0.0, 1e5],
    "shape": [16, 20],
    "microscope": {"voltage_kv": 200.0, "pixel_nm": 5.0},
}
ENDED = {"kind": "ended", "ordinal": 1, "exit_status": "abandoned"}
FINISHED = {"kind": "finished", "ordinal": 1, "rev": 9}


def of(*entries):
    return ledger_of(entries, where="journal")


def rejected(frame, reason="torn"):
    return {"kind": "rejected", "ordinal": 1, "frame": frame, "reason": reason}


def test_an_announced_series_is_remembered_until_it_is_opened():
    before = of(ANNOUNCED).announced[("run-1", "holes")]
    assert before.plan_defocus_nm == (0.0, 1e5)
    assert dict(before.optics) == {"coherence": "wave"}
    assert before.n_expected == 3
    assert of(ANNOUNCED, OPENED).announced == {}


def test_a_flood_of_announcements_drives_out_the_oldest_only():
    names = [str(number) for number in range(folding.MAX_ANNOUNCED + 5)]
    ledger = of(*({**ANNOUNCED, "series": name} for name in names))
    assert [series for _, series in ledger.announced] == names[5:]


def test_an_opened_series_knows_its_plan_and_shape():
    record = of(OPENED).records[1]
    assert (record.plan_defocus_nm, record.shape) == ((0.0, 1e5), (16, 20))
    older = {key: OPENED[key] for key in OPENED if key not in ("shape", "plan_defocus_nm")}
    record = of(older).records[1]
    assert (record.plan_defocus_nm, record.shape) == (None, None)


def test_a_session_is_complete_when_every_series_has_its_result():
    assert Ledger().is_complete
    assert not of(OPENED).is_complete
    assert not of(OPENED, ENDED).is_complete
    ledger = of(OPENED, ENDED, FINISHED)
    assert ledger.is_complete
    assert ledger.last_rev == 9


def test_a_series_that_goes_on_is_neither_ended_nor_finished():
    ledger = of(OPENED, ENDED, FINISHED, {"kind": "reopened", "ordinal": 1})
    assert ledger.records[1].exit_status is None
    assert not ledger.is_complete


def test_a_refusal_that_comes_again_is_listed_once(monkeypatch):
    record = of(OPENED, rejected("1"), rejected("1"), rejected("2")).records[1]
    assert record.rejected == (RejectedFrame("1", "torn"), RejectedFrame("2", "torn"))
    monkeypatch.setattr(folding, "MAX_REJECTED", 2)
    record = of(OPENED, *(rejected(str(number)) for number in range(5))).records[1]
    assert len(record.rejected) == 2


def test_an_announcement_without_a_series_is_named():
    with pytest.raises(RecordingError, match="line 1: expected a complete `announced`"):
        of({key: ANNOUNCED[key] for key in ANNOUNCED if key != "series"})


def test_a_result_from_before_a_series_went_on_does_not_finish_it():
    reopened = {"kind": "reopened", "ordinal": 1}
    before = {**FINISHED, "times_reopened": 0}
    ledger = of(OPENED, ENDED, reopened, before)
    assert not ledger.records[1].is_finished
    ledger = of(OPENED, ENDED, reopened, {**ENDED, "exit_status": "success"}, before)
    assert not ledger.is_complete
    after = {**FINISHED, "times_reopened": 1}
    assert of(OPENED, ENDED, reopened, ENDED, before, after).is_complete


def test_a_lost_frame_is_listed_and_can_be_stored_again():
    stored = {
        "kind": "stored", "ordinal": 1, "seq": 3, "crc32": 7, "defocus_nm": 0.0,
        "exposure_s": None, "t_exposure_start": None, "meta": {}, "t": 1.0,
    }  # fmt: skip
    lost = {"kind": "lost", "ordinal": 1, "seq": 3, "reason": "gone"}
    record = of(OPENED, stored, lost).records[1]
    assert record.frames == ()
    assert record.rejected == (RejectedFrame("3", "gone"),)
    assert len(of(OPENED, stored, lost, stored).records[1].frames) == 1
