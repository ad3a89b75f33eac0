import numpy as np
import pytest

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.daemon.comparing import FINAL_TOLERANCE_RAD
from ltemlive.daemon.engines import Engines
from ltemlive.daemon.mailbox import (
    FrameWished,
    Mailbox,
    SeriesOpened,
    SeriesOver,
    StoredFrame,
)
from ltemlive.daemon.replaying import SessionReplay
from ltemlive.daemon.solving import SolvingLoop
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    PhaseEstimate,
    SeriesEnded,
    TieView,
)
from ltemlive.formats.images import read_image, write_frame_tiff, write_map_tiff
from ltemlive.recording.replay import read_recorded_session
from ltemlive.wire.control import Request


class StopSignal:
    def is_set(self):
        return True


@pytest.fixture
def session(recorder, laboratory, settings, frame_of, microscope):
    """Record two interleaved series: holes of five frames, discs of two that go on."""
    mailbox = Mailbox()
    live = []
    engines = Engines(laboratory.load(2), settings.solver)
    board = StatusBoard("s")
    trouble = DiskTrouble(board, live.append)
    loop = SolvingLoop(engines, mailbox, recorder, board, settings.solver, trouble)

    def store(ordinal, *seqs):
        for seq in seqs:
            frame = frame_of(seq)
            if seq == 3:
                frame.image[0, 0] = 13
            recorder.store(ordinal, frame, seq, 1.0)
            mailbox.put(StoredFrame(ordinal, frame))

    for series in ("holes", "discs"):
        ordinal = recorder.open_series(
            SeriesAnnounced("run-1", series), microscope, (16, 18)
        )
        mailbox.put(SeriesOpened(ordinal, series, microscope))
    store(1, 0)
    store(2, 0)
    store(1, 1, 2)
    store(2, 1)
    mailbox.put(FrameWished(1, use=False, ordinal=1))
    store(1, 3, 4)
    recorder.end_series(1, "success")
    mailbox.put(SeriesOver(1, "success"))
    loop.run(StopSignal())
    recorder.close()
    return recorder.path, live


@pytest.fixture
def reset_session(recorder, laboratory, settings, frame_of, microscope):
    """Record a series that begins anew after two of its four frames and a wish."""
    mailbox, live = Mailbox(), []
    engines = Engines(laboratory.load(2), settings.solver)
    board = StatusBoard("s")
    trouble = DiskTrouble(board, live.append)
    loop = SolvingLoop(engines, mailbox, recorder, board, settings.solver, trouble)
    ordinal = recorder.open_series(SeriesAnnounced("run-1", "holes"), microscope, (16, 18))
    for seq in range(4):
        if seq == 2:
            mailbox.put(FrameWished(1, use=False))
            loop.run(StopSignal())
            mailbox.put(SeriesOpened(ordinal, "holes", microscope, is_resumed=True))
        frame = frame_of(seq)
        recorder.store(ordinal, frame, seq, 1.0)
        letter = StoredFrame(ordinal, frame)
        if seq == 0:
            mailbox.put(SeriesOpened(ordinal, "holes", microscope))
        mailbox.put(letter)
    loop.run(StopSignal())
    recorder.close()
    return recorder.path, live


def replay(path, laboratory, requests=tuple):
    """Return what a replay found, what it published, and when it made each step."""
    events, pauses = [], []
    replayed = SessionReplay(
        read_recorded_session(path),
        laboratory.load(2),
        publish=events.append,
        requests=requests,
    )
    return list(replayed.run(pauses.append)), events, pauses


def phases(events):
    return [
        (each.ordinal, each.rev, each.seqs_used, each.is_final, each.phase_rad.tobytes())
        for each in events
        if isinstance(each, PhaseEstimate)
    ]


def frame_file(path, ordinal, seq):
    return path / "series" / f"{ordinal:04d}" / "frames" / f"{seq:06d}.tif"


def test_every_estimate_comes_out_as_it_was(session, laboratory):
    path, live = session
    found, events, _ = replay(path, laboratory)
    assert [each.is_same for each in found] == [True] * len(found)
    assert phases(events) == phases(live)
    assert len(found) == len(phases(live))
    assert [each.is_final for each in found] == [*[False] * (len(found) - 1), True]
    assert found[-1].rms_rad == 0.0
    assert {(each.ordinal, each.series) for each in found} == {(1, "holes"), (2, "discs")}


def test_what_the_user_wanted_is_wanted_again(session, laboratory):
    path, live = session
    _, events, _ = replay(path, laboratory)
    for told in (live, events):
        assert [each.text for each in told if isinstance(each, AdviceGiven)] == [
            "frame 1: False"
        ]


def test_a_series_that_was_reset_comes_out_as_it_was(reset_session, laboratory):
    path, live = reset_session
    assert len(laboratory.engines) == 2
    first, anew = laboratory.engines
    assert ("wish", 1, False) in first.calls
    # What waits in the mailbox is on the disk already, and is not taken twice.
    assert [call for call in anew.calls if call[0] == "add"] == [("add", (0, 1, 2, 3))]
    steps = [each.steps for each in live if isinstance(each, PhaseEstimate)]
    # The first steps after a wish are not shown.
    assert steps == [4, 4]
    found, events, _ = replay(path, laboratory)
    assert [each.is_same for each in found] == [True] * 2
    assert phases(events) == phases(live)


def test_each_step_is_made_at_its_time(session, laboratory):
    path, _ = session
    _, _, pauses = replay(path, laboratory)
    schedule = read_recorded_session(path).schedule
    assert pauses == [step.t - schedule[0].t for step in schedule]


def test_the_end_of_a_series_is_told_only_where_it_ended(session, laboratory):
    path, _ = session
    _, events, _ = replay(path, laboratory)
    ended = [event for event in events if isinstance(event, SeriesEnded)]
    assert ended == [SeriesEnded(1, "holes", "success")]


def test_a_frame_that_the_engine_refused_live_is_refused_again(session, laboratory):
    path, live = session
    refused = [event for event in live if isinstance(event, FrameRejected)]
    assert [event.frame for event in refused] == ["3"]
    _, events, _ = replay(path, laboratory)
    assert [event for event in events if isinstance(event, FrameRejected)] == refused


def test_a_frame_that_is_gone_makes_the_estimates_after_it_differ(session, laboratory):
    path, live = session
    frame_file(path, 1, 2).unlink()
    found, _, _ = replay(path, laboratory)
    same = {each.rev: each.is_same for each in found}
    holes = [each for each in live if isinstance(each, PhaseEstimate) if each.ordinal == 1]
    discs = [each for each in live if isinstance(each, PhaseEstimate) if each.ordinal == 2]
    assert [same[each.rev] for each in holes] == [False] * len(holes)
    assert [same[each.rev] for each in discs] == [True] * len(discs)
    assert len(found) == len(phases(live))
    final = next(each for each in found if each.is_final)
    assert final.n_frames == 4
    assert final.rms_rad > FINAL_TOLERANCE_RAD


def test_estimates_that_do_not_come_any_more_are_reported(session, laboratory):
    path, live = session
    for seq in (1, 2, 3, 4):
        frame_file(path, 1, seq).unlink()
    found, events, _ = replay(path, laboratory)
    holes = [each for each in found if each.ordinal == 1]
    assert len(found) == len(phases(live))
    assert {(each.n_frames, each.is_same) for each in holes if not each.is_final} == {
        (0, False)
    }
    (final,) = (each for each in holes if each.is_final)
    assert (final.is_same, final.rms_rad) == (False, None)
    *_, advice = (event for event in events if isinstance(event, AdviceGiven))
    assert advice.text.startswith("no final result: holes: expected at least two images")


def test_a_frame_that_was_changed_makes_them_differ(session, laboratory):
    path, _ = session
    file = frame_file(path, 2, 1)
    image = read_image(file)
    image[5, 5] += 1
    write_frame_tiff(file, image, pixel_nm=5.0, defocus_nm=1e5, seq=1, durable=False)
    found, _, _ = replay(path, laboratory)
    assert {each.ordinal for each in found if not each.is_same} == {2}


@pytest.mark.parametrize(("shift_rad", "is_same"), [(5e-5, True), (2e-4, False)])
def test_a_final_phase_may_differ_by_the_tolerance(session, laboratory, shift_rad, is_same):
    path, _ = session
    file = path / "series" / "0001" / "phase.tif"
    # Rounding of float32 at some 10 rad is far below the tolerance.
    shifted = read_image(file) + np.float32(shift_rad)
    write_map_tiff(file, shifted, pixel_nm=5.0, unit="rad", labels=("phase",))
    final = replay(path, laboratory)[0][-1]
    assert final.is_same is is_same
    assert final.rms_rad == pytest.approx(shift_rad, rel=0.1)


@pytest.mark.parametrize("content", [b"torn", None])
def test_a_final_phase_that_cannot_be_compared_differs(session, laboratory, content):
    path, _ = session
    file = path / "series" / "0001" / "phase.tif"
    if content is None:
        narrow = read_image(file)[:, :-1]
        write_map_tiff(file, narrow, pixel_nm=5.0, unit="rad", labels=("phase",))
    else:
        file.write_bytes(content)
    final = replay(path, laboratory)[0][-1]
    assert (final.is_final, final.is_same, final.rms_rad) == (True, False, None)


def test_without_a_recorded_final_phase_there_is_nothing_to_compare(session, laboratory):
    path, _ = session
    (path / "series" / "0001" / "phase.tif").unlink()
    found, events, _ = replay(path, laboratory)
    assert not any(each.is_final for each in found)
    assert any(isinstance(each, PhaseEstimate) and each.is_final for each in events)


def test_a_journal_that_misses_a_call_still_replays(session, laboratory):
    path, _ = session
    journal = path / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    first_added = next(index for index, line in enumerate(lines) if '"added"' in line)
    del lines[first_added]
    journal.write_text("".join(lines))
    found, _, _ = replay(path, laboratory)
    assert not any(
        each.is_same for each in found if each.ordinal == 1 and not each.is_final
    )
    assert found[-1].is_same


def test_whoever_looks_at_a_replay_sees_its_newest_estimate_and_changes_nothing(
    session, laboratory
):
    path, live = session
    tie = Request(1, "view", {"what": "tie", "ordinal": 1})
    frame = Request(2, "view", {"what": "frame", "seq": 2, "ordinal": 1})
    found, events, _ = replay(path, laboratory, lambda: [frame, tie, frame, tie])
    assert all(each.is_same for each in found)
    assert phases(events) == phases(live)
    views = [each for each in events if isinstance(each, TieView)]
    revs = [each.rev for each in live if getattr(each, "ordinal", 0) == 1
            and isinstance(each, PhaseEstimate)]  # fmt: skip
    assert {view.rev for view in views} <= set(revs)
    # The last ones are of what was there while the final result was computed.
    assert views[-1].rev == revs[-2]
    n_frames = sum(
        isinstance(each, AdviceGiven) and each.text == "no view of frame 2"
        for each in events
    )
    assert n_frames == len(views)


def test_a_replay_that_is_over_shows_its_last_final_result(session, laboratory):
    path, _ = session
    events, asked = [], []
    replayed = SessionReplay(
        read_recorded_session(path),
        laboratory.load(2),
        publish=events.append,
        requests=lambda: [asked.pop()] if asked else [],
    )
    *_, final = replayed.run()
    asked.append(Request(1, "view", {"what": "tie", "ordinal": 1}))
    replayed.look()
    assert (events[-1].rev, events[-1].is_final) == (final.rev, True)
    asked.append(Request(2, "pause"))
    replayed.look()
    assert events[-1].text == "pause: a replay does what was recorded, and nothing else"
