from __future__ import annotations

from ltemlive.daemon.resuming import recorded
from ltemlive.recording.ledger import FrameRecord, Ledger, SeriesRecord
from ltemlive.series import Microscope, RejectedFrame
from ltemlive.sources.directory import folder_key


def frame_of(seq, meta):
    return FrameRecord(
        seq=seq,
        crc32=0,
        defocus_nm=0.0,
        exposure_s=None,
        t_exposure_start=None,
        meta=meta,
        t=1e9,
    )


def ledger_of(key, *frames, refused=()):
    record = SeriesRecord(
        1,
        *key,
        Microscope(voltage_kv=200.0, pixel_nm=5.0),
        frames=frames,
        rejected=tuple(RejectedFrame(label, "why") for label in refused),
    )
    return Ledger({1: record})


def test_a_producer_may_say_what_it_likes_of_the_files_of_its_frames(tmp_path):
    frames = [frame_of(seq, {"file": "stack.mrc"}) for seq in range(3)]
    known = recorded(ledger_of(("run-1", "holes"), *frames), tmp_path)
    assert known.numbers == {("run-1", "holes"): {0, 1, 2}}
    assert known.labels == {}


def test_what_came_and_was_refused_did_come():
    refused = ("1", "4-5", "x_7.tif", "\u00b2")
    known = recorded(ledger_of(("run-1", "holes"), frame_of(0, {}), refused=refused))
    assert known.numbers == {("run-1", "holes"): {0, 1}}


def test_images_of_the_watched_folder_keep_their_numbers(tmp_path):
    ledger = ledger_of(
        folder_key(tmp_path),
        frame_of(4, {"file": "x.tif"}),
        frame_of(5, {}),
        frame_of(6, None),
        frame_of(7, ["file"]),
    )
    assert recorded(ledger, tmp_path).labels == {"x.tif": 4}
    assert recorded(ledger).labels == {}
