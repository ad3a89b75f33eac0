"""One law for any sequence of arrivals, refusals of the disk, and crashes."""

import errno
import os
import tempfile
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.arrivals import FrameArrived, SeriesClosed
from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.desk import Desk
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import Mailbox, StoredFrame
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.formats.images import read_image
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recording.journal import JOURNAL_FILE
from ltemlive.recording.session import SessionRecorder
from ltemlive.settings import Settings
from ltemlive.sources.counters import SourceCounters

frames = st.tuples(st.sampled_from(["run-1", "run-2"]), st.integers(0, 5))
groups = st.lists(st.one_of(frames, st.just("end")), min_size=1, max_size=6)
disks = st.sampled_from(["well", "well", "fsync", "write"])
actions = st.lists(st.one_of(st.tuples(groups, disks), st.just("kill")), max_size=12)


class Refusing:
    """A disk that refuses the ``n``-th call of one kind, and all after it."""

    def __init__(self, kind, n):
        self._kind, self._left = kind, n
        self._real = {"fsync": os.fsync, "write": os.write}

    def __enter__(self):
        for name in self._real:
            setattr(os, name, lambda *args, name=name: self._call(name, *args))

    def __exit__(self, *_):
        for name, real in self._real.items():
            setattr(os, name, real)

    def _call(self, name, *args):
        if name == self._kind:
            self._left -= 1
            if self._left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._real[name](*args)


class OneGroup:
    """A source that hands over one group and keeps what is acknowledged."""

    name = "test"

    def __init__(self, group):
        self.counters = SourceCounters()
        self.acknowledged = []
        self._group = group

    def arrivals(self, stop):
        yield self._group

    def acknowledge(self, receipt, status, reason=None):
        self.acknowledged.append((receipt, status))

    def close(self):
        """Do nothing."""


def intake_of(recorder, mailbox):
    board = StatusBoard("session")
    trouble = DiskTrouble(board, board.accept)
    silence = Silence(None, clock=time.monotonic)
    return Intake(
        Desk(recorder, defaults=Defaults(), clock=time.time),
        mailbox,
        board,
        trouble,
        silence,
    )


@given(actions=actions, n=st.integers(0, 8), torn=st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_what_was_acknowledged_is_on_the_disk_and_is_never_solved_twice(actions, n, torn):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recorder = SessionRecorder.create(
            root, settings=Settings(), versions={}, clock=time.time
        )
        mailbox, acknowledged = Mailbox(), set()
        intake = intake_of(recorder, mailbox)
        for action in actions:
            if action == "kill":
                recorder._books.close()
                with (recorder.path / JOURNAL_FILE).open("ab") as journal:
                    journal.write(b'{"t": 1, "kind": "stored", "torn'[:torn])
                recorder = SessionRecorder.resume(recorder.path, clock=time.time)
                mailbox = Mailbox()
                intake = intake_of(recorder, mailbox)
                continue
            group, disk = action
            source = OneGroup([arrival(each) for each in group])
            with Refusing(disk, n):
                intake.run(source, threading.Event())
            acknowledged |= {
                receipt
                for receipt, status in source.acknowledged
                if status in ("stored", "duplicate")
            }
            check(recorder, mailbox, acknowledged)
        recorder._books.close()
        again = SessionRecorder.resume(recorder.path, clock=time.time)
        check(again, Mailbox(), acknowledged)
        again.close()


def image_of(seq):
    return np.random.default_rng(seq).integers(100, 4000, (16, 18)).astype("<u2")


def arrival(each):
    if each == "end":
        return SeriesClosed("run-1", "holes", "abandoned", receipt="end")
    producer, seq = each
    meta = FrameMeta(seq, defocus_nm=seq * 1e5, voltage_kv=200.0, pixel_nm=5.0)
    frame = Frame(meta, image_of(seq))
    crc32 = zlib.crc32(frame.image.data)
    return FrameArrived(producer, "holes", frame, crc32, str(seq), receipt=each)


def check(recorder, mailbox, acknowledged):
    """Assert that what is acknowledged is recorded, once, and as it came."""
    recorded = [
        (record.producer, frame.seq)
        for record in recorder.series
        for frame in record.frames
    ]
    assert acknowledged <= set(recorded)
    assert len(recorded) == len(set(recorded))
    for producer, seq in acknowledged:
        (record,) = (each for each in recorder.series if each.producer == producer)
        file = recorder.series_folder(record.ordinal) / record.frame(seq).file
        np.testing.assert_array_equal(read_image(file), image_of(seq))
    letters = mailbox.take(0.0)
    told = Counter(
        (letter.ordinal, letter.frame.meta.seq)
        for letter in letters
        if isinstance(letter, StoredFrame)
    )
    assert set(told.values()) <= {1}
    known = {record.ordinal: {f.seq for f in record.frames} for record in recorder.series}
    assert all(seq in known[ordinal] for ordinal, seq in told)
