from dataclasses import replace

import numpy as np
import pytest

from ltemlive.physics.accuracy import without_plane
from ltemlive.recon import joint as module
from ltemlive.recon.field import Turn
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import with_shifts, with_used
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.starts import warm_start
from ltemlive.recon.weighing import DOUBTING_ROUND, Stage
from ltemlive.settings import SolverSettings

DEFOCI_NM = (0.0, -4e5, 4e5)
FIVE_NM = (*DEFOCI_NM, -1e6, 1e6)
FAR_PX = [(0.0, 0.0), (5.0, -4.0), (-4.0, 6.0), (6.0, 3.0), (-5.0, -5.0)]


def test_where_nothing_else_is_refined_it_is_the_solver(acquire, model_of):
    settings = SolverSettings(align=False, refine_defocus=False, refine_convergence=False)
    model = model_of(acquire(DEFOCI_NM, coherence="wave"))
    alone, report = refine(cold_start(model.series, settings), model.series, 60)
    same, state, together = refine_jointly(model, cold_start(model.series, settings), 60)
    assert same is model
    np.testing.assert_array_equal(state.unknowns, alone.unknowns)
    assert together == report


def test_frames_move_between_rounds_that_believe_images_as_they_are(
    acquire, model_of, monkeypatch
):
    asked = []

    def noted(model, state):
        assert state.search is None
        asked.append((state.stage, state.round))
        return model

    monkeypatch.setattr(module, "realigned", noted)
    model = model_of(acquire(DEFOCI_NM, coherence="wave"))
    state = cold_start(model.series, SolverSettings())
    while not state.is_converged:
        model, state, report = refine_jointly(model, state, 7)
        assert 0 < report.steps <= 7
    assert asked[:2] == [(Stage.EDGES, 1), (Stage.EDGES, 3)]
    assert asked[-5:] == [*((Stage.WHOLE, n) for n in range(4)), (Stage.SETTLED, 0)]


def test_frames_are_refocused_once_edges_have_been_doubted(acquire, model_of, monkeypatch):
    asked = []
    optics_fit = module.optics_fit

    def noted(model, state):
        asked.append((state.stage, state.round))
        return optics_fit(model, state)

    monkeypatch.setattr(module, "optics_fit", noted)
    model = model_of(acquire(DEFOCI_NM, coherence="wave"))
    refine_jointly(model, cold_start(model.series, SolverSettings()), 500)
    assert asked[0] == (Stage.EDGES, 3)
    assert asked[-1][0] == Stage.SETTLED


def test_the_budget_may_be_split_anyhow(acquire, model_of):
    model = model_of(acquire(DEFOCI_NM, coherence="wave"))
    model = with_shifts(model, [(0.0, 0.0), (0.4, -0.3), (-0.5, 0.2)])
    start = cold_start(model.series, SolverSettings())
    moved, whole, _ = refine_jointly(model, start, 70)
    assert moved.shifts_px != model.shifts_px
    parts, state = model, start
    for n_steps in (1, 9, 30, 25, 5):
        parts, state, _ = refine_jointly(parts, state, n_steps)
    np.testing.assert_array_equal(state.unknowns, whole.unknowns)
    assert parts.shifts_px == moved.shifts_px


def at_rest(model):
    state = cold_start(model.series, SolverSettings())
    while not state.is_converged:
        model, state, _ = refine_jointly(model, state, 50)
    return model, state


def assert_same_phase(one_model, one, other_model, other):
    phases = [
        without_plane(model.field.crop(state.phase.numpy()))
        for model, state in ((one_model, one), (other_model, other))
    ]
    assert np.std(phases[0] - phases[1]) < 0.05 * np.std(phases[1])


def test_frames_that_registration_has_misplaced_are_tried_as_they_came(acquire, model_of):
    model = model_of(acquire(FIVE_NM, coherence="wave"))
    found, state = at_rest(with_shifts(model, FAR_PX))
    assert state.has_tried_as_they_came
    np.testing.assert_allclose(found.shifts_px, 0.0, atol=0.2)
    known, other = at_rest(model)
    assert not other.has_tried_as_they_came
    assert_same_phase(found, state, known, other)


def test_frames_as_they_came_are_tried_without_steps_and_once(acquire, model_of):
    model = model_of(acquire(FIVE_NM, coherence="wave"))
    model = with_shifts(model, FAR_PX, [*FAR_PX[:-1], None])
    settings = SolverSettings()
    state, _ = refine(cold_start(model.series, settings), model.series, 60)
    state = replace(state, has_begun_refocused=True)
    came, tried = module._as_they_came(model, state)
    assert all(member.is_aligned for member in came.used)
    assert came.registered_px == (*came.shifts_px[:-1], None)
    assert (tried.steps, tried.steps_since_begun) == (state.steps, 0)
    n_steps = settings.gentle_steps + 2 * settings.round_steps
    assert tried.evaluations >= state.evaluations + n_steps + 2
    # It begins anew neither for this nor for its optics a second time.
    assert tried.has_tried_as_they_came
    assert tried.has_begun_refocused
    assert not warm_start(tried, came.series).has_tried_as_they_came


@pytest.mark.parametrize(
    ("changes", "is_asked"),
    [
        ({}, True),
        ({"stage": Stage.EDGES, "round": DOUBTING_ROUND + 1}, True),
        ({"stage": Stage.EDGES, "round": DOUBTING_ROUND}, False),
        ({"is_smooth": True}, False),
        ({"has_tried_as_they_came": True}, False),
        ({"misfit": np.inf}, False),
        ({"misfit": 1.1}, False),
    ],
)
def test_images_that_fit_are_not_asked_where_they_lie(acquire, model_of, changes, is_asked):
    model = model_of(acquire(DEFOCI_NM, coherence="wave"))
    state = cold_start(model.series, SolverSettings())
    state = replace(state, stage=Stage.WHOLE, misfit=1.5)
    state = replace(state, **changes)
    moved = with_shifts(model, FAR_PX[:3])
    assert module._may_be_misplaced(moved, state) == is_asked
    assert not module._may_be_misplaced(model, state)


def test_frames_that_do_lie_elsewhere_stay_there(drifting, left_px, monkeypatch):
    model, true_px = drifting()
    # However well they fit.
    monkeypatch.setattr(module, "FIT_EACH_OTHER", 0.0)
    found, state = at_rest(with_shifts(model, [tuple(each) for each in true_px]))
    assert state.has_tried_as_they_came
    assert left_px(np.subtract(found.shifts_px, true_px), found.defocus_nm) < 0.1


def test_turned_frames_leave_no_parabola_in_the_phase(turning, monkeypatch):
    monkeypatch.setattr(module, "realigned", lambda model, _: model)
    model, truth = turning(kind="stripe_domains")
    # As registration may have it: all data tell is that they lie on a line over defocus.
    off = 3e-3 * np.divide(model.defocus_nm, max(model.defocus_nm))
    turns = [Turn(rotation, grown) for rotation, grown in truth + np.outer(off, [0, 1])]
    off_model = with_used(
        model,
        [replace(each, turn=turn) for each, turn in zip(model.used, turns, strict=True)],
    )
    _, state = at_rest(off_model)
    y, x = (np.linspace(-1.0, 1.0, side) for side in model.field.frame_shape)
    squared = np.add.outer(y**2, x**2)
    shown = without_plane(model.field.crop(state.phase.numpy()))
    found, _ = np.polyfit(squared.ravel(), shown.ravel(), 1)
    # What is off would be 1.9 rad of it.
    assert abs(found) < 0.3


def test_shifted_frames_leave_no_plane_in_the_phase(drifting, monkeypatch):
    monkeypatch.setattr(module, "realigned", lambda model, _: model)
    model, true_px = drifting(kind="stripe_domains")
    along = np.divide(model.defocus_nm, max(model.defocus_nm))
    off_px = true_px + np.outer(0.08 * along, (1.0, -1.0))
    _, state = at_rest(with_shifts(model, [tuple(each) for each in off_px.tolist()]))
    down, right = np.gradient(model.field.crop(state.phase.numpy()))
    # What is off would be .025 rad per pixel of each.
    assert abs(down.mean()) < 0.008
    assert abs(right.mean()) < 0.008
