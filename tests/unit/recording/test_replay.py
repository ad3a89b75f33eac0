import shutil

import numpy as np
import pytest

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.errors import ConfigError, RecordingError
from ltemlive.formats.series import read_series
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recording.replay import (
    Added,
    Ended,
    Finished,
    Refined,
    Stored,
    Wished,
    read_any_series,
    read_recorded_session,
    recorded_settings,
)
from ltemlive.recording.session import SessionRecorder
from ltemlive.series import Microscope
from ltemlive.settings import Settings

MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=5.0)
SETTINGS = Settings.model_validate({"solver": {"steps_per_frame": 7}})


class FakeClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def frame(seq):
    image = np.random.default_rng(seq).integers(1, 4000, (16, 20)).astype("<u2")
    meta = FrameMeta(
        seq, defocus_nm=seq * 1e5, t_exposure_start=10.0 * seq, meta={"stage": "left"}
    )
    return Frame(meta, image)


@pytest.fixture
def session(tmp_path):
    """A series of three frames, one of them refused, and one without a frame."""
    recorder = SessionRecorder.create(
        tmp_path, settings=SETTINGS, versions={"ltemlive": "1"}, clock=FakeClock()
    )
    with recorder:
        announced = SeriesAnnounced("run-1", "holes", n_expected=3)
        recorder.open_series(announced, MICROSCOPE, (16, 20))
        for seq in (0, 2):
            recorder.store(1, frame(seq), seq, 50.0 + seq)
        recorder.reject("holes", "1", "the same seq with other content", 1)
        recorder.added(1, (0, 2))
        recorder.refined(1, 1, 24, "00ff")
        recorder.wished(1, 2, use=False)
        recorder.open_series(SeriesAnnounced("run-1", "empty"), MICROSCOPE, (16, 20))
        recorder.end_series(1, "abort")
        recorder.finished(1, 2)
    return recorder.path


def test_a_session_comes_back_as_it_was_recorded(session):
    recorded = read_recorded_session(session)
    assert recorded.settings == SETTINGS
    assert recorded.versions == {"ltemlive": "1"}
    holes, empty = recorded.series
    assert (holes.title, empty.title) == ("holes", "empty")
    assert empty.frames == ()
    for got, expected in zip(holes.frames, (frame(0), frame(2)), strict=True):
        np.testing.assert_array_equal(got.image, expected.image)
        assert got.meta.defocus_nm == expected.meta.defocus_nm
        assert got.meta.t_exposure_start == expected.meta.t_exposure_start
        assert got.meta.meta == expected.meta.meta
    assert [record.exit_status for record in recorded.records] == ["abort", None]


def test_what_was_refused_live_is_still_listed(session):
    (refused,) = read_recorded_session(session).series[0].rejected
    assert (refused.frame, refused.reason) == ("1", "the same seq with other content")


def test_the_schedule_is_what_the_engine_was_told_in_order(session):
    recorded = read_recorded_session(session)
    added, refined, wished, ended, finished = recorded.schedule
    assert added == Added(added.t, 1, (0, 2))
    assert refined == Refined(refined.t, 1, 1, 24, "00ff")
    assert ended == Ended(ended.t, 1, "abort")
    assert wished == Wished(wished.t, 1, 2, use=False)
    assert finished == Finished(finished.t, 1, 2)
    assert added.t < refined.t < wished.t < ended.t < finished.t
    assert [frame.meta.use for frame in recorded.series[0].frames] == [None, False]
    assert [arrival.use for arrival in recorded.arrivals] == [None, None]
    assert recorded.arrivals == (Stored(50.0, 1, 0), Stored(52.0, 1, 2))


def test_a_session_cut_short_replays_up_to_the_cut(session):
    journal = session / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:10])
    recorded = read_recorded_session(session)
    assert [len(series.frames) for series in recorded.series] == [2]
    assert recorded.schedule == ()


def test_a_frame_file_that_was_lost_is_listed(session):
    (session / "series" / "0001" / "frames" / "000002.tif").unlink()
    series = read_recorded_session(session).series[0]
    assert [one.meta.seq for one in series.frames] == [0]
    assert [bad.frame for bad in series.rejected] == ["1", "000002.tif"]


def test_a_recorded_series_read_alone_lists_what_was_refused_live(session):
    folder = session / "series" / "0001"
    alone = read_any_series(folder)
    assert alone.labels == read_series(folder).labels
    assert [bad.frame for bad in alone.rejected] == ["1"]
    assert alone.frames[1].meta.t_exposure_start == 20.0


def test_a_series_outside_a_session_is_read_as_it_is(session, tmp_path):
    copy = tmp_path / "elsewhere"
    (session / "series" / "0001").rename(copy)
    assert read_any_series(copy).rejected == ()


def test_a_folder_that_is_no_session_is_told_apart(tmp_path):
    with pytest.raises(ConfigError, match="expected a session folder") as caught:
        read_recorded_session(tmp_path)
    assert caught.value.exit_code == 2


def test_settings_of_another_version_are_named_by_key(session):
    (session / "session.yaml").write_text("settings: {solver: {magic: 1}}\n")
    with pytest.raises(ConfigError, match=r"session\.yaml: .*solver\.magic: unknown key"):
        read_recorded_session(session)


def test_an_incomplete_schedule_entry_is_named(session):
    with (session / "journal.jsonl").open("a") as journal:
        journal.write('{"t": 1, "kind": "refined", "ordinal": 1}\n')
    with pytest.raises(RecordingError, match="expected a complete `refined` entry"):
        read_recorded_session(session)


def test_a_stored_entry_whose_number_is_none_is_named(session):
    journal = session / "journal.jsonl"
    text = journal.read_text(encoding="ascii")
    assert '"seq": 2,' in text
    journal.write_text(text.replace('"seq": 2,', '"seq": "two",'), encoding="ascii")
    with pytest.raises(RecordingError, match="expected a complete `stored` entry"):
        read_recorded_session(session)


def test_a_series_knows_what_its_session_was_recorded_with(session, tmp_path):
    folder = session / "series" / "0001"
    for path in (folder, folder / "series.yaml"):
        assert Settings.model_validate(recorded_settings(path)) == SETTINGS
    alone = tmp_path / "alone"
    shutil.copytree(folder, alone)
    assert recorded_settings(alone) == {}
