"""Where frames lie against the reference, and the phase with it."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.physics.optics import growth_of_parabola, shift_of_plane
from ltemlive.recon.field import UPRIGHT, Field, Turn
from ltemlive.recon.innovation import predicted_alone
from ltemlive.recon.members import Member
from ltemlive.recon.model import with_members, with_shifts, with_used
from ltemlive.recon.placing import expected_turn, levelled, moved, without_parabola
from ltemlive.recon.preparation import MeasuredImage, empty_series, with_amplitude
from ltemlive.recon.solver import cold_start, refine
from ltemlive.series import Microscope
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings()
OPTICS = Microscope(voltage_kv=200.0, pixel_nm=10.0)


def test_a_state_moves_as_its_frames_do(drifting):
    model, _ = drifting(border="periodic")
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 5)
    there = moved(state, model.field, (3.0, -2.0), UPRIGHT)
    expected = np.roll(state.unknowns.numpy(), (3, -2), axis=(1, 2))
    np.testing.assert_allclose(there.unknowns, expected, atol=1e-4)


def test_a_state_turns_as_its_frames_do(turning):
    model, _ = turning(most_deg=0.0, most=0.0, kind="stripe_domains")
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 20)
    first = model.members[3]
    elsewhere = replace(first, shift_px=(3.0, -2.0), turn=Turn(0.02, 0.01))
    there = moved(state, model.field, elsewhere.shift_px, elsewhere.turn)
    before = predicted_alone(model, first, state).misfit
    after = predicted_alone(model, first.against(elsewhere), there).misfit
    assert after == pytest.approx(before, rel=0.05)
    assert predicted_alone(model, first, there).misfit > 2.0 * before


def test_a_state_turns_about_the_middle_of_the_frame():
    field = Field((31, 40), (48, 56), (8, 8))
    y, x = np.ogrid[: field.shape[0], : field.shape[1]]
    middle_y, middle_x = field.middle_px
    spot = np.exp(-((y - middle_y) ** 2 + (x - middle_x) ** 2) / 18.0)
    series = with_amplitude(
        empty_series(field, OPTICS), field, np.ones(field.frame_shape, np.float32)
    )
    state = cold_start(series, SETTINGS)
    state = replace(state, unknowns=tf.constant([spot, 0.0 * spot], tf.float32))
    there = moved(state, field, (2.0, -1.0), Turn(0.3, 0.1)).phase.numpy()
    centre = [(there * along).sum() / there.sum() for along in (y, x)]
    assert centre == pytest.approx((middle_y + 2.0, middle_x - 1.0), abs=0.02)


def test_places_against_a_turned_frame_add_up():
    first, second = (
        Member(seq, None, 0.0, shift_px, shift_px, turn)
        for seq, shift_px, turn in (
            (0, (3.0, -2.0), Turn(0.02, 0.01)),
            (1, (-1.0, 5.0), Turn(-0.03, 0.02)),
        )
    )
    at = np.array([20.0, -7.0])
    relative = second.against(first)
    in_first = first.turn.matrix @ at + first.shift_px
    in_second = second.turn.matrix @ at + second.shift_px
    through = relative.turn.matrix @ in_first + relative.shift_px
    np.testing.assert_allclose(through, in_second, atol=1e-12)
    assert first.against(first).is_aligned


def told_where_frames_are(model, truth):
    """Return the model with its frames turned as they truly are."""
    turns = [Turn(*map(float, each)) for each in truth]
    return with_used(
        model,
        [
            replace(member, turn=turn)
            for member, turn in zip(model.used, turns, strict=True)
        ],
    )


def with_parabola(model, state, curvature_rad):
    """Return both with a parabola in the phase that the frames' magnification undoes."""
    members = [
        replace(
            member,
            turn=Turn(
                member.turn.rotation_rad,
                member.turn.log_magnification
                - growth_of_parabola(
                    curvature_rad, member.image.defocus_nm, model.microscope
                ),
            ),
        )
        for member in model.members
    ]
    y, x = np.ogrid[: model.field.shape[0], : model.field.shape[1]]
    middle_y, middle_x = model.field.middle_px
    parabola = curvature_rad * ((y - middle_y) ** 2 + (x - middle_x) ** 2)
    bent = state.unknowns + tf.constant([parabola, 0.0 * parabola], tf.float32)
    return with_members(model, members), replace(state, unknowns=bent)


def test_a_parabola_of_the_phase_is_taken_for_magnification(turning):
    model, truth = turning(kind="stripe_domains")
    model = told_where_frames_are(model, truth)
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 40)
    # One that is set aside may come back.
    model = with_used(model, [model.members[2].with_wish(False)])
    model, state = without_parabola(model, state)
    bent_model, bent = with_parabola(model, state, 2e-4)
    there, straight = without_parabola(bent_model, bent)
    # By 2e-4, .8 rad at the edge, the strongest frames grow by .0013.
    growths, expected = (
        [member.turn.log_magnification for member in each.members]
        for each in (there, model)
    )
    assert growths == pytest.approx(expected, abs=2e-5)
    assert [each.aside is None for each in there.members] == [1, 1, 0, 1, 1]
    seen, as_before = (model.field.crop(each.phase.numpy()) for each in (straight, state))
    np.testing.assert_allclose(seen, as_before, atol=0.01)


def test_a_parabola_beyond_what_registration_leaves_is_the_samples(turning):
    model, truth = turning(kind="stripe_domains")
    model = told_where_frames_are(model, truth)
    # .9 px at the edges of the strongest frames.
    _, bent = with_parabola(model, cold_start(model.series, SETTINGS), 2e-3)
    assert without_parabola(model, bent) == (model, bent)


def test_images_stay_as_they_are_without_the_parabola(turning):
    model, truth = turning()
    model = told_where_frames_are(model, truth)
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 40)
    bent_model, bent = with_parabola(model, state, 1e-3)
    there, straight = without_parabola(bent_model, bent)
    # To first order; they fit as well or, for the phase came without, better.
    for of_bent, member in zip(bent_model.used[1:], there.used[1:], strict=True):
        before = predicted_alone(bent_model, of_bent, bent).misfit
        assert predicted_alone(there, member, straight).misfit < 1.02 * before
    strong = there.used[3]
    assert predicted_alone(there, strong, bent).misfit > 1.5 * before


@pytest.mark.parametrize("kind", ["disc", "roof", "flat"])
def test_steps_and_walls_of_the_phase_are_no_parabola(kind, turning):
    model, truth = turning(kind="stripe_domains")
    model = told_where_frames_are(model, truth)
    y, x = np.ogrid[: model.field.shape[0], : model.field.shape[1]]
    middle_y, middle_x = model.field.middle_px
    phase = {
        "disc": 5.0 * (np.hypot(y - middle_y, x - middle_x) < 30.0),
        "roof": 0.1 * np.abs(x - middle_x - 7.0) + 0.0 * y,
        "flat": np.zeros(model.field.shape),
    }[kind]
    phase = phase + 0.02 * np.random.default_rng(3).standard_normal(phase.shape)
    state = cold_start(model.series, SETTINGS)
    state = replace(state, unknowns=tf.constant([phase, 0.0 * phase], tf.float32))
    there, bent = without_parabola(model, state)
    moved_rad = np.ptp(model.field.crop((bent.phase - state.phase).numpy()))
    # Least squares would take 5 rad of the disc away, and 6 of the roof.
    assert moved_rad < 0.1
    assert len(there.members) == len(model.members)


def test_the_frame_alone_tells_of_a_parabola(turning):
    model, truth = turning(kind="stripe_domains")
    model = told_where_frames_are(model, truth)
    y, x = np.ogrid[: model.field.shape[0], : model.field.shape[1]]
    middle_y, middle_x = model.field.middle_px
    squared = (y - middle_y) ** 2 + (x - middle_x) ** 2
    seen = model.field.pad(np.ones(model.field.frame_shape), mirror=False)
    bent = np.where(seen > 0.0, 2e-4, -3e-4) * squared
    state = cold_start(model.series, SETTINGS)
    state = replace(state, unknowns=tf.constant([bent, 0.0 * bent], tf.float32))
    _, straight = without_parabola(model, state)
    taken = state.unknowns[0] - straight.unknowns[0]
    np.testing.assert_allclose(taken, 2e-4 * squared, atol=1e-3)


def test_frames_grow_against_the_reference_by_the_defocus_they_are_used_with(turning):
    defocus_nm = (-2e5, 2e5, -8e5, 8e5)
    model, truth = turning(defocus_nm, kind="stripe_domains")
    model = told_where_frames_are(model, truth - truth[0])
    used_nm = np.multiply(defocus_nm, (1.0, 1.2, 0.9, 1.1))
    model = with_used(
        model,
        [
            member.with_defocus(float(value_nm))
            for member, value_nm in zip(model.used, used_nm, strict=True)
        ],
    )
    _, bent = with_parabola(model, cold_start(model.series, SETTINGS), 2e-4)
    there, _ = without_parabola(model, bent)
    assert there.turns[there.reference] == UPRIGHT
    grown = [
        one.less(other).log_magnification
        for one, other in zip(there.turns, model.turns, strict=True)
    ]
    expected = [growth_of_parabola(2e-4, each - used_nm[0], OPTICS) for each in used_nm]
    assert grown == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("why", ["nothing turns", "nothing grows", "it repeats itself"])
def test_where_no_frame_grows_the_parabola_is_the_phases(why, turning):
    model, truth = turning(kind="stripe_domains")
    settings = SETTINGS
    if why != "nothing turns":
        model = told_where_frames_are(model, truth)
    if why == "nothing grows":
        settings = SETTINGS.model_copy(update={"refine_magnification": False})
    _, bent = with_parabola(model, cold_start(model.series, settings), 2e-4)
    if why == "it repeats itself":
        model = replace(model, field=replace(model.field, wraps=True))
    assert without_parabola(model, bent) == (model, bent)


def with_plane(model, state, slopes_rad):
    """Return both with a plane in the phase that the frames' shifts undo."""
    members = [
        replace(
            member,
            shift_px=tuple(
                float(
                    there - shift_of_plane(slope, member.image.defocus_nm, model.microscope)
                )
                for there, slope in zip(member.shift_px, slopes_rad, strict=True)
            ),
        )
        for member in model.members
    ]
    y, x = np.ogrid[: model.field.shape[0], : model.field.shape[1]]
    plane = slopes_rad[0] * y + slopes_rad[1] * x
    tilted = state.unknowns + tf.constant([plane, 0.0 * plane], tf.float32)
    return with_members(model, members), replace(state, unknowns=tilted)


def solved_where_frames_are(drifting, **keys):
    model, truth_px = drifting(**keys)
    model = with_shifts(model, [tuple(each) for each in truth_px.tolist()])
    return model, refine(cold_start(model.series, SETTINGS), model.series, 40)[0]


def test_a_plane_of_the_phase_is_taken_for_shift(drifting):
    model, state = solved_where_frames_are(drifting, kind="stripe_domains")
    # One that is set aside may come back.
    model = levelled(with_used(model, [model.members[2].with_wish(False)]), state)
    off_px = levelled(*with_plane(model, state, (0.02, -0.01)))
    as_before = levelled(model, state)
    # Of the strongest, the plane is .064 and .032 px.
    for there, expected in zip(off_px.members, as_before.members, strict=True):
        assert there.shift_px == pytest.approx(expected.shift_px, abs=1e-4)
        assert (there.aside is None) == (there.seq != 2)


def test_images_stay_as_they_are_without_the_plane(drifting):
    model, state = solved_where_frames_are(drifting)
    off_model, tilted = with_plane(model, state, (0.03, -0.02))
    there = levelled(off_model, tilted)
    # Once the phase has followed.
    for member, as_before in zip(there.used[1:], model.used[1:], strict=True):
        before = predicted_alone(model, as_before, state).misfit
        assert predicted_alone(there, member, state).misfit < 1.1 * before
    strong = off_model.used[4]
    assert predicted_alone(off_model, strong, state).misfit > 1.25 * before


def test_a_plane_beyond_what_registration_leaves_is_the_samples(drifting):
    model, state = solved_where_frames_are(drifting, kind="stripe_domains")
    model = levelled(model, state)
    # .13 px of the strongest.
    off_model, tilted = with_plane(model, state, (0.04, 0.0))
    assert levelled(off_model, tilted) is off_model


def test_what_is_flat_about_a_disc_stays_so(drifting):
    model, state = solved_where_frames_are(drifting)
    y, x = np.ogrid[: model.field.shape[0], : model.field.shape[1]]
    disc = 5.0 * (np.hypot(y - 50.0, x - 80.0) < 20.0)
    disc = disc + 0.02 * np.random.default_rng(3).standard_normal(disc.shape)
    state = replace(state, unknowns=tf.constant([disc, 0.0 * disc], tf.float32))
    moved_px = np.subtract(levelled(model, state).shifts_px, model.shifts_px)
    assert np.abs(moved_px).max() < 0.01


def test_frames_that_are_turned_alone_stay_where_they_are(turning):
    model, truth = turning(kind="stripe_domains")
    model = told_where_frames_are(model, truth)
    _, tilted = with_plane(model, cold_start(model.series, SETTINGS), (0.02, -0.01))
    assert levelled(model, tilted) is model


@pytest.mark.parametrize("why", ["all lie as one", "it repeats itself"])
def test_where_no_frame_is_shifted_the_plane_is_the_phases(why, drifting):
    model, state = solved_where_frames_are(drifting)
    if why == "all lie as one":
        model = with_members(model, [member.aligned() for member in model.members])
    _, tilted = with_plane(model, state, (0.02, -0.01))
    if why == "it repeats itself":
        model = replace(model, field=replace(model.field, wraps=True))
    assert levelled(model, tilted) is model


def test_turns_are_expected_to_go_with_defocus():
    known = [
        Member(
            seq, defocused(value_nm), value_nm, turn=Turn(value_nm * 1e-8, -value_nm * 2e-8)
        )
        for seq, value_nm in enumerate((-2e5, 2e5, 1e6))
    ]
    found = expected_turn(known, Member(3, defocused(-1e6), -1e6))
    assert found == pytest.approx((-0.01, 0.02))
    # Weak ones alone do not tell what strong ones do.
    assert expected_turn(known[:2], known[2]) == known[1].turn
    assert expected_turn([], known[0]) == UPRIGHT


def defocused(defocus_nm):
    return MeasuredImage(np.ones((4, 4), np.float32), defocus_nm, 0.05, 0.1, ())
