"""Thousands of files at once into a watched folder: each is recorded, none twice."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.desk import Desk
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import Mailbox, StoredFrame
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.formats.images import read_image, write_frame_tiff
from ltemlive.formats.series import read_series
from ltemlive.recording.session import SessionRecorder
from ltemlive.settings import MicroscopeSettings, Settings
from ltemlive.sources.directory import DirectorySource

pytestmark = pytest.mark.timeout(600)

KNOWN = MicroscopeSettings(voltage_kv=200.0, pixel_nm=5.0)
PATIENCE_S = 500.0


def image_of(seq):
    return np.random.default_rng(seq).integers(1, 4000, (64, 64)).astype("<u2")


class CountingMailbox(Mailbox):
    """Counts frames instead of keeping them for a solver."""

    def __init__(self):
        super().__init__()
        self.n_frames = 0

    def put(self, letter):
        self.n_frames += isinstance(letter, StoredFrame)


@pytest.mark.parametrize("n_files", [300, pytest.param(10_000, marks=pytest.mark.chaos)])
def test_of_a_burst_of_files_each_one_is_recorded(tmp_path, n_files):
    outside, watched = tmp_path / "outside", tmp_path / "watched"
    outside.mkdir()
    watched.mkdir()
    for seq in range(n_files):
        name = f"f{seq:05d}_df0.tif"
        write_frame_tiff(
            outside / name, image_of(seq), pixel_nm=5.0, defocus_nm=0.0, seq=seq,
            durable=False,
        )  # fmt: skip
    recorder = SessionRecorder.create(
        tmp_path, settings=Settings(), versions={}, clock=time.time
    )
    mailbox, board, stop = CountingMailbox(), StatusBoard("session"), threading.Event()
    source = DirectorySource(watched, settle_ms=50, rescan_s=0.5, defaults=KNOWN)
    trouble = DiskTrouble(board, board.accept)
    intake = Intake(
        Desk(recorder, defaults=Defaults(KNOWN), clock=time.time),
        mailbox,
        board,
        trouble,
        Silence(None, clock=time.monotonic),
    )
    ingest = threading.Thread(target=intake.run, args=(source, stop))
    ingest.start()
    try:
        for path in sorted(outside.iterdir()):
            path.rename(watched / path.name)
        deadline = time.monotonic() + PATIENCE_S
        while mailbox.n_frames < n_files and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        ingest.join()
        recorder.close()
    (record,) = recorder.series
    assert [frame.seq for frame in sorted(record.frames, key=lambda frame: frame.seq)] == [
        *range(n_files)
    ]
    assert record.rejected == ()
    stored = read_series(recorder.series_folder(1))
    assert len(stored.frames) == n_files
    for seq in range(0, n_files, max(n_files // 50, 1)):
        frame = recorder.series_folder(1) / "frames" / f"{seq:06d}.tif"
        np.testing.assert_array_equal(read_image(frame), image_of(seq))
