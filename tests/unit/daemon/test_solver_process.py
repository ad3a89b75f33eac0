import itertools
import sys
import threading
from contextlib import closing
from multiprocessing import Pipe

import numpy as np
import pytest

from ltemlive.arrivals import SeriesAnnounced
from ltemlive.daemon.engines import Beginning, Engines
from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.daemon.solver_serving import serve
from ltemlive.errors import LtemLiveError
from ltemlive.events import AdviceGiven, FrameRejected, PhaseEstimate, TieView

SOLVES_FOR_EVER = [sys.executable, "-c", "while True: pass"]
ENDS = [sys.executable, "-c", "raise SystemExit(3)"]


@pytest.fixture
def served(settings, laboratory, monkeypatch):
    """Return a solver whose other end is served by a thread of this process."""
    ours, theirs = Pipe()
    server = threading.Thread(
        target=serve, args=(theirs,), kwargs={"load": laboratory.load}
    )
    server.start()
    with closing(SolverProcess(settings.solver, command=ENDS)) as solver:
        monkeypatch.setattr(solver, "_connection", ours)
        yield solver
    server.join()
    theirs.close()


@pytest.fixture
def here(settings, laboratory):
    return Engines(laboratory.load(2), settings.solver)


@pytest.fixture
def record(recorder, frame_of, microscope):
    """Return a way to store a series of frames, which gives its folder and the frames."""

    def stored(*seqs):
        ordinal = recorder.open_series(
            SeriesAnnounced("run-1", "holes"), microscope, (16, 18)
        )
        frames = [frame_of(seq) for seq in seqs]
        for frame, seq in zip(frames, seqs, strict=True):
            recorder.store(ordinal, frame, seq, 1.0)
        return recorder.series_folder(ordinal), frames

    return stored


def same(event):
    """Return what two equal events have in common, arrays included."""
    if isinstance(event, PhaseEstimate):
        return event.rev, event.seqs_used, event.phase_rad.tobytes(), event.is_final
    if isinstance(event, TieView):
        return event.rev, event.phase_rad.tobytes(), event.is_final
    return event


def test_through_the_pipe_it_answers_as_the_engines_do(served, here, record, microscope):
    folder, frames = record(0, 1, 2)
    frames[1].image[0, 0] = 13
    for solver in (served, here):
        assert solver.device == "abacus"
    answers = []
    for solver in (served, here):
        progress = [
            solver.begin(Beginning(1, "holes", microscope, folder)),
            solver.add(1, frames[:1]),
            solver.refine(1, 4),
            solver.add(1, frames[1:]),
            *(solver.refine(1, n_steps) for n_steps in (4, 4, 4)),
            solver.view(None, 1),
            solver.view(2, None),
            solver.finish(1, folder),
            solver.view(None, None),
            solver.view(None, 2),
        ]
        events = itertools.chain.from_iterable(each.events for each in progress)
        answers.append(
            ([each.wants_steps for each in progress], [same(each) for each in events])
        )
    assert answers[0] == answers[1]
    wants_steps, events = answers[0]
    assert wants_steps == [False] * 3 + [True] * 3 + [False] * 6
    assert events[0] == FrameRejected("holes", "1", "13", 1)
    assert [event[0] for event in events[1:4]] == [1, 2, 3]
    assert events[4] == (3, events[3][2], False), "of the newest estimate"
    assert events[5] == AdviceGiven("no view of frame 2", "warning", 1)
    assert events[6][0] == 4
    assert events[7] == (4, events[6][2], True), "of the final one, when it is there"
    text = "nothing to show: series 2 is not open, nor the last to finish"
    assert events[8] == AdviceGiven(text, "warning")


@pytest.fixture
def running_series(served, record, microscope):
    """Return the folder of a series that is being solved."""
    folder, frames = record(0, 1)
    assert served.device
    served.begin(Beginning(1, "holes", microscope, folder))
    served.add(1, frames)
    served.refine(1, 4)
    return folder


def test_while_a_final_result_is_computed_the_live_one_is_looked_at(
    served, laboratory, running_series
):
    fakes, is_shown, views = laboratory.reconstruct, threading.Event(), []

    def slowly(stored, settings, *, on_progress):
        while not is_shown.wait(0.001):
            on_progress(0, settings.max_steps)
        return fakes(stored, settings)

    def look():
        views.extend(served.view(None, None).events)
        is_shown.set()

    laboratory.reconstruct = slowly
    (final,) = served.finish(1, running_series, meanwhile=look).events
    assert {(view.rev, view.is_final) for view in views} == {(1, False)}
    assert (final.rev, final.is_final) == (2, True)


def test_a_final_result_that_is_there_before_a_view_is_not_taken_for_it(
    served, laboratory, running_series
):
    fakes, is_wanted, views = laboratory.reconstruct, threading.Event(), []

    def without_a_look(stored, settings, *, on_progress):
        is_wanted.wait()
        return fakes(stored, settings)

    def look():
        is_wanted.set()
        views.extend(served.view(None, 1).events)

    laboratory.reconstruct = without_a_look
    (final,) = served.finish(1, running_series, meanwhile=look).events
    assert [(view.rev, view.is_final) for view in views] == [(2, True)]
    assert (final.rev, final.is_final) == (2, True)
    assert served.refine(1, 4).events == ()


def test_it_loads_the_solver_once_with_the_threads_of_the_settings(served, laboratory):
    assert [served.device, served.device] == ["abacus", "abacus"]
    assert laboratory.threads == 2


def test_a_series_without_a_result_comes_as_advice(served, record, microscope):
    folder, _ = record(0)
    assert served.device
    served.begin(Beginning(1, "holes", microscope, folder))
    (advice,) = served.finish(1, folder).events
    assert isinstance(advice, AdviceGiven)
    assert advice.text.startswith("no final result: ")


def test_what_it_tells_can_be_published_but_not_changed(served, record, microscope):
    folder, frames = record(0, 1)
    assert served.device
    served.begin(Beginning(1, "holes", microscope, folder))
    served.add(1, frames)
    (estimate,) = served.refine(1, 4).events
    with pytest.raises(ValueError, match="read-only"):
        estimate.phase_rad[0, 0] = np.nan


def test_a_process_that_has_ended_is_told_with_its_status(settings):
    with (
        closing(SolverProcess(settings.solver, command=ENDS)) as solver,
        pytest.raises(LtemLiveError, match=r"ended with status 3 .* is on disk"),
    ):
        _ = solver.device


def test_a_process_that_solves_for_ever_ends_with_the_block(settings):
    with closing(SolverProcess(settings.solver, command=SOLVES_FOR_EVER)) as solver:
        process = solver._process
    assert process.poll() == -9
