"""Sessions that were killed and went on, and series that were given up and went on."""

from __future__ import annotations

import shutil
import time

import pytest

from ltemlive.arrivals import SeriesClosed
from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.desk import Desk
from ltemlive.daemon.engines import Engines
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import FrameWished, Mailbox
from ltemlive.daemon.replaying import SessionReplay
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.solving import SolvingLoop
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.events import FrameStored, PhaseEstimate, SeriesEnded, SeriesStarted
from ltemlive.recording.journal import read_journal
from ltemlive.recording.replay import read_recorded_session
from ltemlive.recording.session import SessionRecorder

N_IDLE = 2
"""Looks into the empty mailbox each time, all but the last with some steps."""

KILLED_AFTER = (
    "stored", "begun", "added", "refined", "wished", "ended", "reopened", "finished",
)  # fmt: skip


class StopAfter:
    def __init__(self, n):
        self._left = n

    def is_set(self):
        self._left -= 1
        return self._left < 0


class HastyMailbox(Mailbox):
    """Waits for nothing."""

    def take(self, timeout_s):
        return super().take(0.0)


class Daemon:
    """What records and what solves, without threads and sockets."""

    def __init__(self, recorder, laboratory, settings, clock):
        self.recorder = recorder
        self.told = []
        board = StatusBoard("s")
        trouble = DiskTrouble(board, self.told.append)
        last_rev = recorder.ledger.last_rev
        engines = Engines(laboratory.load(2), settings.solver, last_rev=last_rev)
        self._mailbox = HastyMailbox()
        self._intake = Intake(
            Desk(recorder, defaults=Defaults(settings.microscope), clock=clock),
            self._mailbox,
            board,
            trouble,
            Silence(None, clock=time.monotonic),
        )
        self._loop = SolvingLoop(
            engines, self._mailbox, recorder, board, settings.solver, trouble
        )
        self._intake.resume()

    def go_through(self, story):
        """Take each part of a story, and solve until it is worked off."""
        for part in story:
            if isinstance(part, FrameWished):
                self._mailbox.put(part)
            else:
                self._intake.handle(part)
            self._loop.run(StopAfter(N_IDLE))


@pytest.fixture
def daemon_of(laboratory, settings, clock):
    """Return a way to start a daemon on a recorder."""
    return lambda recorder: Daemon(recorder, laboratory, settings, clock)


@pytest.fixture
def story(arrival_of):
    """Two series, of which one is given up and goes on, with wishes before and after."""

    def frames(*seqs, series="holes"):
        return [arrival_of(seq, series=series) for seq in seqs]

    refused = arrival_of(3)
    refused.frame.image[0, 0] = 13
    return [
        frames(0), frames(1, 2), FrameWished(1, use=False, ordinal=1), [refused],
        frames(0, 1, series="discs"), frames(4), FrameWished(0, use=True, ordinal=1),
        [SeriesClosed("run-1", "holes", "abandoned")],
        frames(5), FrameWished(2, use=False, ordinal=1), FrameWished(1, None, ordinal=1),
        frames(2, series="discs"), [SeriesClosed("run-1", "holes", "success")],
        frames(3, series="discs"), [SeriesClosed("run-1", "discs", "fail")],
    ]  # fmt: skip


@pytest.fixture
def whole(recorder, daemon_of, story):
    """Return the folder of a session to which nothing happened, and what was told of it."""
    daemon = daemon_of(recorder)
    daemon.go_through(story)
    recorder.close()
    return recorder.path, daemon.told


def lines_of(path):
    return (path / "journal.jsonl").read_bytes().splitlines(keepends=True)


def cut(path, n_lines, copy):
    """Return a copy of a session as a kill leaves it after so many lines, one torn."""
    shutil.copytree(path, copy)
    lines = lines_of(path)
    torn = lines[n_lines][:9] if n_lines < len(lines) else b""
    (copy / "journal.jsonl").write_bytes(b"".join(lines[:n_lines]) + torn)
    return copy


def index_of(path, kind, nth=0, **values):
    """Return the place in the journal of an entry of a kind with some values."""
    places = [
        place
        for place, entry in enumerate(read_journal(path / "journal.jsonl"))
        if entry["kind"] == kind and values.items() <= entry.items()
    ]
    return places[nth]


def replay(path, laboratory):
    """Return what a replay found, and what it published."""
    events = []
    replayed = SessionReplay(
        read_recorded_session(path),
        laboratory.load(2),
        publish=events.append,
    )
    return list(replayed.run()), events


def phases(events):
    return [
        (each.ordinal, each.rev, each.seqs_used, each.is_final, each.phase_rad.tobytes())
        for each in events
        if isinstance(each, PhaseEstimate)
    ]


def entries_of(path, *kinds):
    return [each for each in read_journal(path / "journal.jsonl") if each["kind"] in kinds]


def recorded_revs(path):
    """Return the revision of every estimate in the journal."""
    entries = entries_of(path, "refined", "finished")
    return [entry["rev"] for entry in entries if entry["rev"]]


def overwritten_revs(path):
    """Return those of final results that a later one of the same series has replaced."""
    finished = entries_of(path, "finished")
    last = {entry["ordinal"]: entry["rev"] for entry in finished}
    return {entry["rev"] for entry in finished} - set(last.values())


def test_a_series_that_was_given_up_and_went_on_replays_estimate_by_estimate(
    whole, laboratory
):
    path, told = whole
    found, events = replay(path, laboratory)
    overwritten = overwritten_revs(path)
    assert len(overwritten) == 1
    assert all(each.is_same for each in found)
    assert phases(events) == [each for each in phases(told) if each[1] not in overwritten]
    assert [each.rev for each in found] == [each[1] for each in phases(events)]
    assert [each.is_final for each in found].count(True) == 2


def test_a_series_that_went_on_ends_twice_and_begins_once(whole, laboratory):
    path, told = whole
    _, events = replay(path, laboratory)
    ends = [
        (each.ordinal, each.exit_status) for each in events if type(each) is SeriesEnded
    ]
    assert ends == [(1, "abandoned"), (1, "success"), (2, "fail")]
    for kind in (SeriesStarted, FrameStored):
        once = [
            (each.ordinal, getattr(each, "seq", None))
            for each in events
            if type(each) is kind
        ]
        assert len(once) == len(set(once))
        assert len(once) == sum(type(each) is kind for each in told)


def test_a_session_that_was_killed_at_any_line_replays_estimate_by_estimate(
    whole, laboratory, daemon_of, story, clock, tmp_path
):
    path, _ = whole
    for place, entry in enumerate(read_journal(path / "journal.jsonl")):
        if entry["kind"] not in KILLED_AFTER:
            continue
        copy = cut(path, place + 1, tmp_path / f"killed-{place}")
        with SessionRecorder.resume(copy, clock=clock) as recorder:
            daemon = daemon_of(recorder)
            # What was under way comes again, and what was stored already is known.
            daemon.go_through(story)
        assert recorded_revs(copy) == sorted(set(recorded_revs(copy))), entry
        found, events = replay(copy, laboratory)
        assert {each.is_same for each in found} == {True}, entry
        assert sum(each.is_final for each in found) == 2, entry
        overwritten = overwritten_revs(copy)
        told = [each for each in phases(daemon.told) if each[1] not in overwritten]
        assert phases(events)[len(phases(events)) - len(told) :] == told, entry


def test_frames_that_were_stored_and_not_solved_yet_come_in_where_they_were_taken(
    whole, laboratory, daemon_of, clock, tmp_path
):
    path, _ = whole
    copy = cut(path, index_of(path, "stored", seq=2) + 1, tmp_path / "killed")
    with SessionRecorder.resume(copy, clock=clock) as recorder:
        daemon_of(recorder).go_through([[]])
    added = [
        e["seqs"] for e in read_journal(copy / "journal.jsonl") if e["kind"] == "added"
    ]
    assert added == [[0], [0, 1, 2]]
    found, _ = replay(copy, laboratory)
    assert found
    assert all(each.is_same for each in found)


def test_what_was_wanted_before_a_kill_is_wanted_of_the_engine_after_it(
    whole, laboratory, daemon_of, clock, tmp_path
):
    path, _ = whole
    copy = cut(path, index_of(path, "wished", use=False) + 1, tmp_path / "killed")
    with SessionRecorder.resume(copy, clock=clock) as recorder:
        daemon = daemon_of(recorder)
        daemon.go_through([[], FrameWished(1, use=True, ordinal=1)])
    found, events = replay(copy, laboratory)
    assert all(each.is_same for each in found)
    n_before = len(phases(events)) - len(phases(daemon.told))
    assert phases(events)[n_before:] == phases(daemon.told)


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_final_result_of_before_a_series_went_on_is_not_what_its_next_must_be(
    whole, laboratory, tmp_path, has_ended
):
    path, _ = whole
    kind = "ended" if has_ended else "reopened"
    place = index_of(path, kind, nth=-1, ordinal=1)
    copy = cut(path, place + 1, tmp_path / "killed")
    found, events = replay(copy, laboratory)
    assert not any(each.is_final for each in found)
    assert all(each.is_same for each in found)
    finals = [each for each in events if isinstance(each, PhaseEstimate) and each.is_final]
    assert len(finals) == has_ended
    assert all(each.rev > max(recorded_revs(copy)) for each in finals)


def test_a_series_of_which_nothing_came_in_the_end_has_no_result_to_compare(
    recorder, laboratory, daemon_of, story
):
    daemon_of(recorder).go_through([story[0], [SeriesClosed("run-1", "holes", "abort")]])
    recorder.close()
    (recorder.path / "series" / "0001" / "phase.tif").write_bytes(b"of before")
    found, events = replay(recorder.path, laboratory)
    assert found == []
    assert [each.exit_status for each in events if type(each) is SeriesEnded] == ["abort"]
