import logging
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltemlive.arrivals import FrameRefused, ProducerHeard, SeriesAnnounced, SeriesClosed
from ltemlive.camera import Camera, CameraSettings
from ltemlive.daemon import desk as room
from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import Mailbox, SeriesOpened, SeriesOver, StoredFrame
from ltemlive.daemon.registry import MAX_EARLY_REJECTIONS, MAX_UNOPENED
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.errors import RecordingError
from ltemlive.events import AdviceGiven, FrameRejected, FrameStored, SeriesStarted
from ltemlive.formats.images import read_image
from ltemlive.formats.references import load_camera
from ltemlive.recording.journal import read_journal
from ltemlive.recording.replay import read_any_series
from ltemlive.recording.session import SessionRecorder
from ltemlive.settings import MicroscopeSettings
from ltemlive.sources.counters import SourceCounters

ANNOUNCED = SeriesAnnounced("run-1", "holes", n_expected=3, receipt="start")
CLOSED = SeriesClosed("run-1", "holes", "success", receipt="end")


class FullDisk(SessionRecorder):
    """A recorder whose disk refuses whatever is in ``refuses``."""

    refuses = ()

    def _check(self, method):
        if method in self.refuses:
            raise RecordingError(f"{self.path}: cannot be written (No space left)")

    def open_series(self, *args):
        self._check("open_series")
        return super().open_series(*args)

    def store(self, *args):
        self._check("store")
        return super().store(*args)

    def reject(self, *args):
        self._check("reject")
        super().reject(*args)

    def end_series(self, *args):
        self._check("end_series")
        super().end_series(*args)


class FakeSource:
    """Yields what it is given, and keeps the answers with what was on disk by then."""

    name = "fake"

    def __init__(self, *groups, look=lambda: None):
        self.counters = SourceCounters()
        self.answers = []
        self._groups = groups
        self._look = look

    def arrivals(self, stop):
        yield from self._groups

    def acknowledge(self, receipt, status, reason=None):
        self.answers.append((receipt, status, reason, self._look()))

    def close(self):
        """Do nothing."""


class Desk:
    """An intake with everything around it."""

    def __init__(self, recorder, clock, defaults=None):
        self.recorder = recorder
        self.mailbox = Mailbox()
        self.board = StatusBoard("session")
        self.events = []
        self.hands = 0.0
        self.silence = Silence(10.0, clock=lambda: self.hands)
        self.intake = Intake(
            room.Desk(recorder, defaults=defaults or Defaults(), clock=clock),
            self.mailbox,
            self.board,
            DiskTrouble(self.board, self._publish),
            self.silence,
        )

    def _publish(self, event):
        self.board.accept(event)
        self.events.append(event)

    def handle(self, *arrivals):
        return [outcome for each in arrivals for outcome in self.intake.handle([each])]

    def run(self, *arrivals, look=lambda: None):
        """Take arrivals in one by one; return what each was answered."""
        return self._run(*([arrival] for arrival in arrivals), look=look)

    def run_group(self, *arrivals):
        """Take in what came at once."""
        return self._run(list(arrivals))

    def _run(self, *groups, look=lambda: None):
        source = FakeSource(*groups, look=look)
        self.intake.run(source, threading.Event())
        return source.answers

    def journal(self, *kinds):
        entries = read_journal(self.recorder.path / "journal.jsonl")
        return [entry for entry in entries if not kinds or entry["kind"] in kinds]

    def letters(self):
        return self.mailbox.take(0.0)

    def status(self):
        return self.board.status(queued=0, dropped=0, disordered=0)


@pytest.fixture
def desk(recorder, clock):
    return Desk(recorder, clock)


@pytest.fixture
def cramped(recorder_of, clock):
    """Return a desk whose disk can be made to refuse."""
    return Desk(recorder_of(FullDisk), clock)


# Record, mailbox, acknowledge


def test_a_frame_is_on_disk_and_with_the_solver_before_it_is_acknowledged(desk, arrival_of):
    arrival = arrival_of(0)

    def look():
        file = desk.recorder.series_folder(1) / "frames" / "000000.tif"
        (entry,) = desk.journal("stored")
        np.testing.assert_array_equal(read_image(file), arrival.frame.image)
        return entry["seq"], entry["crc32"], desk.mailbox.backlog

    (answer,) = desk.run(arrival, look=look)
    assert answer == (("holes", 0), "stored", None, (0, arrival.crc32, 1))


def test_a_frame_is_on_disk_before_the_solver_may_have_it(desk, arrival_of, monkeypatch):
    stored_by_then = []

    def put(letter):
        stored_by_then.append((type(letter), len(desk.journal("stored"))))

    monkeypatch.setattr(desk.mailbox, "put", put)
    desk.handle(arrival_of(0), arrival_of(1))
    assert stored_by_then == [(SeriesOpened, 1), (StoredFrame, 1), (StoredFrame, 2)]


def test_a_series_from_start_to_end(desk, arrival_of, microscope):
    frames = [arrival_of(seq) for seq in range(3)]
    answers = desk.run(ANNOUNCED, *frames, CLOSED)
    assert [answer[:2] for answer in answers] == [
        ("start", "ok"),
        (("holes", 0), "stored"),
        (("holes", 1), "stored"),
        (("holes", 2), "stored"),
        ("end", "ok"),
    ]
    opened, *stored, over = desk.letters()
    assert opened == SeriesOpened(1, "holes", microscope)
    assert stored == [StoredFrame(1, arrival.frame) for arrival in frames]
    assert over == SeriesOver(1, "success")
    assert desk.events[0] == SeriesStarted(1, "holes", 3)
    assert [event.seq for event in desk.events[1:]] == [0, 1, 2]
    assert all(isinstance(event, FrameStored) for event in desk.events[1:])
    assert [entry["kind"] for entry in desk.journal()] == [
        "announced",
        "opened",
        *["received", "stored"] * 3,
        "ended",
    ]


def test_a_series_needs_no_announcement(desk, arrival_of):
    assert desk.handle(arrival_of(5)) == [("stored", None)]
    assert desk.events[0] == SeriesStarted(1, "holes", None)


def test_the_announced_optics_are_recorded_and_reach_the_solver(desk, arrival_of):
    desk.handle(replace(ANNOUNCED, optics={"coherence": "wave"}), arrival_of(0))
    assert desk.letters()[0].microscope.coherence == "wave"
    assert desk.recorder.record(1).microscope.coherence == "wave"


def test_an_announcement_that_makes_no_sense_is_refused_in_one_line(desk):
    ((status, reason),) = desk.handle(
        replace(ANNOUNCED, optics={"coherence": "partial", "cs": 1})
    )
    assert status == "rejected"
    assert (
        "series holes: coherence: expected 'intensity' or 'wave', got 'partial'" in reason
    )
    assert "cs: unknown key" in reason
    assert "\n" not in reason


def test_the_plan_gives_the_defocus(desk, arrival_of):
    desk.handle(
        replace(ANNOUNCED, plan_defocus_nm=(0.0, -7e5)), arrival_of(1, defocus_nm=None)
    )
    _, stored = desk.letters()
    assert stored.frame.meta.defocus_nm == -7e5
    assert desk.recorder.record(1).frame(1).defocus_nm == -7e5


def test_series_that_are_interleaved_keep_apart(desk, arrival_of):
    keys = [("run-1", "holes"), ("run-1", "discs"), ("run-2", "holes")]
    arrivals = [
        arrival_of(seq, producer=producer, series=series)
        for seq in range(2)
        for producer, series in keys
    ]
    assert desk.handle(*arrivals) == [("stored", None)] * 6
    assert [
        (record.ordinal, record.producer, record.series, len(record.frames))
        for record in desk.recorder.series
    ] == [(1, "run-1", "holes", 2), (2, "run-1", "discs", 2), (3, "run-2", "holes", 2)]
    ordinals = [letter.ordinal for letter in desk.letters()]
    assert ordinals == [1, 1, 2, 2, 3, 3, 1, 2, 3]
    desk.handle(CLOSED)
    assert desk.letters() == [SeriesOver(1, "success")]
    assert desk.handle(*arrivals[-2:]) == [("duplicate", None)] * 2
    assert desk.handle(arrival_of(2, series="discs")) == [("stored", None)]


# Again


def test_a_frame_that_comes_again_is_stored_once(desk, arrival_of):
    answers = desk.handle(arrival_of(0), arrival_of(1), arrival_of(0))
    assert answers == [("stored", None), ("stored", None), ("duplicate", None)]
    assert len(desk.letters()) == 3
    assert len(desk.journal("stored")) == 2
    assert (desk.status().duplicate, desk.status().received) == (1, 3)


def test_other_content_under_the_same_number_is_a_named_conflict(desk, arrival_of):
    first = arrival_of(0)
    other = arrival_of(0, image=first.frame.image + 1)
    _, (status, reason) = desk.handle(first, other)
    assert status == "rejected"
    assert reason == (
        "frame 0: expected the content stored under this number (crc32 "
        f"{first.crc32:08x}), got another (crc32 {other.crc32:08x}); the first is kept"
    )
    file = desk.recorder.series_folder(1) / "frames" / "000000.tif"
    np.testing.assert_array_equal(read_image(file), first.frame.image)
    assert desk.status().frames[0].state == "stored"
    assert [frame.frame for frame in desk.recorder.record(1).rejected] == ["0"]


def test_start_and_end_may_come_twice(desk, arrival_of):
    answers = desk.handle(ANNOUNCED, arrival_of(0), ANNOUNCED, CLOSED, CLOSED, ANNOUNCED)
    assert [status for status, _ in answers] == ["ok", "stored", "ok", "ok", "ok", "ok"]
    assert len(desk.journal("opened")) == len(desk.journal("ended")) == 1
    assert desk.letters()[2:] == [SeriesOver(1, "success")]


def test_after_the_end_only_what_is_stored_is_known(desk, arrival_of):
    desk.handle(arrival_of(0), CLOSED)
    duplicate, (status, reason) = desk.handle(arrival_of(0), arrival_of(1))
    assert duplicate == ("duplicate", None)
    assert status == "rejected"
    assert reason == (
        "frame 1: expected a series that goes on, this one has ended; send it as another "
        "series, or to a session begun with --new-session"
    )


def test_the_end_of_a_series_without_frames_ends_nothing(desk, arrival_of):
    assert desk.handle(ANNOUNCED, CLOSED) == [("ok", None)] * 2
    assert desk.letters() == []
    assert desk.handle(arrival_of(0))[0][0] == "rejected"


# Frames that are wrong


def test_a_frame_that_is_wrong_is_listed_and_the_series_goes_on(desk, arrival_of, caplog):
    caplog.set_level(logging.CRITICAL)
    wrong = [
        arrival_of(1, image=np.arange(16 * 20, dtype="<u2").reshape(16, 20)),
        arrival_of(2, pixel_nm=6.0),
        arrival_of(3, voltage_kv=300.0),
        arrival_of(4, defocus_nm=None),
        arrival_of(5, image=np.full((16, 18), 65535, "<u2")),
        FrameRefused("run-1", "holes", "6", "frame 6: crc32: expected 1, got 2"),
    ]
    answers = desk.handle(arrival_of(0), *wrong, arrival_of(7))
    assert [status for status, _ in answers] == ["stored", *["rejected"] * 6, "stored"]
    reasons = [reason for status, reason in answers if status == "rejected"]
    for seq, reason in enumerate(reasons, start=1):
        assert reason.startswith(f"frame {seq}: ")
        assert "\n" not in reason
    listed = read_any_series(desk.recorder.series_folder(1))
    assert [frame.meta.seq for frame in listed.frames] == [0, 7]
    assert [(bad.frame, bad.reason) for bad in listed.rejected] == [
        (str(seq), reason) for seq, reason in enumerate(reasons, start=1)
    ]
    told = [event for event in desk.events if isinstance(event, FrameRejected)]
    assert [event.reason for event in told] == reasons
    assert {event.ordinal for event in told} == {1}


def test_a_frame_that_is_sent_right_after_all_is_taken(desk, arrival_of):
    answers = desk.handle(
        arrival_of(0), arrival_of(1, defocus_nm=None), arrival_of(1, defocus_nm=3.0)
    )
    assert [status for status, _ in answers] == ["stored", "rejected", "stored"]
    assert [row.state for row in desk.status().frames] == ["stored", "stored"]


def test_a_wrong_frame_that_comes_again_is_listed_once(desk, arrival_of):
    wrong = arrival_of(1, defocus_nm=None)
    answers = desk.handle(wrong, arrival_of(0), wrong, wrong)
    assert [status for status, _ in answers] == [
        "rejected",
        "stored",
        "rejected",
        "rejected",
    ]
    assert [bad.frame for bad in desk.recorder.record(1).rejected] == ["1"]


def test_a_wrong_first_frame_opens_no_series_but_is_listed_in_it(desk, arrival_of):
    blank = arrival_of(0, image=np.zeros((16, 20), "<u2"))
    unsaid = arrival_of(1, voltage_kv=None)
    answers = desk.handle(blank, unsaid)
    assert [status for status, _ in answers] == ["rejected", "rejected"]
    assert desk.recorder.series == ()
    assert desk.letters() == []
    assert desk.handle(arrival_of(2), arrival_of(3)) == [("stored", None)] * 2
    rejected = desk.recorder.record(1).rejected
    assert [bad.frame for bad in rejected] == ["0", "1"]
    assert "constant value 0" in rejected[0].reason
    assert "voltage_kv: missing" in rejected[1].reason


# A disk that refuses


def test_what_the_disk_refuses_is_neither_acknowledged_nor_lost(cramped, arrival_of):
    cramped.handle(arrival_of(0))
    cramped.recorder.refuses = ("store",)
    assert cramped.run(arrival_of(1), arrival_of(2)) == []
    assert cramped.mailbox.backlog == 1
    advice = [event for event in cramped.events if isinstance(event, AdviceGiven)]
    # Two refusals, told once; whoever looks later sees it in the status.
    assert [(each.level, "No space left" in each.text) for each in advice] == [
        ("error", True)
    ]
    assert "No space left" in cramped.status().problem
    cramped.recorder.refuses = ()
    assert [answer[1] for answer in cramped.run(arrival_of(1), arrival_of(2))] == [
        "stored",
        "stored",
    ]
    assert [entry["seq"] for entry in cramped.journal("stored")] == [0, 1, 2]
    assert cramped.mailbox.backlog == 3
    assert cramped.status().problem is None
    assert (
        "takes frames again"
        in [event for event in cramped.events if isinstance(event, AdviceGiven)][-1].text
    )


def test_a_series_that_the_disk_did_not_open_is_opened_when_there_is_room(
    cramped, arrival_of
):
    cramped.recorder.refuses = ("open_series",)
    assert cramped.run(arrival_of(0)) == []
    assert cramped.letters() == []
    cramped.recorder.refuses = ("store",)
    assert cramped.run(arrival_of(0)) == []
    cramped.recorder.refuses = ()
    assert [answer[1] for answer in cramped.run(arrival_of(0))] == ["stored"]
    assert [type(letter) for letter in cramped.letters()] == [SeriesOpened, StoredFrame]


def test_an_end_that_the_disk_refused_counts_when_it_comes_again(cramped, arrival_of):
    cramped.handle(arrival_of(0))
    cramped.letters()
    cramped.recorder.refuses = ("end_series",)
    assert cramped.run(CLOSED) == []
    assert cramped.letters() == []
    cramped.recorder.refuses = ()
    assert [answer[:2] for answer in cramped.run(CLOSED)] == [("end", "ok")]
    assert cramped.letters() == [SeriesOver(1, "success")]


def test_early_rejections_survive_a_disk_that_refuses(cramped, arrival_of):
    cramped.handle(arrival_of(0, defocus_nm=None), arrival_of(1, defocus_nm=None))
    cramped.recorder.refuses = ("reject",)
    assert cramped.run(arrival_of(2)) == []
    cramped.recorder.refuses = ()
    assert [answer[1] for answer in cramped.run(arrival_of(2))] == ["stored"]
    assert [bad.frame for bad in cramped.recorder.record(1).rejected] == ["0", "1"]


# The user ends a series


def test_the_newest_open_series_is_ended_on_request(desk, arrival_of):
    assert desk.intake.end_series() is None
    desk.handle(arrival_of(0), arrival_of(0, series="discs"))
    desk.letters()
    assert desk.intake.end_series() == "discs"
    assert desk.intake.end_series("abort") == "holes"
    assert desk.intake.end_series() is None
    assert desk.letters() == [SeriesOver(2, "success"), SeriesOver(1, "abort")]
    assert desk.recorder.record(1).exit_status == "abort"


def test_the_newest_open_series_is_reset_by_a_letter_that_has_it_read_anew(
    desk, arrival_of, microscope
):
    assert desk.intake.reset_series() is None
    desk.handle(arrival_of(0), arrival_of(0, series="discs"))
    desk.handle(replace(CLOSED, series="discs"))
    desk.letters()
    assert desk.intake.reset_series() == "holes"
    assert desk.letters() == [SeriesOpened(1, "holes", microscope, is_resumed=True)]
    desk.handle(CLOSED)
    assert desk.intake.reset_series() is None


def test_a_series_that_could_not_be_ended_stays_open(cramped, arrival_of):
    cramped.handle(arrival_of(0))
    cramped.recorder.refuses = ("end_series",)
    with pytest.raises(RecordingError):
        cramped.intake.end_series()
    cramped.recorder.refuses = ()
    assert cramped.intake.end_series() == "holes"


def test_the_settings_say_what_nobody_else_does(recorder, clock, arrival_of):
    defaults = Defaults(MicroscopeSettings(voltage_kv=80.0, pixel_nm=3.0))
    desk = Desk(recorder, clock, defaults)
    desk.handle(arrival_of(0, voltage_kv=None, pixel_nm=None))
    assert recorder.record(1).microscope.voltage_kv == 80.0
    assert recorder.record(1).microscope.pixel_nm == 3.0


def test_the_references_of_a_camera_are_kept_with_the_series(recorder, clock, arrival_of):
    shape = arrival_of(0).frame.image.shape
    dark = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    camera = Camera(CameraSettings(dark="elsewhere/d.mrc", rotation_deg=90.0), dark)
    desk = Desk(recorder, clock, Defaults(camera=camera))
    assert desk.handle(arrival_of(0)) == [("stored", None)]
    kept = recorder.record(1).microscope.camera
    assert kept == CameraSettings(dark="dark.tif", rotation_deg=90.0)
    assert desk.letters()[0].microscope.camera == kept
    loaded = load_camera(recorder.series_folder(1), kept, where="")
    np.testing.assert_array_equal(loaded.dark, dark)
    assert loaded.dark.dtype == np.uint16
    # A new start knows it from the journal alone.
    entries = desk.journal("opened")
    assert entries[0]["microscope"]["camera"]["dark"] == "dark.tif"


def test_an_announced_camera_stands_for_that_of_the_settings(recorder, clock, arrival_of):
    of_settings = Camera(CameraSettings(binning=2))
    desk = Desk(recorder, clock, Defaults(camera=of_settings))
    announced = Camera(CameraSettings(flip="up_down"))
    desk.handle(replace(ANNOUNCED, camera=announced), arrival_of(0))
    assert recorder.record(1).microscope.camera == announced.settings


def test_frames_are_kept_whatever_their_camera(recorder, clock, arrival_of):
    camera = Camera(CameraSettings(dark="d.tif"), np.zeros((8, 9)))
    desk = Desk(recorder, clock, Defaults(camera=camera))
    assert desk.handle(arrival_of(0), arrival_of(1)) == [("stored", None)] * 2
    (advice,) = (each for each in desk.events if isinstance(each, AdviceGiven))
    assert (advice.level, advice.ordinal) == ("error", 1)
    assert advice.text.startswith("no phase: camera.dark: expected the shape")


def test_a_camera_that_is_described_too_late_does_not_count(recorder, clock, arrival_of):
    desk = Desk(recorder, clock)
    late = replace(ANNOUNCED, camera=Camera(CameraSettings(binning=2)))
    assert desk.handle(arrival_of(0), late) == [("stored", None), ("ok", None)]
    assert recorder.record(1).microscope.camera is None
    assert "described after its first frame" in desk.events[-1].text


def test_a_group_shares_one_wait_for_the_disk_and_is_answered_after_it(
    desk, arrival_of, monkeypatch
):
    journal = str(desk.recorder.path / "journal.jsonl")
    n_synced = []
    real_fsync = os.fsync

    def count(file):
        n_synced.append(str(Path(f"/proc/self/fd/{file}").readlink()) == journal)
        real_fsync(file)

    monkeypatch.setattr(os, "fsync", count)
    outcomes = desk.intake.handle([ANNOUNCED, *map(arrival_of, range(5)), CLOSED])
    assert outcomes == [("ok", None), *[("stored", None)] * 5, ("ok", None)]
    assert sum(n_synced) == 1
    assert [type(letter) for letter in desk.letters()] == [
        SeriesOpened, *[StoredFrame] * 5, SeriesOver
    ]  # fmt: skip


def test_a_group_that_the_disk_refuses_leaves_no_trace_of_its_series(cramped, arrival_of):
    cramped.recorder.refuses = ("end_series",)
    with pytest.raises(RecordingError, match="No space left"):
        cramped.intake.handle([ANNOUNCED, arrival_of(0), CLOSED])
    assert (cramped.letters(), cramped.events, cramped.journal()) == ([], [], [])
    assert cramped.recorder.series == ()
    cramped.recorder.refuses = ()
    assert cramped.intake.handle([arrival_of(0)]) == [("stored", None)]
    assert cramped.recorder.record(1).n_expected is None


def test_one_frame_that_the_disk_refuses_does_not_hold_up_those_beside_it(
    cramped, arrival_of
):
    cramped.recorder.refuses = ("reject",)
    unusable = FrameRefused("run-1", "holes", "7", "torn", receipt="bad")
    answers = cramped.run_group(arrival_of(0), unusable, arrival_of(1))
    assert [answer[:2] for answer in answers] == [
        (("holes", 0), "stored"),
        (("holes", 1), "stored"),
    ]


def resumed(desk, clock):
    """Return a desk for the same session after the daemon was killed."""
    path = desk.recorder.path
    desk.recorder._books.close()
    after = Desk(SessionRecorder.resume(path, clock=clock), clock)
    after.intake.resume()
    return after


def test_after_a_crash_open_series_go_on_where_they_were(desk, arrival_of, clock):
    plan = replace(ANNOUNCED, plan_defocus_nm=(0.0, 1e5, 2e5))
    desk.handle(
        plan, arrival_of(0), arrival_of(1), FrameRefused("run-1", "holes", "9", "x")
    )
    after = resumed(desk, clock)
    assert after.letters() == [
        SeriesOpened(1, "holes", desk.recorder.record(1).microscope, is_resumed=True)
    ]
    status = after.status()
    assert (status.stored, status.rejected, status.n_expected) == (2, 1, 3)
    assert [row.state for row in status.frames] == ["stored", "stored", "rejected"]
    # What was not acknowledged comes again, and what was is known.
    assert after.handle(plan, arrival_of(1), arrival_of(2, defocus_nm=None)) == [
        ("ok", None),
        ("duplicate", None),
        ("stored", None),
    ]
    assert [frame.defocus_nm for frame in after.recorder.record(1).frames] == [
        0.0, 1e5, 2e5
    ]  # fmt: skip
    wrong = np.arange(256, dtype="<u2").reshape(16, 16)
    assert after.handle(arrival_of(3, image=wrong))[0][0] == "rejected"


def test_what_was_announced_before_a_crash_needs_no_second_announcement(
    desk, arrival_of, clock
):
    desk.handle(
        replace(ANNOUNCED, plan_defocus_nm=(7e5,), optics={"coherence": "wave"}),
    )
    after = resumed(desk, clock)
    assert after.handle(arrival_of(0, defocus_nm=None)) == [("stored", None)]
    record = after.recorder.record(1)
    assert record.frames[0].defocus_nm == 7e5
    assert record.microscope.coherence == "wave"


def test_a_final_result_that_a_crash_prevented_is_computed_after_it(
    desk, arrival_of, clock
):
    desk.handle(arrival_of(0), CLOSED, arrival_of(0, series="done"))
    desk.handle(replace(CLOSED, series="done"))
    desk.recorder.finished(2, 5)
    after = resumed(desk, clock)
    assert after.letters() == [SeriesOver(1, "success")]


def test_an_abandoned_series_goes_on_when_its_producer_comes_back(desk, arrival_of):
    gone = replace(CLOSED, exit_status="abandoned")
    desk.handle(arrival_of(0), gone)
    desk.letters()
    # What it only repeats needs no new engine.
    assert desk.handle(arrival_of(0)) == [("duplicate", None)]
    assert desk.letters() == []
    assert desk.handle(arrival_of(1), CLOSED) == [("stored", None), ("ok", None)]
    opened, frame, over = desk.letters()
    assert opened.is_resumed
    assert (frame.frame.meta.seq, over) == (1, SeriesOver(1, "success", times_reopened=1))
    assert desk.recorder.record(1).exit_status == "success"


def test_a_frame_that_cannot_be_used_reopens_nothing(desk, arrival_of):
    desk.handle(arrival_of(0), replace(CLOSED, exit_status="abandoned"))
    desk.letters()
    wrong = np.arange(256, dtype="<u2").reshape(16, 16)
    ((status, reason),) = desk.handle(arrival_of(1, image=wrong))
    assert status == "rejected"
    assert "expected shape" in reason
    assert desk.letters() == []
    assert desk.recorder.record(1).exit_status == "abandoned"


def test_a_restarted_producer_that_begins_again_at_0_loses_nothing(desk, arrival_of):
    again = {"producer": "run-2", "image": np.arange(288.0).reshape(16, 18)}
    assert (
        desk.handle(arrival_of(0), arrival_of(0, **again), arrival_of(1))
        == [("stored", None)] * 3
    )
    assert [len(record.frames) for record in desk.recorder.series] == [2, 1]


def test_a_flood_of_junk_is_forgotten_but_not_an_open_series(desk, arrival_of):
    desk.handle(replace(ANNOUNCED, plan_defocus_nm=(7e5, 8e5)), arrival_of(0))
    for number in range(MAX_UNOPENED + 20):
        desk.handle(FrameRefused("junk", str(number), "0", "torn"))
    assert desk.handle(arrival_of(1, defocus_nm=None)) == [("stored", None)]
    assert len(desk.intake._desk.registry.copy()) == MAX_UNOPENED + 1
    for number in range(MAX_EARLY_REJECTIONS + 5):
        desk.handle(FrameRefused("run-1", "late", str(number), "torn"))
    desk.handle(arrival_of(0, series="late"))
    assert len(desk.recorder.record(2).rejected) == MAX_EARLY_REJECTIONS


def test_a_series_whose_producer_is_gone_ends_once(desk, arrival_of, caplog):
    desk.handle(arrival_of(0), arrival_of(0, series="discs", producer="run-2"))
    desk.hands = 8.0
    desk.handle(ProducerHeard("run-2", "discs"))
    desk.hands = 11.0
    desk.intake.end_abandoned()
    desk.intake.end_abandoned()
    assert [entry["exit_status"] for entry in desk.journal("ended")] == ["abandoned"]
    assert desk.recorder.record(1).exit_status == "abandoned"
    assert caplog.text.count("is abandoned") == 1
    desk.hands = 18.0
    desk.handle(FrameRefused("run-2", "discs", "7", "torn"))
    desk.hands = 28.0
    desk.intake.end_abandoned()
    assert desk.recorder.record(2).exit_status is None


def test_an_end_of_an_abandoned_series_that_the_disk_refuses_comes_again(
    cramped, arrival_of
):
    cramped.handle(arrival_of(0))
    cramped.hands = 11.0
    cramped.recorder.refuses = ("end_series",)
    for _ in range(3):
        cramped.intake.end_abandoned()
    assert len([e for e in cramped.events if isinstance(e, AdviceGiven)]) == 1
    cramped.recorder.refuses = ()
    cramped.intake.end_abandoned()
    assert cramped.recorder.record(1).exit_status == "abandoned"


def test_an_end_does_not_overtake_a_frame_that_the_disk_refused(cramped, arrival_of):
    cramped.handle(arrival_of(0))
    cramped.recorder.refuses = ("store",)
    assert cramped.run_group(arrival_of(1), CLOSED) == []
    assert cramped.recorder.record(1).exit_status is None
    cramped.recorder.refuses = ()
    answers = cramped.run_group(arrival_of(1), CLOSED)
    assert [answer[1] for answer in answers] == ["stored", "ok"]


def test_the_trouble_is_over_when_everything_is_there_that_was_refused(cramped, arrival_of):
    cramped.handle(arrival_of(0))
    cramped.recorder.refuses = ("store",)
    cramped.run_group(arrival_of(1), arrival_of(2))
    cramped.recorder.refuses = ()
    cramped.run_group(arrival_of(1))
    assert "No space left" in cramped.status().problem
    cramped.run_group(arrival_of(2))
    assert cramped.status().problem is None


def test_refusals_that_the_disk_refuses_come_before_the_end_of_their_series(
    cramped, arrival_of
):
    missing = FrameRefused("run-1", "holes", "4-5", "never came")
    cramped.handle(arrival_of(0))
    cramped.recorder.refuses = ("reject",)
    assert cramped.run_group(missing) == []
    # In a group of its own, the end waits all the same.
    assert cramped.run_group(CLOSED) == []
    cramped.recorder.refuses = ()
    assert [answer[:2] for answer in cramped.run_group(CLOSED)][-1] == ("end", "ok")
    kinds = [entry["kind"] for entry in cramped.journal("rejected", "ended")]
    assert kinds == ["rejected", "ended"]
    assert cramped.status().problem is None


def test_an_end_that_comes_late_says_how_an_abandoned_series_ended(desk, arrival_of):
    desk.handle(arrival_of(0), replace(CLOSED, exit_status="abandoned"))
    desk.recorder.finished(1, 1)
    desk.letters()
    assert desk.handle(CLOSED, CLOSED) == [("ok", None), ("ok", None)]
    assert desk.letters() == [SeriesOver(1, "success")]
    assert desk.recorder.record(1).exit_status == "success"
    assert not desk.recorder.record(1).is_finished


@pytest.mark.parametrize("defocus_nm", [2e9, float("nan")])
def test_a_frame_that_cannot_be_recorded_opens_no_series(desk, arrival_of, defocus_nm):
    ((status, reason),) = desk.handle(arrival_of(0, defocus_nm=defocus_nm))
    assert status == "rejected"
    assert "defocus" in reason
    assert (desk.letters(), desk.recorder.series) == ([], ())
