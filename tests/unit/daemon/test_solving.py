import itertools
import json

import numpy as np
import pytest

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.camera import CameraSettings
from ltemlive.daemon.engines import Engines
from ltemlive.daemon.final_results import LOOKS_BETWEEN_TRIES
from ltemlive.daemon.mailbox import (
    FrameWished,
    Mailbox,
    SeriesOpened,
    SeriesOver,
    StoredFrame,
    ViewWished,
)
from ltemlive.daemon.solving import SolvingLoop, fingerprint
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.errors import RecordingError
from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    PhaseEstimate,
    SeriesEnded,
    TieView,
)
from ltemlive.formats.images import read_image
from ltemlive.recording.journal import read_journal
from ltemlive.recording.session import SessionRecorder

SHAPE = (16, 18)


class FullJournal(SessionRecorder):
    """A recorder whose disk has no room for what the solver notes."""

    def added(self, *args):
        raise RecordingError(f"{self.path}: cannot be written (No space left)")

    refined = added


class StopAfter:
    """A stop signal that is set at the ``n``-th idle look."""

    def __init__(self, n):
        self._left = n

    def is_set(self):
        self._left -= 1
        return self._left <= 0


class BatchMailbox(Mailbox):
    """Hands out one prepared batch at a time, as a slow solver finds them."""

    def __init__(self, *batches):
        super().__init__()
        self._batches = list(batches)

    def take(self, timeout_s):
        return self._batches.pop(0) if self._batches else []


class RestlessMailbox(Mailbox):
    """Is held, or released, at certain looks of the solver: what it did by then counts."""

    def __init__(self, *, hold_after, release_after=None):
        super().__init__()
        self._n_looks, self._hold_after = 0, hold_after
        self._release_after = release_after

    @property
    def is_held(self):
        """Return whether the solver is to rest; it asks before each thing that it does."""
        self._n_looks += 1
        if self._n_looks == self._hold_after:
            self.hold()
        return super().is_held

    def take(self, timeout_s):
        """Return what waits, at once."""
        if self._release_after is not None and self._n_looks >= self._release_after:
            self.release()
        return super().take(0.0)


class Bench:
    """A solving loop with everything around it."""

    def __init__(self, recorder, laboratory, settings, frame_of, microscope):
        self.recorder = recorder
        self.laboratory = laboratory
        self.board = StatusBoard("session")
        self.events = []
        self._settings = settings.solver
        self._frame_of = frame_of
        self._microscope = microscope

    def open(self, series="holes"):
        ordinal = self.recorder.open_series(
            SeriesAnnounced("run-1", series), self._microscope, SHAPE
        )
        return SeriesOpened(ordinal, series, self._microscope)

    def store(self, *seqs, ordinal=1):
        for seq in seqs:
            frame = self._frame_of(seq)
            self.recorder.store(ordinal, frame, seq, 1.0)
            yield StoredFrame(ordinal, frame)

    def run(self, *batches, idle=1, waiting=(), **changes):
        """Solve what is in the batches, then look ``idle`` times for more.

        ``waiting`` is in the mailbox all the while.
        """
        mailbox = BatchMailbox(*batches)
        for letter in waiting:
            mailbox.put(letter)
        self.solve(mailbox, idle=idle, **changes)

    def solve(self, mailbox, *, idle=1, **changes):
        """Solve what is in a mailbox, then look ``idle`` times for more."""
        settings = self._settings.model_copy(update=changes)
        loop = SolvingLoop(
            Engines(self.laboratory.load(settings.threads), settings),
            mailbox,
            self.recorder,
            self.board,
            settings,
            DiskTrouble(self.board, self.events.append),
        )
        loop.run(StopAfter(idle))

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def calls(self, index=0):
        return self.laboratory.engines[index].calls

    def journal(self, *kinds):
        entries = read_journal(self.recorder.path / "journal.jsonl")
        return [entry for entry in entries if entry["kind"] in kinds]


@pytest.fixture
def bench_of(laboratory, settings, frame_of, microscope):
    def made(recorder):
        return Bench(recorder, laboratory, settings, frame_of, microscope)

    return made


@pytest.fixture
def bench(bench_of, recorder):
    return bench_of(recorder)


def status(bench):
    return bench.board.status(queued=0, dropped=0, disordered=0)


def test_the_engine_is_told_which_frames_the_user_wants(bench):
    letters = [bench.open(), *bench.store(0, 1, 2)]
    bench.run(letters, [FrameWished(1, use=False)], [FrameWished(1, use=True, ordinal=1)])
    asked = [call for call in bench.calls() if call[0] == "wish"]
    assert asked == [("wish", 1, False), ("wish", 1, True)]
    # Each is followed by an estimate, at once.
    first = bench.calls().index(asked[0])
    assert bench.calls()[first + 1] == ("refine", 4)
    assert [entry["use"] for entry in bench.journal("wished")] == [False, True]
    assert bench.recorder.record(1).frame(1).use is True


def test_what_is_wanted_while_a_series_settles_still_counts(bench):
    letters = [bench.open(), *bench.store(0, 1, 2), SeriesOver(1, "success")]
    bench.run(letters, waiting=[FrameWished(1, use=False)])
    assert [call for call in bench.calls() if call[0] == "wish"] == [("wish", 1, False)]
    assert bench.recorder.record(1).frame(1).use is False


def test_a_wish_that_waits_with_the_end_of_its_series_counts(bench):
    letters = [bench.open(), *bench.store(0, 1, 2), SeriesOver(1, "success")]
    bench.run([*letters, FrameWished(1, use=False), FrameWished(2, use=True)])
    asked = [call[1:] for call in bench.calls() if call[0] == "wish"]
    assert asked == [(1, False), (2, True)]
    assert bench.told(AdviceGiven)[-1].text == "frame 2: True"


def test_only_wishes_before_a_new_series_are_taken_out_of_turn(bench):
    mailbox = Mailbox()
    opened, (frame,) = bench.open(), bench.store(0)
    first, second = FrameWished(1, use=False), FrameWished(0, use=True)
    for letter in (frame, first, opened, second):
        mailbox.put(letter)
    assert mailbox.take_wishes() == [first]
    assert mailbox.take(0.0) == [frame, opened, second]


def test_what_is_wanted_already_costs_nothing(bench):
    letters = [bench.open(), *bench.store(0, 1)]
    bench.run(letters, [FrameWished(1, use=None)])
    assert bench.journal("wished") == []
    assert [call for call in bench.calls() if call[0] == "wish"] == []


@pytest.mark.parametrize(
    ("wished", "text"),
    [
        (FrameWished(9, use=True), "frame 9: no such frame is stored in holes"),
        (FrameWished(1, use=True, ordinal=4), "frame 1: series 4 is not open; remedy: "),
    ],
)
def test_what_cannot_be_wanted_is_said(bench, wished, text):
    bench.run([bench.open(), *bench.store(0, 1), wished])
    (advice,) = bench.told(AdviceGiven)
    assert advice.text.startswith(text)
    assert bench.journal("wished") == []


def test_nothing_can_be_wanted_where_no_series_is_open(bench):
    bench.run([FrameWished(1, use=True)])
    (advice,) = bench.told(AdviceGiven)
    assert advice.text.startswith("frame 1: no series is open; remedy: ")


def test_each_frame_is_added_and_refined_as_it_comes(bench):
    opened = bench.open()
    bench.run([opened], *([letter] for letter in bench.store(0, 1, 2)))
    refine = ("refine", 4)
    assert bench.calls() == [
        ("add", (0,)), refine, ("add", (1,)), refine, ("add", (2,)), refine,
    ]  # fmt: skip
    estimates = bench.told(PhaseEstimate)
    assert [(each.rev, each.seqs_used) for each in estimates] == [
        (1, (0, 1)),
        (2, (0, 1, 2)),
    ]
    assert status(bench).device == "abacus"


def test_frames_that_wait_are_taken_at_once_and_none_is_left_out(bench):
    opened = bench.open()
    bench.run([opened, *bench.store(0)], list(bench.store(1, 2, 3)), list(bench.store(4)))
    assert [call for call in bench.calls() if call[0] == "add"] == [
        ("add", (0,)),
        ("add", (1, 2, 3)),
        ("add", (4,)),
    ]
    assert [each.seqs_used for each in bench.told(PhaseEstimate)][-1] == (0, 1, 2, 3, 4)


def test_the_journal_tells_every_call_that_a_replay_must_make(bench):
    opened = bench.open()
    bench.run([opened, *bench.store(0)], list(bench.store(1, 2)), idle=2)
    first, second = bench.told(PhaseEstimate)
    entries = bench.journal("added", "refined")
    assert [entry["seqs"] for entry in entries if entry["kind"] == "added"] == [[0], [1, 2]]
    assert [
        (entry["rev"], entry["steps"], entry["fingerprint"])
        for entry in entries
        if entry["kind"] == "refined"
    ] == [(1, 4, fingerprint(first)), (2, 2, fingerprint(second))]
    assert fingerprint(first) != fingerprint(second)


def test_steps_that_show_nothing_are_in_the_journal_as_well(bench):
    bench.run(
        [bench.open(), *bench.store(0)], list(bench.store(1, 2)), [FrameWished(1, False)]
    )
    journal = bench.journal("added", "wished", "refined")
    assert [(entry["kind"], entry.get("rev")) for entry in journal] == [
        ("added", None), ("added", None), ("refined", 1), ("wished", None), ("refined", 0),
    ]  # fmt: skip
    assert journal[-1]["steps"] == 4
    assert [each.rev for each in bench.told(PhaseEstimate)] == [1]


class Witness(list):
    """Events, each with the highest revision that was in the journal when it was told."""

    def __init__(self, recorder):
        super().__init__()
        self._recorder = recorder

    def append(self, event):
        super().append((event, self._recorder.ledger.last_rev))


def test_no_estimate_is_told_before_the_journal_has_its_number(bench):
    bench.events = Witness(bench.recorder)
    bench.run([bench.open(), *bench.store(0, 1, 2), SeriesOver(1, "success")])
    told = [(each, last) for each, last in bench.events if isinstance(each, PhaseEstimate)]
    assert [each.is_final for each, _ in told].count(True) == 1
    assert all(each.rev <= last for each, last in told)


def test_while_nothing_comes_the_newest_series_is_refined_until_it_rests(bench):
    first, second = bench.open("holes"), bench.open("discs")
    letters = [
        first, *bench.store(0, 1, ordinal=1), second, *bench.store(0, 1, ordinal=2),
    ]  # fmt: skip
    bench.run(letters, idle=20)
    for index in (0, 1):
        assert bench.calls(index) == [
            ("add", (0, 1)), ("refine", 4), ("refine", 2), ("refine", 2), ("refine", 2),
        ]  # fmt: skip
    assert [each.ordinal for each in bench.told(PhaseEstimate)] == [
        1,
        2,
        *[2] * 3,
        *[1] * 3,
    ]
    assert [each.rev for each in bench.told(PhaseEstimate)] == list(range(1, 9))
    assert status(bench).state == "waiting"


def test_without_idle_steps_it_rests_at_once(bench):
    opened = bench.open()
    bench.run([opened, *bench.store(0, 1)], idle=5, steps_when_idle=0)
    assert bench.calls() == [("add", (0, 1)), ("refine", 4)]


def test_the_final_result_comes_from_the_disk_by_the_same_reconstruct(bench):
    opened = bench.open()
    stored = list(bench.store(2, 0, 1))
    bench.recorder.reject("holes", "9", "too wide", 1)
    bench.run([opened, *stored, SeriesOver(1, "success")])
    *live, final = bench.told(PhaseEstimate)
    assert [each.is_final for each in live] == [False] * 3
    assert live[-1].steps == 12
    assert final.is_final
    assert final.rev == live[-1].rev + 1
    assert final.seqs_used == (0, 1, 2)
    folder = bench.recorder.series_folder(1)
    np.testing.assert_array_equal(read_image(folder / "phase.tif"), final.phase_rad)
    report = json.loads((folder / "report.json").read_text())
    assert report["frames_used"] == ["000000.tif", "000001.tif", "000002.tif"]
    assert report["frames_rejected"] == [{"seq": 9, "reason": "too wide"}]
    assert bench.events[-1] == SeriesEnded(1, "holes", "success", str(folder))


def test_what_is_on_disk_counts_for_the_final_result_not_what_is_in_memory(bench):
    opened = bench.open()
    stored = list(bench.store(0, 1, 2))
    (bench.recorder.series_folder(1) / "frames" / "000001.tif").unlink()
    bench.run([opened, *stored, SeriesOver(1, "success")])
    *live, final = bench.told(PhaseEstimate)
    assert live[-1].seqs_used == (0, 1, 2)
    assert final.seqs_used == (0, 2)


def test_a_series_that_cannot_be_finished_says_why_and_the_next_one_goes_on(bench):
    short, next_one = bench.open("short"), bench.open("next")
    bench.run(
        [short, *bench.store(0), SeriesOver(1, "abort")],
        [next_one, *bench.store(0, 1, ordinal=2), SeriesOver(2, "success")],
    )
    (advice,) = bench.told(AdviceGiven)
    assert advice.text.startswith("no final result: ")
    assert "expected at least 2 usable frames, got 1" in advice.text
    assert (advice.level, advice.ordinal) == ("error", 1)
    assert [(each.ordinal, bool(each.folder)) for each in bench.told(SeriesEnded)] == [
        (1, False),
        (2, True),
    ]


def test_interleaved_series_keep_their_own_engines(bench):
    first, second = bench.open("holes"), bench.open("discs")
    holes, discs = bench.store(0, 1, ordinal=1), bench.store(5, 6, ordinal=2)
    letters = [first, second]
    letters += [letter for pair in zip(holes, discs, strict=True) for letter in pair]
    bench.run([*letters, SeriesOver(1, "success"), SeriesOver(2, "success")])
    adds = [
        [call[1] for call in bench.calls(index) if call[0] == "add"] for index in (0, 1)
    ]
    assert adds == [[(0,), (1,)], [(5,), (6,)]]
    finals = [each for each in bench.told(PhaseEstimate) if each.is_final]
    assert [(each.series, each.seqs_used) for each in finals] == [
        ("holes", (0, 1)),
        ("discs", (5, 6)),
    ]


def test_a_frame_that_the_engine_refuses_is_told(bench):
    opened = bench.open()
    stored = list(bench.store(0, 1, 2))
    stored[1].frame.image[0, 0] = 13
    bench.run([opened, *stored])
    (refused,) = bench.told(FrameRejected)
    assert (refused.frame, refused.ordinal) == ("1", 1)
    assert bench.told(PhaseEstimate)[-1].seqs_used == (0, 2)


def test_a_journal_that_cannot_be_written_costs_the_replay_not_the_estimate(
    bench_of, recorder_of
):
    bench = bench_of(recorder_of(FullJournal))
    opened = bench.open()
    bench.run([opened, *bench.store(0, 1)])
    assert [each.rev for each in bench.told(PhaseEstimate)] == [1]
    # Two refusals, told once.
    assert ["No space left" in each.text for each in bench.told(AdviceGiven)] == [True]


def test_a_series_starts_from_the_result_of_the_last_one_where_that_is_wanted(bench):
    first = bench.open("holes")
    finished = [first, *bench.store(0, 1), SeriesOver(1, "success")]
    second = bench.open("discs")
    letters = [*finished, second, *bench.store(0, 1, ordinal=2)]
    bench.run(letters, start_from="last_series")
    phase = read_image(bench.recorder.series_folder(1) / "phase.tif")
    assert bench.calls(0)[0] == ("add", (0, 1))
    assert bench.calls(1)[0] == ("start_at", pytest.approx(float(phase.sum())))
    assert [entry["start"] for entry in bench.journal("begun")] == [None, 1]


def test_a_series_starts_flat_where_nothing_else_is_wanted(bench):
    letters = [bench.open(), *bench.store(0, 1), SeriesOver(1, "success")]
    bench.run([*letters, bench.open("discs"), *bench.store(0, ordinal=2)])
    assert bench.calls(1)[0] == ("add", (0,))


def test_results_that_the_disk_refuses_are_written_when_there_is_room(
    bench, laboratory, monkeypatch
):
    n_tries = []

    def refuse_twice(folder, result):
        n_tries.append(folder)
        if len(n_tries) < 3:
            raise RecordingError(f"{folder}: cannot be written (No space left)")
        return write_results(folder, result)

    write_results = laboratory.write_results
    monkeypatch.setattr(laboratory, "write_results", refuse_twice)
    opened = bench.open()
    letters = [opened, *bench.store(0, 1), SeriesOver(1, "success")]
    bench.run(letters, idle=1 + LOOKS_BETWEEN_TRIES)
    assert len(n_tries) == 2
    assert not bench.journal("finished")
    assert "No space left" in bench.board.status(queued=0, dropped=0, disordered=0).problem
    bench.run([SeriesOver(1, "success")])
    assert [entry["rev"] > 0 for entry in bench.journal("finished")] == [True]
    assert bench.told(SeriesEnded)[0].folder


def test_a_result_is_told_once_the_journal_has_its_number(bench_of, recorder_of):
    class FullOnce(SessionRecorder):
        is_full = True

        def finished(self, *args):
            if self.is_full:
                self.is_full = False
                raise RecordingError(f"{self.path}: cannot be written (No space left)")
            super().finished(*args)

    bench = bench_of(recorder_of(FullOnce))
    letters = [bench.open(), *bench.store(0, 1), SeriesOver(1, "success")]
    bench.run(letters)
    assert bench.told(SeriesEnded) == []
    assert not bench.journal("finished")
    bench = bench_of(recorder_of(FullOnce))
    letters = [bench.open(), *bench.store(0, 1), SeriesOver(1, "success")]
    bench.run(letters, idle=1 + LOOKS_BETWEEN_TRIES)
    (finished,) = bench.journal("finished")
    (final,) = (each for each in bench.told(PhaseEstimate) if each.is_final)
    assert finished["rev"] == final.rev
    assert len(bench.told(SeriesEnded)) == 1
    assert bench.board.status(queued=0, dropped=0, disordered=0).problem is None


def test_refused_results_of_a_series_that_goes_on_are_not_tried_again(
    bench, laboratory, monkeypatch
):
    tries = []

    def refuse(folder, result):
        tries.append(folder)
        raise RecordingError(f"{folder}: cannot be written (No space left)")

    monkeypatch.setattr(laboratory, "write_results", refuse)
    first = [bench.open(), *bench.store(0, 1), SeriesOver(1, "abandoned")]
    microscope = bench.recorder.record(1).microscope
    again = SeriesOpened(1, "holes", microscope, is_resumed=True)
    bench.run(first, [again], idle=2 + 2 * LOOKS_BETWEEN_TRIES)
    assert len(tries) == 1
    assert not bench.journal("finished")


def test_a_wish_that_the_disk_refuses_is_not_obeyed(bench_of, recorder_of):
    class NoWishes(SessionRecorder):
        def wished(self, *args):
            raise RecordingError(f"{self.path}: cannot be written (No space left)")

    bench = bench_of(recorder_of(NoWishes))
    letters = [bench.open(), *bench.store(0, 1), FrameWished(1, use=False)]
    bench.run(letters)
    assert not [call for call in bench.calls() if call[0] == "wish"]
    assert "No space left" in bench.told(AdviceGiven)[0].text


def test_a_camera_that_cannot_be_loaded_costs_the_live_phase_and_no_more(bench):
    settings = CameraSettings(gain="gain.tif")
    lame = bench.open().microscope.model_copy(update={"camera": settings})
    opened = SeriesOpened(1, "holes", lame)
    bench.run([opened, *bench.store(0, 1), SeriesOver(1, "success")])
    text = bench.told(AdviceGiven)[0].text
    assert text.startswith("holes: no live phase: ")
    assert "gain.tif" in text
    assert [each.is_final for each in bench.told(PhaseEstimate)] == [True]


def test_what_waits_is_solved_before_it_stops(bench):
    opened = bench.open()
    bench.run(
        [opened, *bench.store(0)],
        list(bench.store(1)),
        [SeriesOver(1, "success")],
        idle=0,
    )
    assert bench.told(SeriesEnded)[0].exit_status == "success"


def filled(mailbox, letters):
    for letter in letters:
        mailbox.put(letter)
    return mailbox


def test_a_solver_that_is_paused_rests_and_what_waits_is_counted(bench):
    mailbox = filled(Mailbox(), [bench.open(), *bench.store(0, 1)])
    mailbox.hold()
    bench.solve(mailbox, idle=2)
    assert bench.laboratory.engines == []
    assert mailbox.backlog == 2
    assert status(bench).state == "paused"
    mailbox.release()
    bench.solve(mailbox, idle=1)
    assert bench.calls() == [("add", (0, 1)), ("refine", 4)]
    assert mailbox.backlog == 0


def test_a_pause_leaves_the_steps_of_a_series_at_rest_undone(bench):
    mailbox = RestlessMailbox(hold_after=3)
    filled(mailbox, [bench.open(), *bench.store(0, 1)])
    bench.solve(mailbox, idle=5)
    assert bench.calls() == [("add", (0, 1)), ("refine", 4)]
    assert status(bench).state == "paused"


def test_what_was_taken_before_a_pause_waits_in_its_order(bench):
    mailbox = RestlessMailbox(hold_after=3)
    first, second = bench.open("holes"), bench.open("discs")
    letters = [
        first, second, *bench.store(0, 1, ordinal=1), *bench.store(0, 1, ordinal=2)
    ]  # fmt: skip
    bench.solve(filled(mailbox, letters), idle=1)
    assert [engine.calls for engine in bench.laboratory.engines] == [[], []]
    assert mailbox.backlog == 4
    mailbox.release()
    assert mailbox.take(0.0) == letters[2:]


@pytest.mark.parametrize("look", range(2, 9))
def test_a_series_that_ends_before_a_pause_is_finished_after_it(bench, look):
    mailbox = RestlessMailbox(hold_after=look, release_after=look + 1)
    letters = [bench.open(), *bench.store(0, 1, 2), SeriesOver(1, "success")]
    bench.solve(filled(mailbox, letters), idle=5)
    assert bench.calls() == [("add", (0, 1, 2)), *[("refine", 4)] * 3]
    assert [event.exit_status for event in bench.told(SeriesEnded)] == ["success"]


def test_a_daemon_that_stops_while_it_is_paused_leaves_the_rest_to_the_next(bench):
    mailbox = RestlessMailbox(hold_after=4)
    letters = [bench.open(), *bench.store(0, 1, 2), SeriesOver(1, "success")]
    bench.recorder.end_series(1, "success")
    bench.solve(filled(mailbox, letters), idle=1)
    assert bench.told(SeriesEnded) == []
    assert not bench.recorder.record(1).is_finished
    assert not bench.recorder.ledger.is_complete
    bench.run([SeriesOver(1, "success")])
    assert len(bench.told(SeriesEnded)) == 1


# What the user looks at


class LookingMailbox(Mailbox):
    """Somebody wants to see TIE whenever the solver looks for letters or asks to rest."""

    n_wanted = 0

    @property
    def is_held(self):
        """Return whether the solver is to rest; it asks before each thing that it does."""
        self.put_view(ViewWished(None))
        self.n_wanted += 1
        return super().is_held

    def take(self, timeout_s):
        """Return what waits, at once."""
        return super().take(0.0)


def test_a_view_waits_for_no_more_than_one_call_of_refine(bench):
    mailbox = LookingMailbox()
    letters = [bench.open(), *bench.store(0, 1, 2), SeriesOver(1, "success")]
    bench.solve(filled(mailbox, letters), idle=3, steps_per_frame=1)
    calls = [call[0] for call in bench.calls()]
    assert calls.count("refine") == 10
    assert not any(pair == ("refine", "refine") for pair in itertools.pairwise(calls[2:]))
    views = bench.told(TieView)
    assert [view.rev for view in views] == sorted(view.rev for view in views)
    assert views[-1].is_final


def test_the_journal_says_nothing_of_what_was_looked_at(bench):
    letters = [bench.open(), *bench.store(0, 1)]
    bench.solve(filled(LookingMailbox(), letters), idle=3)
    assert bench.told(TieView)
    kinds = {entry["kind"] for entry in bench.journal("view", "added", "refined")}
    assert kinds == {"added", "refined"}


class ThenPausedMailbox(Mailbox):
    """Is held when it has been emptied, and then somebody wants to look."""

    def take(self, timeout_s):
        """Return what waits, at once."""
        letters = super().take(0.0)
        if not (letters or self.is_held):
            self.hold()
            self.put_view(ViewWished(None))
            self.put_view(ViewWished(1))
        return letters


def test_a_paused_solver_shows_what_it_has(bench):
    letters = [bench.open(), *bench.store(0, 1)]
    bench.solve(filled(ThenPausedMailbox(), letters), idle=3)
    assert bench.calls()[-2:] == [("view", None), ("view", 1)]
    assert isinstance(bench.events[-2], TieView)
    assert bench.events[-1].text == "no view of frame 1"
    assert status(bench).state == "paused"


def test_of_no_series_there_is_nothing_to_show_and_that_is_told(bench):
    mailbox = Mailbox()
    mailbox.put_view(ViewWished(1))
    bench.solve(mailbox)
    (advice,) = bench.told(AdviceGiven)
    assert advice.text == "nothing to show: no series is open, nor the last to finish"
