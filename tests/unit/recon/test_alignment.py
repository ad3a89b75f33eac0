"""Where frames lie, refined with the phase."""

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.physics.accuracy import without_plane
from ltemlive.recon.alignment import misfit_pull, realigned
from ltemlive.recon.arrival import first_looked
from ltemlive.recon.field import ALIGNED, UPRIGHT, Field, Turn
from ltemlive.recon.innovation import holdout_scores, notes_on_fit, predictions
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import empty_model, with_frames, with_members, with_shifts
from ltemlive.recon.objective import seen_in
from ltemlive.recon.resampling import turned_back
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.starts import warm_start
from ltemlive.recon.weighing import Stage
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

# Optics are as stated here, and need not be asked for.
SETTINGS = SolverSettings(refine_defocus=False, refine_convergence=False)
GROWN, SHARED = Turn(0.0, 0.001), Turn(0.02)
"""The first looks as large as half a pixel at the edge of 96, the second is a whole one."""


def jointly_solved(model, settings=SETTINGS):
    state = cold_start(model.series, settings)
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


@pytest.mark.parametrize("index", range(4))
def test_the_pull_of_an_image_is_the_slope_of_its_misfit(index, drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 30)
    off = with_shifts(model, [ALIGNED, (0.8, -0.3), *model.shifts_px[2:]])
    image = next(predictions(state, off.series))
    seen = seen_in(image.measured).numpy()
    whole = Field(model.field.shape, model.field.shape, (0, 0))

    def half_misfit(along):
        step = np.zeros(4)
        step[index] = along
        back_px, back = tuple(-step[:2]), Turn(*-step[2:])
        moved = turned_back(image.predicted.numpy(), whole, back_px, back, unseen=0.0)
        residual = seen * (moved - image.measured.numpy())
        return 0.5 * float(image.precision) * float((residual.astype(float) ** 2).sum())

    by = (0.05, 0.05, 0.001, 0.001)[index]
    expected = (half_misfit(by) - half_misfit(-by)) / (2.0 * by)
    found = misfit_pull(image, model.field).slope[index]
    # Beyond the edges of the field the two go on otherwise.
    assert found == pytest.approx(expected, rel=0.1)


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
    # Less the plane, which a shift of nothing but noise changes.
    seen, unharmed = (
        without_plane(model.field.crop(each.phase.numpy())).ravel()
        for each in (state, expected)
    )
    assert np.corrcoef(seen, unharmed)[0, 1] > 0.99


def test_a_move_is_no_new_image_in_focus(drifting):
    model, _ = drifting((0.0, -2e5, 2e5, 0.0, 8e5), drift_px=(0.0, 0.0))
    model = with_shifts(model, [*(ALIGNED,) * 3, (0.05, 0.0), ALIGNED])
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 30)
    state = replace(state, search=None, stage=Stage.WHOLE, round=1)
    there, state, _ = refine_jointly(model, state, 1)
    assert there.rows != model.rows
    again = warm_start(state, there.series)
    np.testing.assert_array_equal(again.unknowns, state.unknowns)


# How frames are turned


@pytest.mark.parametrize("kind", ["resolution_target", "stripe_domains"])
def test_turns_are_found_and_refined_with_the_phase(kind, turning, left_px):
    model, truth = turning(kind=kind)
    found, _ = jointly_solved(first_looked(model, SETTINGS))
    # Pure phases show nothing in focus.
    telling = slice(1 if kind == "stripe_domains" else 0, None)
    errors = (np.array(found.turns) - truth)[telling]
    rotations_deg = np.degrees(errors[:, 0])
    # A pixel at the edge is .9 degrees or 1.6 %.
    assert (rotations_deg - rotations_deg.mean()).std() < 0.05
    assert left_px(errors[:, 1:], found.defocus_nm[telling]) < 0.001


def test_frames_are_held_to_their_line_as_tightly_as_it_is_known(turning):
    model, _ = turning()
    found = first_looked(model, SETTINGS)
    state, _ = refine(cold_start(found.series, SETTINGS), found.series, 60)

    def off_line_deg(width_deg):
        settings = SETTINGS.model_copy(update={"rotation_width_deg": width_deg})
        moved = realigned(found, replace(state, settings=settings))
        line = np.polynomial.Polynomial.fit(moved.defocus_nm, moved.rotations_deg, 1)
        return abs(moved.rotations_deg[4] - line(moved.defocus_nm[4]))

    # Its image tells its rotation to .003 degrees.
    free, known, tight, held = map(off_line_deg, (0.03, 0.01, 0.003, 0.001))
    assert free > known > tight > held
    assert known > 0.5 * free
    assert held < 0.5 * known


def test_frames_that_are_not_turned_stay_so(drifting):
    model, _ = drifting(kind="stripe_domains")
    begun = first_looked(model, SETTINGS)
    assert begun.turns == (UPRIGHT,) * 5
    model, _ = jointly_solved(begun)
    assert model.turns == (UPRIGHT,) * 5


def test_what_all_defocused_frames_share_turns_none_of_them(drifting):
    # One image in focus tells a turn by its noise, and an unripe amplitude.
    model, _ = drifting((0.0, -8e5, 8e5), drift_px=(0.0, 0.0))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    focus = seen_turned(model.members[0], model, GROWN)
    # It seems to tell that well.
    focus = replace(focus, image=replace(focus.image, sigma=0.01))
    members = [focus, *model.members[1:]]
    moved = realigned(with_members(model, members), state)
    assert moved.turns == (UPRIGHT,) * 3


@pytest.mark.parametrize(("sigma", "is_turned"), [(0.01, True), (0.2, False)])
def test_a_turn_that_frames_share_must_exceed_what_noise_in_focus_tells(
    sigma, is_turned, drifting
):
    model, _ = drifting((0.0, -8e5, 8e5), drift_px=(0.0, 0.0))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    wide = SETTINGS.model_copy(update={"magnification_width": 0.05})
    state = replace(state, settings=wide)
    # One pixel and a half at the middle of an edge.
    focus = seen_turned(model.members[0], model, Turn(0.0, 2.0 / 64.0))
    focus = replace(focus, image=replace(focus.image, sigma=sigma))
    moved = realigned(with_members(model, [focus, *model.members[1:]]), state)
    assert (UPRIGHT not in moved.turns[1:]) == is_turned


def test_unripe_edges_of_a_strong_pair_turn_no_frame():
    document = {
        "specimen": {"kind": "vortex_discs", "size_px": 256, "margin_px": 0},
        "microscope": {"border": "periodic", "pixel_nm": 5.0},
        "defocus_nm": (0.0, -1.6e6, 1.6e6),
        "noise": {"level": 0.1},
    }
    acquisition = Acquisition(Scenario.model_validate(document))
    frames = list(acquisition.frames())
    empty = empty_model(frames[0].image.shape, acquisition.microscope, 0)
    model, _ = jointly_solved(with_frames(empty, frames), SolverSettings())
    assert model.turns == (UPRIGHT,) * 3


def test_what_all_defocused_frames_share_is_kept_once_it_was_seen(drifting):
    model, _ = drifting((0.0, -8e5, 8e5), drift_px=(0.0, 0.0))
    focus, *defocused = model.members
    seen = [
        replace(seen_turned(member, model, SHARED), turn=SHARED) for member in defocused
    ]
    # An image in focus that tells little would turn with the others.
    focus = replace(focus, image=replace(focus.image, sigma=0.005))
    model = with_members(model, [focus, *seen])
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    assert UPRIGHT not in realigned(model, state).turns[1:]


def seen_turned(member, model, turn):
    """Return a frame whose content is turned."""
    frame_shape = model.field.frame_shape
    upright = Field(frame_shape, frame_shape, (0, 0))
    back = Turn(-turn.rotation_rad, -turn.log_magnification)
    turned = turned_back(member.image.amplitude, upright, ALIGNED, back)
    return replace(member, image=replace(member.image, amplitude=turned))


@pytest.mark.parametrize("kept", ["refine_rotation", "refine_magnification"])
def test_what_is_not_to_be_refined_stays(kept, turning):
    index = ("refine_rotation", "refine_magnification").index(kept)
    most = {"most_deg": 0.0} if index == 0 else {"most": 0.0}
    model, truth = turning(**most)
    settings = SETTINGS.model_copy(update={kept: False, "judge": False})
    model, _ = jointly_solved(first_looked(model, settings), settings)
    turns = np.array(model.turns)
    assert not turns[:, index].any()
    assert np.abs(turns - truth)[3:, 1 - index].max() < 0.003


def test_frames_that_tell_nothing_are_turned_as_the_others_are(turning):
    model, _ = turning(kind="stripe_domains")
    found, _ = jointly_solved(first_looked(model, SETTINGS))
    turns = np.array(found.turns)
    assert turns[0] == pytest.approx(0.0)
    # Their line over defocus goes through the frame in focus, which shows nothing.
    line = np.polyfit(found.defocus_nm[1:], turns[1:], 1)
    assert np.degrees(line[1][0]) == pytest.approx(0.0, abs=0.15)
    assert line[1][1] == pytest.approx(0.0, abs=0.003)
