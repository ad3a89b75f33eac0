"""Where frames lie: found without knowing the phase, and refined with it."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.alignment import (
    aligned_on_arrival,
    first_aligned,
    misfit_pull,
    moved,
    realigned,
)
from ltemlive.recon.field import ALIGNED
from ltemlive.recon.guesses import expecting, weakest_first
from ltemlive.recon.innovation import holdout_scores, notes_on_fit, predictions
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import empty_model, with_frames, with_shifts
from ltemlive.recon.objective import seen_in
from ltemlive.recon.solver import cold_start, refine, warm_start
from ltemlive.recon.weighing import Stage
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

SETTINGS = SolverSettings()
DEFOCI_NM = (0.0, -2e5, 2e5, -8e5, 8e5)
DRIFT_PX = (1.3, -0.7)
BORDER_PX = 16


def drifting(
    defocus_nm=DEFOCI_NM, drift_px=DRIFT_PX, kind="resolution_target", border="free"
):
    """Return the model of a series whose frames lie elsewhere, and where they lie."""
    document = {
        "specimen": {"kind": kind, "size_px": 96, "margin_px": 32},
        "microscope": {"pixel_nm": 10.0, "border": border},
        "defocus_nm": defocus_nm,
        "noise": {"level": 0.05},
        "drift_px_per_frame": drift_px,
    }
    acquisition = Acquisition(Scenario.model_validate(document))
    frames = list(acquisition.frames())
    model = empty_model(frames[0].image.shape, acquisition.microscope, BORDER_PX)
    return with_frames(model, frames), np.outer(np.arange(len(frames)), drift_px)


def determined(errors_px, defocus_nm):
    """Return the errors without what no data can tell."""
    untold = np.stack([np.ones(len(defocus_nm)), np.array(defocus_nm)], axis=1)
    fitted, *_ = np.linalg.lstsq(untold, errors_px)
    return errors_px - untold @ fitted


def rms(errors_px):
    return float(np.sqrt((errors_px**2).sum(axis=1).mean()))


def jointly_solved(model):
    state = cold_start(model.series, SETTINGS)
    while not state.is_converged:
        model, state, _ = refine_jointly(model, state, 40)
    return model, state


@pytest.mark.parametrize("border", ["free", "periodic"])
@pytest.mark.parametrize("kind", ["resolution_target", "stripe_domains"])
def test_a_drift_is_found_without_knowing_the_phase(kind, border):
    model, truth_px = drifting(kind=kind, border=border)
    found = first_aligned(model, SETTINGS)
    assert found.shifts_px[0] == ALIGNED
    # Pure phases show nothing in focus.
    telling = slice(1 if kind == "stripe_domains" else 0, None)
    errors_px = (np.array(found.shifts_px) - truth_px)[telling]
    assert rms(determined(errors_px, DEFOCI_NM[telling])) < 0.2


def test_what_is_left_is_refined_with_the_phase():
    model, truth_px = drifting(border="periodic")
    off_px = np.random.default_rng(2).uniform(-0.4, 0.4, truth_px.shape)
    off_px[0] = 0.0
    model = with_shifts(model, [tuple(each) for each in (truth_px + off_px).tolist()])
    before = rms(determined(off_px, DEFOCI_NM))
    model, _ = jointly_solved(model)
    errors_px = np.array(model.shifts_px) - truth_px
    assert rms(determined(errors_px, DEFOCI_NM)) < 0.3 * before


def test_frames_that_lie_as_one_are_taken_as_aligned():
    model, _ = drifting(drift_px=(0.0, 0.0))
    begun = first_aligned(model, SETTINGS)
    assert begun.shifts_px == begun.registered_px == (ALIGNED,) * 5
    model, _ = jointly_solved(begun)
    assert model.shifts_px == (ALIGNED,) * 5
    nearly = [(0.1, -0.1), (-0.15, 0.05), (0.05, 0.1), (0.1, 0.1)]
    model, _ = jointly_solved(with_shifts(model, [ALIGNED, *nearly]))
    assert model.shifts_px == (ALIGNED,) * 5


def test_an_image_that_shows_nothing_lies_in_the_middle_of_the_others():
    model, truth_px = drifting(kind="stripe_domains")
    aligned = first_aligned(model, SETTINGS)
    found = np.array(aligned.shifts_px)
    np.testing.assert_allclose(found[0], found[1:].mean(axis=0), atol=1e-6)
    assert "frame 0 shows nothing of where it lies" in aligned.notes[-1]
    assert not np.allclose(truth_px[0], truth_px[1:].mean(axis=0))


def test_a_single_defocused_image_does_not_tell_where_the_focus_lies():
    model, _ = drifting((0.0, 2e5))
    assert first_aligned(model, SETTINGS).shifts_px == (ALIGNED, ALIGNED)


def test_images_in_focus_need_not_lie_as_one():
    model, truth_px = drifting((0.0, -2e5, 2e5, 0.0, 8e5))
    found = first_aligned(model, SETTINGS)
    assert found.rows == (None, 0, 1, 2, 3)
    # Those that have optics of their own show no phase, and guess nothing.
    assert [part.measured.shape[0] for part in weakest_first(found.series)] == [1, 2, 4]
    assert not expecting(cold_start(found.series, SETTINGS), found.series).is_smooth
    assert found.shifts_px[3] == pytest.approx(truth_px[3], abs=0.5)


# A frame that arrives


def known(model, n_frames):
    """Return the part of a model that has come so far, aligned, and its state."""
    part = replace(
        model,
        seqs=model.seqs[:n_frames],
        images=model.images[:n_frames],
    )
    part = with_shifts(part, model.shifts_px[:n_frames])
    part = first_aligned(part, SETTINGS)
    state, _ = refine(cold_start(part.series, SETTINGS), part.series, 40)
    return part, state


def arrived(part, whole):
    """Return the model that has the other frames, too, nobody knows where."""
    n_new = len(whole.images) - len(part.images)
    return with_shifts(whole, (*part.shifts_px, *(ALIGNED,) * n_new))


def test_a_frame_that_arrives_is_placed_by_the_phase_so_far():
    whole, truth_px = drifting()
    part, state = known(whole, 4)
    found, same = aligned_on_arrival(arrived(part, whole), 4, state, SETTINGS)
    assert same is state
    assert found.shifts_px[:4] == part.shifts_px
    errors_px = np.array(found.shifts_px) - truth_px
    assert rms(determined(errors_px, DEFOCI_NM)) < 0.2


def test_a_frame_that_lies_with_aligned_ones_begins_as_aligned():
    whole, _ = drifting(drift_px=(0.0, 0.0))
    part, state = known(whole, 4)
    found, same = aligned_on_arrival(arrived(part, whole), 4, state, SETTINGS)
    assert same is state
    assert found.shifts_px == (ALIGNED,) * 5
    apart = with_shifts(part, [*part.shifts_px[:3], (0.3, 0.0)])
    found, _ = aligned_on_arrival(arrived(apart, whole), 4, state, SETTINGS)
    assert found.shifts_px[3] == (0.3, 0.0)


def test_an_image_in_focus_that_comes_late_becomes_the_reference():
    defocus_nm = (-2e5, 2e5, -8e5, 0.0)
    whole, truth_px = drifting(defocus_nm, border="periodic")
    part, state = known(whole, 3)
    found, there = aligned_on_arrival(arrived(part, whole), 3, state, SETTINGS)
    assert found.reference == 3
    assert found.shifts_px[3] == ALIGNED
    errors_px = np.array(found.shifts_px) - (truth_px - truth_px[3])
    assert rms(determined(errors_px, defocus_nm)) < 0.3
    # The phase has moved to where the new reference frame shows it.
    again, _ = refine(cold_start(found.series, SETTINGS), found.series, 60)
    alike = np.corrcoef(there.phase.numpy().ravel(), again.phase.numpy().ravel())[0, 1]
    apart = np.corrcoef(state.phase.numpy().ravel(), again.phase.numpy().ravel())[0, 1]
    assert alike > 0.9
    assert apart < alike - 0.1


def test_a_phase_of_frames_that_lay_elsewhere_is_given_up():
    whole, _ = drifting(drift_px=(4.0, 3.0))
    part, state = known(whole, 2)
    assert part.shifts_px == (ALIGNED, ALIGNED)
    found, cold = aligned_on_arrival(arrived(part, whole), 2, state, SETTINGS)
    assert np.abs(found.shifts_px[1]).max() > 1.0
    assert not cold.phase.numpy().any()
    assert (cold.steps, cold.evaluations) == (state.steps, state.evaluations)


def test_a_state_moves_as_its_frames_do():
    model, _ = drifting(border="periodic")
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 5)
    there = moved(state, model.field, (3.0, -2.0))
    expected = np.roll(state.unknowns.numpy(), (3, -2), axis=(1, 2))
    np.testing.assert_allclose(there.unknowns, expected, atol=1e-4)


def test_the_pull_of_an_image_is_the_slope_of_its_misfit():
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


def test_frames_at_rest_are_left_alone():
    model, _ = drifting(drift_px=(0.0, 0.0))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    assert realigned(model, state) is model


def test_a_frame_beyond_the_field_costs_nobody_anything_else():
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
    without = replace(model, seqs=model.seqs[:4], images=model.images[:4])
    without = with_shifts(without, model.shifts_px[:4])
    _, expected = jointly_solved(without)
    alike = np.corrcoef(state.phase.numpy().ravel(), expected.phase.numpy().ravel())[0, 1]
    assert alike > 0.98


def test_a_move_is_no_new_image_in_focus():
    model, _ = drifting((0.0, -2e5, 2e5, 0.0, 8e5), drift_px=(0.0, 0.0))
    model = with_shifts(model, [*(ALIGNED,) * 3, (0.05, 0.0), ALIGNED])
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 30)
    state = replace(state, search=None, stage=Stage.WHOLE, round=1)
    there, state, _ = refine_jointly(model, state, 1)
    assert there.rows != model.rows
    again = warm_start(state, there.series)
    np.testing.assert_array_equal(again.unknowns, state.unknowns)
