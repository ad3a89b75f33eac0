"""Where frames lie, refined with the phase."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.alignment import misfit_pull, realigned
from ltemlive.recon.arrival import first_looked
from ltemlive.recon.field import ALIGNED
from ltemlive.recon.innovation import holdout_scores, notes_on_fit, predictions
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import with_members, with_shifts
from ltemlive.recon.objective import seen_in
from ltemlive.recon.solver import cold_start, refine, warm_start
from ltemlive.recon.weighing import Stage
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings()


def jointly_solved(model):
    state = cold_start(model.series, SETTINGS)
    while not state.is_converged:
        model, state, _ = refine_jointly(model, state, 40)
    return model, state


def test_what_is_left_is_refined_with_the_phase(drifting, left_px):
    model, truth_px = drifting(border="periodic")
    off_px = np.random.default_rng(2).uniform(-0.4, 0.4, truth_px.shape)
    off_px[0] = 0.0
    model = with_shifts(model, [tuple(each) for each in (truth_px + off_px).tolist()])
    before = left_px(off_px, model.defocus_nm)
    model, _ = jointly_solved(model)
    errors_px = np.array(model.shifts_px) - truth_px
    assert left_px(errors_px, model.defocus_nm) < 0.3 * before


def test_frames_that_lie_as_one_are_taken_as_aligned(drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    begun = first_looked(model, SETTINGS)
    assert begun.shifts_px == begun.registered_px == (ALIGNED,) * 5
    model, _ = jointly_solved(begun)
    assert model.shifts_px == (ALIGNED,) * 5
    nearly = [(0.1, -0.1), (-0.15, 0.05), (0.05, 0.1), (0.1, 0.1)]
    model, _ = jointly_solved(with_shifts(model, [ALIGNED, *nearly]))
    assert model.shifts_px == (ALIGNED,) * 5


def test_the_pull_of_an_image_is_the_slope_of_its_misfit(drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 30)

    def image(along_x):
        shifts = [ALIGNED, (0.8, -0.3 + along_x), *model.shifts_px[2:]]
        return next(predictions(state, with_shifts(model, shifts).series))

    def half_misfit(along_x):
        there = image(along_x)
        return 0.5 * there.misfit * float(tf.reduce_sum(seen_in(there.measured)))

    # Of an amplitude, which bends where no electron is expected: not to the last digit.
    expected = (half_misfit(0.05) - half_misfit(-0.05)) / 0.1
    assert misfit_pull(image(0.0)).slope[1] == pytest.approx(expected, rel=0.15)


def test_frames_at_rest_are_left_alone(drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    assert realigned(model, state) is model


def test_a_frame_beyond_the_field_costs_nobody_anything_else(drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    far = with_shifts(model, [*model.shifts_px[:4], (200.0, 0.0)])
    far, state = jointly_solved(far)
    assert np.isfinite(state.phase).all()
    scores = holdout_scores(state, far)
    assert np.isnan(scores[4])
    assert np.isfinite(scores[:4]).all()
    assert (
        "beyond the field of the reference frame: frame 4" in notes_on_fit(scores, far)[-1]
    )
    without = with_members(model, model.members[:4])
    _, expected = jointly_solved(without)
    alike = np.corrcoef(state.phase.numpy().ravel(), expected.phase.numpy().ravel())[0, 1]
    assert alike > 0.98


def test_a_move_is_no_new_image_in_focus(drifting):
    model, _ = drifting((0.0, -2e5, 2e5, 0.0, 8e5), drift_px=(0.0, 0.0))
    model = with_shifts(model, [*(ALIGNED,) * 3, (0.05, 0.0), ALIGNED])
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 30)
    state = replace(state, search=None, stage=Stage.WHOLE, round=1)
    there, state, _ = refine_jointly(model, state, 1)
    assert there.rows != model.rows
    again = warm_start(state, there.series)
    np.testing.assert_array_equal(again.unknowns, state.unknowns)
