import signal

import numpy as np
import pytest

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.cli import replay as module
from ltemlive.cli.replay import LOOK_S, as_of_now, attentively, paused
from ltemlive.daemon import loading
from ltemlive.daemon.loading import Solver
from ltemlive.errors import FrameError
from ltemlive.events import AdviceGiven, PhaseEstimate
from ltemlive.formats.series import read_series
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recording.session import SessionRecorder
from ltemlive.series import Microscope
from ltemlive.settings import Settings
from ltemlive.versions import versions

ANY_PORTS = ("--results", "tcp://127.0.0.1:0", "--control", "tcp://127.0.0.1:0")


def refuse(stored, settings, *, on_progress):
    raise FrameError(f"{stored.title}: not today")


@pytest.fixture(autouse=True)
def solver_that_refuses(monkeypatch):
    monkeypatch.setattr(
        loading, "load_solver", lambda threads: Solver(None, refuse, None, "abacus")
    )


@pytest.fixture
def session_of(tmp_path):
    """Return a way to record a series of two frames and a refused one."""

    def recorded(**stated):
        recorder = SessionRecorder.create(
            tmp_path / "sessions",
            settings=Settings(),
            versions=versions() | stated,
            clock=lambda: 1000.0,
        )
        with recorder:
            microscope = Microscope(voltage_kv=200.0, pixel_nm=5.0)
            announced = SeriesAnnounced("run-1", "holes [/]", n_expected=2)
            recorder.open_series(announced, microscope, (16, 20))
            for seq in range(2):
                image = np.arange(seq, 320 + seq, dtype="<u2").reshape(16, 20)
                frame = Frame(FrameMeta(seq, defocus_nm=seq * 1e5), image)
                recorder.store(1, frame, seq, 1000.0)
            recorder.reject("holes [/]", "7", "frame 7: [/red] torn", 1)
            recorder.end_series(1, "success")
            recorder.finished(1, 3)
        return recorder.path

    return recorded


def test_a_session_of_the_same_versions_raises_no_doubt(ltemlive, session_of):
    outcome = ltemlive("replay", session_of(), *ANY_PORTS)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "not used 7: frame 7: [/red] torn",
        "0 of 0 estimates as recorded",
    ]


def test_other_versions_are_warned_of(ltemlive, session_of):
    outcome = ltemlive("replay", session_of(tensorflow="1.0"), *ANY_PORTS)
    assert outcome.out.startswith("recorded with other versions: numbers may differ\n")


def test_a_final_result_that_does_not_come_again_is_a_failure(ltemlive, session_of):
    session = session_of()
    (session / "series" / "0001" / "phase.tif").touch()
    outcome = ltemlive("replay", session, *ANY_PORTS)
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.out.splitlines()[1:] == [
        "differs holes [/]  final     2 images",
        "0 of 1 estimates as recorded",
    ]


def test_recorded_frames_are_emitted_to_a_folder_each_series_in_its_own(
    ltemlive, session_of, tmp_path
):
    session = session_of()
    outcome = ltemlive("replay", session, "--to", "folder", tmp_path / "share")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "holes [/]: 2 frames to play; 1 that were refused or cannot be used are not there",
        f"2 frames written to {tmp_path / 'share' / '0001'}",
    ]
    recorded, emitted = read_series(session), read_series(tmp_path / "share" / "0001")
    assert emitted.title == "holes [/]"
    for before, after in zip(recorded.frames, emitted.frames, strict=True):
        np.testing.assert_array_equal(before.image, after.image)
        assert before.meta.defocus_nm == after.meta.defocus_nm


def test_a_series_without_frames_is_passed_over_and_said(ltemlive, session_of, tmp_path):
    session = session_of()
    for file in (session / "series" / "0001" / "frames").iterdir():
        file.unlink()
    outcome = ltemlive("replay", session, "--to", "folder", tmp_path / "share")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == f"ltemlive: {session}: expected a session with frames, got none\n"


def test_a_folder_takes_no_keys(ltemlive, session_of, tmp_path):
    target = ("--to", "folder", tmp_path / "share", "--keys", "mine")
    outcome = ltemlive("replay", session_of(), *target)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        "ltemlive: --keys mine: expected --to zmq ENDPOINT beside it, got folder\n"
    )


def everything_in(folder):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in [folder, *folder.rglob("*")]
    }


def test_a_session_that_did_not_end_says_so_and_stays_as_it_is(ltemlive, session_of):
    session = session_of()
    journal = session / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    place = next(place for place, line in enumerate(lines) if b'"ended"' in line)
    journal.write_bytes(b"".join(lines[:place]) + b'{"t": 1')
    before = everything_in(session)
    outcome = ltemlive("replay", session, *ANY_PORTS)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "note holes [/] did not end: 2 frames by then",
        "not used 7: frame 7: [/red] torn",
        "0 of 0 estimates as recorded",
    ]
    assert everything_in(session) == before


def test_a_session_that_is_being_recorded_is_replayed_as_far_as_it_is(ltemlive, session_of):
    session = session_of()
    with SessionRecorder.resume(session, clock=lambda: 2000.0):
        before = everything_in(session)
        outcome = ltemlive("replay", session, *ANY_PORTS)
        assert everything_in(session) == before
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == (
        "note being recorded at this moment: what its journal has by now is replayed"
    )


def test_a_series_without_its_final_result_says_that_there_is_none(ltemlive, session_of):
    session = session_of()
    journal = session / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"finished"' not in line))
    outcome = ltemlive("replay", session, *ANY_PORTS)
    assert outcome.out.splitlines()[0] == (
        "note holes [/] has no final result yet: there is none to compare with"
    )


@pytest.mark.parametrize(
    ("speed", "slept"),
    [(1.0, [0.0, 3.0, 2.0, 0.0]), (2.0, [0.0, 1.25, 1.0, 0.0]), (None, [])],
)
def test_steps_wait_for_their_time_from_the_first_one_on(speed, slept):
    now, sleeps = [70.0], []

    def sleep(seconds):
        sleeps.append(seconds)
        now[0] += seconds

    pause = paused(speed, clock=lambda: now[0], sleep=sleep)
    for due_s, step_s in ((0.0, 0.5), (3.5, 0.0), (5.5, 9.0), (6.0, 0.0)):
        pause(due_s)
        now[0] += step_s
    assert sleeps == pytest.approx(slept)


@pytest.mark.parametrize("seconds", [0.0, 0.5 * LOOK_S, 2.5 * LOOK_S])
def test_a_replay_that_waits_looks_up_now_and_then(seconds):
    sleeps, looks = [], []
    attentively(sleeps.append, lambda: looks.append(sum(sleeps)))(seconds)
    assert sum(sleeps) == pytest.approx(seconds)
    assert max(sleeps) <= LOOK_S
    assert looks[-1] == pytest.approx(seconds)
    assert len(looks) == len(sleeps)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_that_stays_ends_well_when_asked(
    ltemlive, session_of, monkeypatch, number
):
    def interrupted(seconds):
        signal.raise_signal(number)

    session, before = session_of(), signal.getsignal(number)
    monkeypatch.setattr(module, "attentively", lambda sleep, look: interrupted)
    outcome = ltemlive("replay", session, "--stay", *ANY_PORTS)
    assert (outcome.status, outcome.err) == (0, "")
    assert signal.getsignal(number) == before
    assert "goes on to answer until Ctrl-C" in outcome.out
    assert outcome.out.splitlines()[-1] == "0 of 0 estimates as recorded"


def test_no_latency_is_counted_from_the_day_of_the_recording():
    flat = np.zeros((16, 16), np.float32)
    estimate = PhaseEstimate(
        ordinal=1, series="disc", rev=1, seqs_used=(0,), defocus_nm=(0.0,), steps=1,
        gradient_evaluations=1, objective=(1.0,), is_final=False, phase_rad=flat,
        amplitude=flat, pixel_nm=5.0, device="CPU", t_frame_last=1e9,
    )  # fmt: skip
    told = as_of_now(estimate)
    assert isinstance(told, PhaseEstimate)
    assert told.t_frame_last is None
    assert told.phase_rad is flat
    advice = AdviceGiven("go on", "info")
    assert as_of_now(advice) is advice


@pytest.mark.parametrize("name", ["gone", "."])
def test_what_is_no_session_is_one_line(ltemlive, name):
    outcome = ltemlive("replay", name)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        f"ltemlive: {name}: expected a session folder, got none with a session.yaml; name "
        "the folder that `ltemlive run` made\n"
    )


def test_a_damaged_journal_is_one_line(ltemlive, session_of):
    session = session_of()
    journal = session / "journal.jsonl"
    journal.write_text("{torn\n" + journal.read_text())
    outcome = ltemlive("replay", session)
    assert (outcome.status, outcome.out) == (1, "")
    assert "journal.jsonl: line 1: expected a journal entry in JSON" in outcome.err
    assert len(outcome.err.splitlines()) == 1
