import errno
import os
import shutil
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from ltemlive import documents
from ltemlive.arrivals import SeriesAnnounced
from ltemlive.errors import FrameError, RecordingError
from ltemlive.formats.images import read_image
from ltemlive.formats.series import read_series
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recording.journal import read_journal
from ltemlive.recording.layout import unfinished_session
from ltemlive.recording.session import SessionRecorder
from ltemlive.series import Microscope
from ltemlive.settings import Settings

MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=5.0, defocus_spread_nm=80.0)
STARTED = 1795428900.0  # 2026-11-23 10:15:00 UTC


def clock():
    return STARTED


def create(root):
    return SessionRecorder.create(
        root, settings=Settings(), versions={"ltemlive": "0.1.0"}, clock=clock
    )


def frame(seq, **meta):
    image = np.random.default_rng(seq).integers(1, 4000, (16, 20)).astype("<u2")
    return Frame(FrameMeta(seq, **{"defocus_nm": seq * 1e5, "pixel_nm": 5.0} | meta), image)


def real_crc32(seq):
    return zlib.crc32(frame(seq).image.data)


def opened(recorder, n_expected=None, *, producer="run-1", series="holes"):
    announced = SeriesAnnounced(producer, series, n_expected=n_expected)
    return recorder.open_series(announced, MICROSCOPE, (16, 20))


def store(recorder, ordinal, seq, **meta):
    return recorder.store(ordinal, frame(seq, **meta), real_crc32(seq), 100.0)


def kinds(recorder):
    return [entry["kind"] for entry in read_journal(recorder.path / "journal.jsonl")]


@pytest.fixture
def recorder(tmp_path):
    with create(tmp_path) as recorder:
        yield recorder


def refuse_to_sync(monkeypatch, number=errno.ENOSPC):
    def refuse(_file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)


def test_a_session_is_named_by_its_start_and_never_shares_a_folder(tmp_path):
    names = []
    for _ in range(3):
        with create(tmp_path / "new" / "root") as recorder:
            names.append(recorder.path.name)
    assert names == ["2026-11-23T101500Z", "2026-11-23T101500Z-2", "2026-11-23T101500Z-3"]


def test_settings_versions_and_start_are_kept(recorder):
    document = documents.load(recorder.path / "session.yaml")
    assert document["started"] == "2026-11-23T10:15:00Z"
    assert document["versions"] == {"ltemlive": "0.1.0"}
    assert Settings.model_validate(document["settings"]) == Settings()


def test_a_stored_frame_is_lossless_calibrated_and_in_the_journal(recorder):
    ordinal = opened(recorder, 4)
    path = store(recorder, ordinal, 12, exposure_s=1.5, t_exposure_start=99.0)
    assert path == recorder.path / "series" / "0001" / "frames" / "000012.tif"
    np.testing.assert_array_equal(read_image(path), frame(12).image)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.imagej_metadata["defocus_nm"] == 12e5
    entry = read_journal(recorder.path / "journal.jsonl")[-1]
    assert (
        entry
        | {
            "kind": "stored",
            "t": 100.0,
            "ordinal": 1,
            "producer": "run-1",
            "series": "holes",
            "seq": 12,
            "crc32": real_crc32(12),
            "defocus_nm": 12e5,
            "exposure_s": 1.5,
            "t_exposure_start": 99.0,
        }
        == entry
    )


def test_the_frame_then_its_folder_then_its_line_are_synced_before_store_returns(
    recorder, monkeypatch
):
    ordinal = opened(recorder)
    synced = []
    real_fsync = os.fsync

    def note(file):
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        real_fsync(file)

    monkeypatch.setattr(os, "fsync", note)
    frames = recorder.series_folder(ordinal) / "frames"
    store(recorder, ordinal, 0)
    assert synced == [
        str(frames / "000000.tif"),
        str(frames),
        str(recorder.path / "journal.jsonl"),
    ]


def test_the_series_can_be_read_at_any_time(recorder):
    ordinal = opened(recorder, 4)
    for seq in (3, 1, 2):
        store(recorder, ordinal, seq, exposure_s=0.0)
    series = read_series(recorder.path)
    assert series.title == "holes"
    assert series.microscope == MICROSCOPE
    assert series.labels == ("000001.tif", "000002.tif", "000003.tif")
    assert [one.meta.defocus_nm for one in series.frames] == [1e5, 2e5, 3e5]


def test_names_never_come_from_a_message(recorder):
    evil = "../../escape: {$x}\n\x07"
    ordinal = opened(recorder, producer=evil, series=evil)
    for seq in (0, 1):
        recorder.store(ordinal, frame(seq, meta={"k": evil}), 0, 1.0)
    recorder.reject(evil, evil, evil, ordinal)
    assert [path.name for path in recorder.path.parent.iterdir()] == [recorder.path.name]
    folders = sorted(path.name for path in recorder.path.rglob("*") if path.is_dir())
    assert folders == ["0001", "frames", "series"]
    assert read_series(recorder.path).title == evil


def test_a_repeated_start_keeps_its_ordinal_and_another_series_gets_the_next(recorder):
    assert opened(recorder, 4) == 1
    assert opened(recorder, 4) == 1
    assert opened(recorder, 4, producer="run-1", series="discs") == 2
    assert opened(recorder, 4, producer="run-2", series="holes") == 3


def test_a_stored_frame_is_never_overwritten(recorder):
    ordinal = opened(recorder)
    store(recorder, ordinal, 1)
    other = Frame(FrameMeta(1), np.ones((16, 20), np.float32))
    with pytest.raises(FrameError, match="stored already"):
        recorder.store(ordinal, other, 0, 1.0)
    assert recorder.record(ordinal).frame(1).crc32 == real_crc32(1)
    assert recorder.record(ordinal).frame(2) is None


@pytest.mark.parametrize("defocus_nm", [float("nan"), 1e12])
def test_an_impossible_defocus_is_refused_before_anything_is_written(recorder, defocus_nm):
    ordinal = opened(recorder)
    with pytest.raises(FrameError, match="frame 3: defocus_nm: "):
        store(recorder, ordinal, 3, defocus_nm=defocus_nm)
    assert not list((recorder.series_folder(ordinal) / "frames").iterdir())
    assert "stored" not in kinds(recorder)


def test_a_full_disk_stores_nothing_and_the_same_frame_goes_in_when_there_is_room(
    recorder, monkeypatch
):
    ordinal = opened(recorder)
    store(recorder, ordinal, 0)
    refuse_to_sync(monkeypatch)
    with pytest.raises(RecordingError, match=r"No space left on device\); free some space"):
        store(recorder, ordinal, 1)
    monkeypatch.undo()
    assert recorder.record(ordinal).frame(1) is None
    store(recorder, ordinal, 1)
    assert [one.seq for one in recorder.record(ordinal).frames] == [0, 1]
    assert len(read_series(recorder.path).frames) == 2


def test_a_folder_that_vanished_is_an_error_with_a_remedy(recorder):
    ordinal = opened(recorder)
    (recorder.series_folder(ordinal) / "frames").rmdir()
    with pytest.raises(RecordingError, match="put the folder back or choose another"):
        store(recorder, ordinal, 0)


def test_a_session_that_was_removed_does_not_grow_again(recorder):
    opened(recorder)
    shutil.rmtree(recorder.path)
    with pytest.raises(RecordingError, match="put the folder back"):
        opened(recorder, series="discs")
    with pytest.raises(RecordingError, match="put the folder back"):
        recorder.end_series(1, "success")
    assert not recorder.path.exists()


def test_a_group_that_came_to_nothing_does_no_harm_to_the_next(recorder, monkeypatch):
    ordinal = opened(recorder)

    def open_and_store():
        with recorder.together():
            store(recorder, opened(recorder, series="discs"), 0)

    refuse_to_sync(monkeypatch)
    with pytest.raises(RecordingError, match="No space left"):
        open_and_store()
    monkeypatch.undo()
    recorder.added(ordinal, (0,))
    store(recorder, ordinal, 0)
    assert [record.series for record in recorder.series] == ["holes"]
    assert opened(recorder, series="discs") == 2


def test_no_line_speaks_of_a_file_that_is_not_on_the_disk(recorder, monkeypatch):
    ordinal = opened(recorder)
    lines_by_then = []
    real_fsync = os.fsync

    def look(file):
        lines_by_then.append(kinds(recorder).count("stored"))
        real_fsync(file)

    monkeypatch.setattr(os, "fsync", look)
    store(recorder, ordinal, 0)
    # Frame, folder, journal.
    assert lines_by_then == [0, 0, 1]


def test_a_root_that_is_a_file_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "root").write_text("")
    with pytest.raises(RecordingError, match="choose a folder, not a file"):
        create(tmp_path / "root")


def test_the_journal_tells_the_whole_story(recorder):
    ordinal = opened(recorder, 1)
    recorder.received(("run-1", "holes"), "0", 5)
    store(recorder, ordinal, 0)
    recorder.reject("holes", "1", "torn", ordinal)
    recorder.reject("nobody", "x.tif", "no defocus", None)
    recorder.added(ordinal, (0,))
    recorder.refined(ordinal, 1, 24, "00ff")
    recorder.wished(ordinal, 0, use=False)
    recorder.end_series(ordinal, "success")
    recorder.finished(ordinal, 2)
    recorder.close()
    recorder.close()
    assert kinds(recorder) == [
        "opened", "received", "stored", "rejected", "rejected", "added", "refined",
        "wished", "ended", "finished", "closed",
    ]  # fmt: skip
    assert recorder.record(ordinal).exit_status == "success"
    assert [bad.reason for bad in recorder.record(ordinal).rejected] == ["torn"]
    with pytest.raises(RecordingError, match="expected an open session"):
        recorder.added(ordinal, (0,))


def test_what_the_user_wants_of_a_frame_is_in_its_description(recorder):
    ordinal = opened(recorder, 3)
    store(recorder, ordinal, 0)
    store(recorder, ordinal, 1)
    store(recorder, ordinal, 2)
    recorder.wished(ordinal, 0, use=True)
    recorder.wished(ordinal, 1, use=False)
    recorder.wished(ordinal, 2, use=False)
    recorder.wished(ordinal, 2, use=None)
    assert [one.use for one in recorder.record(ordinal).frames] == [True, False, None]
    stored = read_series(recorder.series_folder(ordinal))
    assert [frame.meta.use for frame in stored.frames] == [True, False, None]


def test_what_a_frame_came_with_is_kept(recorder):
    ordinal = opened(recorder, 1)
    image = np.arange(320, dtype="<u2").reshape(16, 20)
    wanted = Frame(FrameMeta(0, defocus_nm=1e5, use=False), image)
    recorder.store(ordinal, wanted, 0, 1.0)
    assert recorder.record(ordinal).frame(0).use is False


def test_a_session_cut_short_resumes_where_its_journal_ends(tmp_path, crashed_session):
    with SessionRecorder.resume(crashed_session, clock=clock) as recorder:
        (record,) = recorder.series
        assert (record.producer, record.series, record.n_expected) == ("run-1", "holes", 4)
        assert record.microscope == MICROSCOPE
        assert [one.seq for one in record.frames] == [0, 1]
        assert record.exit_status is None
        assert opened(recorder, 4) == 1
        # Frame 2 was on the disk, its line was not: it comes again.
        store(recorder, 1, 2)
        assert opened(recorder, None, producer="run-1", series="discs") == 2
        for ordinal in (1, 2):
            recorder.end_series(ordinal, "success")
            recorder.finished(ordinal, 0)
    assert len(read_series(crashed_session / "series" / "0001").frames) == 3
    assert unfinished_session(tmp_path) is None


@pytest.fixture
def crashed_session(tmp_path):
    """A session whose daemon was killed while it wrote the line of frame 2."""
    recorder = create(tmp_path)
    opened(recorder, 4)
    for seq in range(3):
        store(recorder, 1, seq)
    recorder._books.close()
    journal = recorder.path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    return recorder.path


def test_a_stored_frame_that_was_damaged_can_be_stored_again(tmp_path, caplog):
    recorder = create(tmp_path)
    opened(recorder, 4)
    for seq in range(4):
        recorder.store(1, frame(seq), real_crc32(seq), 100.0)
    recorder._books.close()
    frames = recorder.series_folder(1) / "frames"
    (frames / "000000.tif").unlink()
    (frames / "000001.tif").write_bytes(b"junk")
    (frames / "000003.tif").write_bytes((frames / "000002.tif").read_bytes())
    with SessionRecorder.resume(recorder.path, clock=clock) as again:
        assert [one.seq for one in again.record(1).frames] == [2]
        reasons = {one.frame: one.reason for one in again.record(1).rejected}
        assert "no such file" in reasons["0"].lower()
        assert "cannot be read any more" in reasons["1"]
        assert "other pixels" in reasons["3"]
        for seq in (0, 1, 3):
            again.store(1, frame(seq), real_crc32(seq), 100.0)
    assert len(read_series(recorder.path).frames) == 4
    assert caplog.text.count("it was stored") == 3


@pytest.mark.parametrize("pixel_type", [">u2", "<f8", "|u1"])
def test_frames_in_any_order_of_bytes_are_known_again(tmp_path, pixel_type):
    image = frame(0).image.astype(pixel_type)
    recorder = create(tmp_path)
    opened(recorder)
    recorder.store(1, Frame(FrameMeta(0), image), zlib.crc32(image.data), 1.0)
    recorder._books.close()
    with SessionRecorder.resume(recorder.path, clock=clock) as again:
        assert len(again.record(1).frames) == 1


def test_the_description_is_mended_on_resume(crashed_session):
    (crashed_session / "series" / "0001" / "series.yaml").write_text("voltage_kv: [half")
    SessionRecorder.resume(crashed_session, clock=clock).close()
    assert len(read_series(crashed_session).frames) == 2


def test_a_session_is_unfinished_while_a_series_of_it_is(tmp_path, crashed_session):
    assert unfinished_session(tmp_path) == crashed_session
    with SessionRecorder.resume(crashed_session, clock=clock):
        # Somebody records it.
        assert unfinished_session(tmp_path) is None
    assert unfinished_session(tmp_path) == crashed_session
    with SessionRecorder.resume(crashed_session, clock=clock) as recorder:
        recorder.end_series(1, "abandoned")
    assert unfinished_session(tmp_path) == crashed_session
    with SessionRecorder.resume(crashed_session, clock=clock) as recorder:
        recorder.finished(1, 7)
        assert recorder.ledger.last_rev == 7
    assert unfinished_session(tmp_path) is None
    assert unfinished_session(tmp_path / "nowhere") is None


def test_what_the_user_mended_in_a_finished_series_stays(tmp_path, crashed_session):
    with SessionRecorder.resume(crashed_session, clock=clock) as recorder:
        recorder.end_series(1, "success")
        recorder.finished(1, 1)
        opened(recorder, series="discs")
    description = crashed_session / "series" / "0001" / "series.yaml"
    mended = description.read_text() + "# mended\n"
    description.write_text(mended)
    SessionRecorder.resume(crashed_session, clock=clock).close()
    assert description.read_text() == mended


def test_beside_a_session_that_is_recorded_no_older_one_goes_on(tmp_path, crashed_session):
    with create(tmp_path):
        assert unfinished_session(tmp_path) is None


def test_two_recorders_cannot_write_one_session(recorder):
    with pytest.raises(RecordingError, match="another ltemlive writes it"):
        SessionRecorder.resume(recorder.path, clock=clock)


def test_an_incomplete_journal_entry_is_named(tmp_path):
    with create(tmp_path) as recorder:
        pass
    with (recorder.path / "journal.jsonl").open("a") as journal:
        journal.write('{"t": 1, "kind": "stored", "ordinal": 9}\n')
    with pytest.raises(RecordingError, match="line 2: expected a complete `stored` entry"):
        SessionRecorder.resume(recorder.path, clock=clock)
    (recorder.path / "journal.jsonl").write_text("")
    SessionRecorder.resume(recorder.path, clock=clock).close()


def test_several_threads_write_whole_lines(recorder):
    ordinal = opened(recorder)
    threads = [
        threading.Thread(
            target=lambda: [recorder.added(ordinal, (seq,)) for seq in range(50)]
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    store(recorder, ordinal, 0)
    for thread in threads:
        thread.join(timeout=20.0)
    assert kinds(recorder).count("added") == 150
    assert kinds(recorder).count("stored") == 1


def test_a_disk_that_is_full_at_the_end_is_told_but_no_error(recorder, monkeypatch, caplog):
    refuse_to_sync(monkeypatch)
    recorder.close()
    assert "No space left on device" in caplog.text
