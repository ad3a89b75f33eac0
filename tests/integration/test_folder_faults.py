"""What goes wrong in watched folders: each file ends up stored, or refused with a reason.

The real source, intake and recorder with real files; only the clock is ours. Each time the
source asks whether to go on, seconds have passed and the next thing happens in the folder.
"""

import contextlib
import gc
import logging
import os
import threading
import time
import unicodedata
import zlib
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import tifffile

from ltemlive.arrivals import FrameArrived
from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.desk import Desk
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import Mailbox
from ltemlive.daemon.service import open_sources
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.door import Door
from ltemlive.events import AdviceGiven
from ltemlive.formats.images import read_image, write_frame_tiff
from ltemlive.recording.journal import read_journal
from ltemlive.recording.replay import read_any_series
from ltemlive.recording.session import SessionRecorder
from ltemlive.settings import MicroscopeSettings, Settings
from ltemlive.sources import directory
from ltemlive.sources.directory import DirectorySource, folder_key
from ltemlive.sources.recorded import Recorded

KNOWN = MicroscopeSettings(voltage_kv=200.0, pixel_nm=5.0)
LONG = [None] * 5
"""Longer than the patience with a file that cannot be read."""
AGES = (None, None)
"""Time enough for a file to settle and be taken."""


class Script:
    """A clock, and what happens each time when it has gone on."""

    STEP_S = 4.0

    def __init__(self, *steps):
        self._steps = list(steps)
        self.now = 100.0

    def clock(self):
        return self.now

    def is_set(self):
        if not self._steps:
            return True
        self.now += self.STEP_S
        step = self._steps.pop(0)
        if step is not None:
            step()
        return False

    def wait(self, _timeout_s):
        return False


class CrashError(Exception):
    """The daemon is gone, without a word."""


def crash():
    raise CrashError


class Session:
    """A watched folder, and the session that its frames go into."""

    def __init__(self, folder, root):
        self.folder = folder
        self.events = []
        self.board = StatusBoard("session")
        self.recorder = SessionRecorder.create(
            root, settings=Settings(), versions={}, clock=lambda: 1e9
        )
        self.intake = Intake(
            Desk(self.recorder, defaults=Defaults(KNOWN), clock=lambda: 1e9),
            Mailbox(),
            self.board,
            DiskTrouble(self.board, self._publish),
            Silence(None, clock=time.monotonic),
        )

    def _publish(self, event):
        self.board.accept(event)
        self.events.append(event)

    def watch(self, *steps, **asked):
        """Let the steps happen in the folder, and a daemon watch them."""
        script = Script(*steps)
        source = DirectorySource(
            self.folder,
            settle_ms=250,
            rescan_s=1.0,
            clock=script.clock,
            **{"defaults": KNOWN} | asked,
        )
        self.intake.run(source, script)
        return source

    def journal(self, kind):
        entries = read_journal(self.recorder.path / "journal.jsonl")
        return [entry for entry in entries if entry["kind"] == kind]

    @property
    def stored(self):
        """Label of what is on disk, in the order in which it came."""
        received = {entry["crc32"]: entry["frame"] for entry in self.journal("received")}
        return [received[entry["crc32"]] for entry in self.journal("stored")]

    @property
    def refused(self):
        return {entry["frame"]: entry["reason"] for entry in self.journal("rejected")}

    def write(self, name, value=0, defocus_nm=None):
        path = self.folder / name
        write_frame_tiff(
            path, image(value), pixel_nm=5.0, defocus_nm=defocus_nm, seq=None, durable=False
        )
        return path


@pytest.fixture
def session(tmp_path):
    folder = tmp_path / "wire 3"
    folder.mkdir()
    return Session(folder, tmp_path)


@pytest.fixture
def whole(tmp_path):
    """Return the bytes of a good file."""
    path = tmp_path / "whole.tif"
    write_frame_tiff(path, image(7), pixel_nm=5.0, defocus_nm=0.0, seq=None, durable=False)
    return path.read_bytes()


def image(value=0):
    rng = np.random.default_rng(value)
    return rng.integers(1, 1000, (32, 21)).astype("<u2")


def stack(path, n_images):
    pages = np.stack([image(n) for n in range(n_images)])
    tifffile.imwrite(path, pages, photometric="minisblack")


def mdoc(path, *defocus_um):
    pages = [f"[ZValue = {n}]\nDefocus = {each}\n" for n, each in enumerate(defocus_um)]
    path.write_text("\n".join(pages))


def write_mrc(path, n_images):
    """Write a stack as SerialEM does: a header of 1024 bytes, then int16 pages."""
    header = np.zeros(256, "<i4")
    header[:4] = (21, 32, n_images, 1)
    header[7:10] = header[:3]
    header[16:19] = (1, 2, 3)
    header[52] = int.from_bytes(b"MAP ", "little")
    header[53] = 0x4444
    pages = [image(n).astype("<i2").tobytes() for n in range(n_images)]
    path.write_bytes(header.tobytes() + b"".join(pages))


# Files that are not what they should be


FAULTS = {
    "zero bytes": (lambda whole: b"", "got a damaged one"),
    "truncated": (lambda whole: whole[:900], "got a damaged one"),
    "half written": (
        lambda whole: whole[: len(whole) // 2].ljust(len(whole), b"\0"),
        "rows of zeros at its end; copy it again",
    ),
    "preallocated": (lambda whole: bytes(len(whole)), "got a damaged one"),
    "no image": (lambda whole: b"a shopping list", "got a damaged one"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_is(session, whole, fault):
    make, reason = FAULTS[fault]
    bad = session.folder / "bad 1_df0.tif"
    bad.write_bytes(make(whole))
    os.utime(bad, (1e9, 1e9))
    session.write("good_df0.tif", 1)
    session.watch(*LONG)
    assert session.stored == ["good_df0.tif"]
    assert list(session.refused) == ["bad 1_df0.tif"]
    assert reason in session.refused["bad 1_df0.tif"]
    assert str(session.folder) not in session.refused["bad 1_df0.tif"]
    assert bad.read_bytes() == make(whole)
    assert bad.stat().st_mtime == 1e9


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_is_completed_after_all_is_stored(session, whole, fault):
    make, _ = FAULTS[fault]
    late = session.folder / "late_df0.tif"
    late.write_bytes(make(whole))
    session.watch(*LONG, lambda: late.write_bytes(whole + b"\0"), *AGES)
    assert session.stored == ["late_df0.tif"]


def test_colour_is_refused_with_its_remedy(session):
    path = session.folder / "rgb_df0.tif"
    tifffile.imwrite(path, np.ones((32, 21, 3), "u1"), photometric="rgb")
    session.watch(*LONG)
    assert "convert colour to grey" in session.refused["rgb_df0.tif"]


def test_the_reason_reaches_journal_report_and_status(session, whole):
    session.write("a_df0.tif", 1)
    session.write("b_df7nm.tif", 2)
    (session.folder / "cut_df0.tif").write_bytes(whole[:900])
    source = session.watch(*LONG)
    (reason,) = session.refused.values()
    stored = read_any_series(session.recorder.path / "series" / "0001")
    assert [(bad.frame, bad.reason) for bad in stored.rejected] == [("cut_df0.tif", reason)]
    status = session.board.status(queued=0, dropped=0, disordered=0)
    rows = {row.frame: row.reason for row in status.frames if row.state == "rejected"}
    assert rows == {"cut_df0.tif": reason}
    assert status.rejected == source.counters.rejected == 1


# Files that come, change and go


def test_a_file_that_is_written_in_place_is_stored_once(session, whole):
    path = session.folder / "slow_df0.tif"

    def write(n_bytes):
        path.write_bytes(whole[:n_bytes])

    steps = [lambda n=n: write(n) for n in range(0, len(whole), 200)]
    session.watch(*steps, lambda: write(len(whole)), *AGES)
    assert (session.stored, session.refused) == (["slow_df0.tif"], {})


def test_a_rename_over_a_stored_file_is_new_only_if_its_content_is(session, whole):
    path, new = session.folder / "x_df0.tif", session.folder / "new.part"

    def replace(data):
        new.write_bytes(data)
        os.utime(new, (2e9 + len(data), 2e9))
        new.replace(path)

    path.write_bytes(whole)
    other = session.write("other_df0.tif", 3).read_bytes()
    source = session.watch(
        *AGES, lambda: replace(whole), *AGES, lambda: replace(other), *AGES
    )
    assert session.stored == ["other_df0.tif", "x_df0.tif"]
    assert source.counters.duplicate == 1
    assert session.refused == {
        "x_df0.tif": "it was saved again with other content; the first one is kept"
    }


def test_a_rename_over_a_file_that_waits_is_what_is_stored(session, whole):
    path = session.write("x.tif", 5)
    new = session.folder / "new.part"
    new.write_bytes(whole)
    session.watch(*AGES, lambda: new.replace(path), *AGES)
    assert session.stored == ["x.tif"]
    frame = session.recorder.path / "series" / "0001" / "frames" / "000000.tif"
    np.testing.assert_array_equal(read_image(frame), image(7))


def test_a_file_that_is_deleted_while_it_is_read_is_listed(session, monkeypatch):
    read = directory.read_whole_image

    def delete_and_read(file, *args, **options):
        file.unlink()
        return read(file, *args, **options)

    monkeypatch.setattr(directory, "read_whole_image", delete_and_read)
    session.write("x_df0.tif")
    session.watch(*AGES, None)
    assert session.stored == []
    reason = session.refused["x_df0.tif"]
    assert "removed or renamed before use: x_df0.tif: no such file" in reason


def test_a_file_that_is_renamed_while_it_waits_is_stored_by_its_new_name(session):
    path = session.write("x.tif")
    new = session.folder / "x_-2um.tif"
    session.watch(*AGES, lambda: path.rename(new), *AGES)
    assert session.stored == ["x_-2um.tif"]
    reason = session.refused["x.tif"]
    assert "removed or renamed before use: no defocus known" in reason


def test_a_file_that_goes_away_while_the_folder_is_read_hides_no_other(
    session, monkeypatch
):
    scan = os.scandir

    class Scan:
        def __init__(self, path):
            self._entries = scan(path)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._entries.close()

        def __iter__(self):
            for entry in sorted(self._entries, key=lambda entry: entry.name):
                if entry.name == "gone_df0.tif":
                    Path(entry.path).unlink()
                yield entry

    monkeypatch.setattr(os, "scandir", Scan)
    session.write("gone_df0.tif")
    session.write("stays_df0.tif")
    session.watch(*AGES, None)
    assert session.stored == ["stays_df0.tif"]


@pytest.mark.parametrize(
    "name", ["img 1 (copy)_df0.tif", "Fläche_df0.tif", "日本_df0.TIF", "a'\"b_df0.tif"]
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_may_have_spaces_and_any_letters(session, name, form):
    session.write(unicodedata.normalize(form, name))
    session.watch(*AGES)
    assert session.stored == [unicodedata.normalize("NFC", name)]


def test_a_name_that_is_no_text_is_a_name_all_the_same(session, caplog):
    # Two processes that test hand each other what was logged, and only as text.
    caplog.set_level(logging.CRITICAL, "ltemlive")
    name = os.fsdecode(b"b\xe4d_df0.tif")
    session.write(name)
    (session.folder / os.fsdecode(b"b\xe4d.fls")).write_text("nonsense")
    (session.folder / os.fsdecode(b"w\xe4its.tif")).write_bytes(b"")
    session.watch(*AGES)
    assert session.stored == [name]
    assert list(session.refused) == [os.fsdecode(b"w\xe4its.tif")]
    session.recorder.record(1)


def test_two_files_whose_names_differ_in_composition_alone_are_both_stored(session):
    names = [unicodedata.normalize(form, "ä_df0.tif") for form in ("NFC", "NFD")]
    for value, name in enumerate(names):
        session.write(name, value)
    session.watch(*AGES)
    assert sorted(session.stored) == sorted(names)


# Metadata that come later than their image


LATE = {
    "sidecar": ("x.json", '{"defocus_nm": 2000}', 2000.0),
    "series.yaml": (
        "series.yaml",
        "{voltage_kv: 200, pixel_nm: 5, frames: [{file: x.tif, defocus_nm: 3000}]}",
        3000.0,
    ),
    "fls": ("holes.fls", "3\nx.tif\ny.tif\nz.tif\n4000\n", 4000.0),
    "mdoc": ("x.tif.mdoc", "[ZValue = 0]\nDefocus = -5\n", 5000.0),
    "idoc": ("run.idoc", "[Image = x.tif]\nDefocus = -6\n", 6000.0),
}


@pytest.mark.parametrize("kind", LATE)
def test_a_frame_waits_for_metadata_of_any_kind(session, kind):
    name, text, defocus_nm = LATE[kind]
    session.write("x.tif")
    session.watch(*LONG, lambda: (session.folder / name).write_text(text), *AGES, None)
    assert session.refused == {}
    (entry,) = session.journal("stored")
    assert entry["defocus_nm"] == defocus_nm


def test_a_folder_of_serialem_needs_no_settings_of_the_microscope(session):
    text = "Voltage = 300\nPixelSpacing = 20\n[ZValue = 0]\nDefocus = 0\n"
    session.write("x.tif")
    (session.folder / "x.tif.mdoc").write_text(text)
    session.watch(*AGES, defaults=MicroscopeSettings())
    assert session.stored == ["x.tif"]
    microscope = session.recorder.record(1).microscope
    assert (microscope.voltage_kv, microscope.pixel_nm) == (300.0, 2.0)


def test_a_plan_gives_the_defocus_by_number(session):
    for number in (0, 1, 2):
        session.write(f"x_{number}.tif", number)
    session.watch(*AGES, plan_defocus_nm=[-5.0, 0.0])
    stored = [(entry["seq"], entry["defocus_nm"]) for entry in session.journal("stored")]
    assert stored == [(0, -5.0), (1, 0.0)]
    assert "has 0..1, this is number 2" in session.refused["x_2.tif"]


def test_names_are_read_as_the_user_says(session):
    session.write("holes z+250 n7.tif")
    session.watch(*AGES, file_pattern=r"z(?P<defocus>[-+]\d+) n(?P<seq>\d+)")
    (entry,) = session.journal("stored")
    assert (entry["seq"], entry["defocus_nm"]) == (7, 250.0)


def test_of_two_statements_the_first_is_used_and_the_conflict_is_shown(session, caplog):
    session.write("x_-2um.tif", defocus_nm=-3000.0)
    session.watch(*AGES)
    (entry,) = session.journal("stored")
    assert entry["defocus_nm"] == -3000.0
    (advice,) = [event for event in session.events if isinstance(event, AdviceGiven)]
    said = "the file itself says -3000 nm, its name says -2000 nm"
    assert advice.text == f"x_-2um.tif: {said}; the first is used"
    assert advice.level == "warning"
    assert caplog.text.count(said) == 1


# Stacks


def test_a_stack_that_nothing_tells_of_is_refused_as_a_whole(session):
    stack(session.folder / "s_df0.tif", 4)
    session.watch(*LONG)
    assert session.stored == []
    assert list(session.refused) == ["s_df0.tif#0-3"]
    assert "list s_df0.tif with its pages" in session.refused["s_df0.tif#0-3"]


def test_a_growing_stack_is_read_when_it_rests_and_each_page_once(session):
    path, told = session.folder / "s.tif", session.folder / "s.tif.mdoc"

    def grow(n_images):
        stack(path, n_images)
        mdoc(told, *range(n_images))

    session.watch(lambda: grow(1), *AGES, lambda: grow(2), lambda: grow(4), *AGES, None)
    assert session.stored == ["s.tif", "s.tif#1", "s.tif#2", "s.tif#3"]
    assert session.refused == {}
    entries = session.journal("stored")
    assert [entry["seq"] for entry in entries] == [0, 1, 2, 3]
    assert [entry["defocus_nm"] for entry in entries] == [0.0, -1e3, -2e3, -3e3]


# RosettaSciIO's mrc reader leaves closing its file to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_growing_stack_of_serialem_ends_whole_or_is_refused(session):
    pytest.importorskip("rsciio")
    path = session.folder / "s.mrc"

    def promise_more_than_there_is():
        write_mrc(path, 3)
        path.write_bytes(path.read_bytes()[:-400])

    mdoc(session.folder / "s.mrc.mdoc", -1, 0, 1)
    session.watch(
        lambda: write_mrc(path, 2), *AGES, promise_more_than_there_is, *LONG, *LONG
    )
    assert session.stored == ["s.mrc", "s.mrc#1"]
    assert list(session.refused) == ["s.mrc#2"]
    assert "expected a whole mrc image" in session.refused["s.mrc#2"]
    gc.collect()


def test_a_stack_of_which_a_later_page_is_damaged_is_refused(session):
    path = session.folder / "s.tif"
    with tifffile.TiffWriter(path) as tiff:
        for page in range(3):
            tiff.write(image(page), contiguous=False)
    # The last entry of the chain of pages points beyond the file.
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        at = tiff.pages[1].offset
    del data[at + 40 :]
    path.write_bytes(bytes(data))
    mdoc(session.folder / "s.tif.mdoc", -1, 0, 1)
    session.watch(*LONG)
    assert session.stored == []
    assert "got a damaged one" in session.refused["s.tif"]


# A daemon that starts again


def test_after_a_restart_every_frame_has_its_number_and_nothing_is_new(session, caplog):
    session.write("b_df0.tif", 0, defocus_nm=7.0)
    session.write("c_df5nm.tif", 1)
    with pytest.raises(CrashError):
        session.watch(*AGES, crash)
    before = {entry["frame"]: seq for seq, entry in enumerate(session.journal("received"))}
    session.write("a_df7nm.tif", 2)
    caplog.clear()
    source = session.watch(*AGES, None, known=before)
    assert session.stored == ["b_df0.tif", "c_df5nm.tif", "a_df7nm.tif"]
    assert [entry["seq"] for entry in session.journal("stored")] == [0, 1, 2]
    told = [record for record in caplog.records if record.name.startswith("ltemlive")]
    assert (session.refused, told) == ({}, [])
    assert (source.counters.duplicate, source.counters.rejected) == (2, 0)


def test_after_a_stop_the_series_of_a_folder_goes_on(session):
    session.write("a_df0.tif", 0)
    session.watch(*AGES)
    assert session.recorder.record(1).exit_status == "abandoned"
    session.write("b_df5nm.tif", 1)
    session.watch(*AGES, None, known={"a_df0.tif": 0})
    assert session.stored == ["a_df0.tif", "b_df5nm.tif"]
    assert (session.refused, len(session.recorder.series)) == ({}, 1)
    assert [entry["exit_status"] for entry in session.journal("ended")] == ["abandoned"] * 2


def test_a_series_that_ended_by_itself_takes_nothing_after_a_restart(session):
    session.write("a_df0.tif", 0)
    session.watch(*LONG, idle_end_s=1.0)
    session.write("b_df5nm.tif", 1)
    session.watch(*AGES, None, known={"a_df0.tif": 0})
    assert session.stored == ["a_df0.tif"]
    assert "begun with --new-session" in session.refused["b_df5nm.tif"]


def test_the_same_folder_is_the_same_series_and_another_is_not(tmp_path):
    first, link = tmp_path / "a", tmp_path / "link"
    first.mkdir()
    link.symlink_to(first)
    assert folder_key(first) == folder_key(link)
    assert folder_key(first)[1] == "a"
    assert folder_key(first) != folder_key(tmp_path / "b")


def test_a_daemon_that_resumes_a_session_numbers_a_folder_as_before(session):
    session.write("x_3_df0.tif")
    values = {"zmq": None, "folder": session.folder, "settle_ms": 0, "idle_end_s": 1e-3}
    settings = Settings.model_validate(
        {"input": values, "microscope": {"voltage_kv": 200, "pixel_nm": 5}}
    )
    known = Recorded(labels={"x_3_df0.tif": 8})
    with contextlib.closing(Door()) as door:
        (source,) = open_sources(settings, door, known)
        session.intake.run(source, Script(*[None] * 4))
    (entry,) = session.journal("stored")
    assert entry["seq"] == 8


# Many at once


def test_of_many_files_that_are_renamed_at_once_none_is_lost(tmp_path, whole):
    n_files = 500
    written, folder = tmp_path / "written", tmp_path / "watched"
    written.mkdir()
    folder.mkdir()
    for number in range(n_files):
        (written / f"x_{number:03d}_df0.tif").write_bytes(whole + bytes(number % 7))

    def rename_all():
        for path in written.iterdir():
            path.rename(folder / path.name)

    source = DirectorySource(folder, settle_ms=250, rescan_s=0.5, defaults=KNOWN)
    stop = threading.Event()
    renaming = threading.Thread(target=rename_all)
    renaming.start()
    taken = {}
    for arrival in chain.from_iterable(source.arrivals(stop)):
        if isinstance(arrival, FrameArrived):
            assert arrival.crc32 == zlib.crc32(image(7).data)
            source.acknowledge(arrival.receipt, "stored")
            taken[arrival.label] = arrival.frame.meta.seq
            if len(taken) == n_files:
                stop.set()
    renaming.join()
    assert taken == {f"x_{number:03d}_df0.tif": number for number in range(n_files)}
