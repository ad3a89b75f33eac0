"""What the others say of a frame: where it lies, on which side of focus, if anything."""

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta
from ltemlive.recon.arrival import first_looked, looked_on_arrival
from ltemlive.recon.field import ALIGNED
from ltemlive.recon.guesses import expecting, weakest_first
from ltemlive.recon.model import with_frames, with_members, with_shifts
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings()


@pytest.mark.parametrize("border", ["free", "periodic"])
@pytest.mark.parametrize("kind", ["resolution_target", "stripe_domains"])
def test_a_drift_is_found_without_knowing_the_phase(kind, border, drifting, left_px):
    model, truth_px = drifting(kind=kind, border=border)
    found = first_looked(model, SETTINGS)
    assert found.shifts_px[0] == ALIGNED
    # Pure phases show nothing in focus.
    telling = slice(1 if kind == "stripe_domains" else 0, None)
    errors_px = (np.array(found.shifts_px) - truth_px)[telling]
    assert left_px(errors_px, found.defocus_nm[telling]) < 0.2


def test_an_image_that_shows_nothing_lies_in_the_middle_of_the_others(drifting):
    model, truth_px = drifting(kind="stripe_domains")
    aligned = first_looked(model, SETTINGS)
    found = np.array(aligned.shifts_px)
    np.testing.assert_allclose(found[0], found[1:].mean(axis=0), atol=1e-6)
    assert "frame 0 shows nothing of where it lies" in aligned.notes[-1]
    assert not np.allclose(truth_px[0], truth_px[1:].mean(axis=0))


def test_a_single_defocused_image_does_not_tell_where_the_focus_lies(drifting):
    model, _ = drifting((0.0, 2e5))
    assert first_looked(model, SETTINGS).shifts_px == (ALIGNED, ALIGNED)


def test_images_in_focus_need_not_lie_as_one(drifting):
    model, truth_px = drifting((0.0, -2e5, 2e5, 0.0, 8e5))
    found = first_looked(model, SETTINGS)
    assert found.rows == (None, 0, 1, 2, 3)
    # Those that have optics of their own show no phase, and guess nothing.
    assert [part.measured.shape[0] for part in weakest_first(found.series)] == [1, 2, 4]
    assert not expecting(cold_start(found.series, SETTINGS), found.series).is_smooth
    assert found.shifts_px[3] == pytest.approx(truth_px[3], abs=0.5)


def known(model, n_frames):
    """Return the part of a model that has come so far, aligned, and its state."""
    part = with_members(model, model.members[:n_frames])
    part = first_looked(part, SETTINGS)
    state, _ = refine(cold_start(part.series, SETTINGS), part.series, 40)
    return part, state


def arrived(part, whole):
    """Return the model that has the other frames, too, nobody knows where."""
    return with_members(part, [*part.members, *whole.members[len(part.members) :]])


def test_a_frame_that_arrives_is_placed_by_the_phase_so_far(drifting, left_px):
    whole, truth_px = drifting()
    part, state = known(whole, 4)
    found, same = looked_on_arrival(arrived(part, whole), part.seqs, state, SETTINGS)
    assert same is state
    assert found.shifts_px[:4] == part.shifts_px
    errors_px = np.array(found.shifts_px) - truth_px
    assert left_px(errors_px, found.defocus_nm) < 0.2


def test_a_frame_that_lies_with_aligned_ones_begins_as_aligned(drifting):
    whole, _ = drifting(drift_px=(0.0, 0.0))
    part, state = known(whole, 4)
    found, same = looked_on_arrival(arrived(part, whole), part.seqs, state, SETTINGS)
    assert same is state
    assert found.shifts_px == (ALIGNED,) * 5
    apart = with_shifts(part, [*part.shifts_px[:3], (0.3, 0.0)])
    found, _ = looked_on_arrival(arrived(apart, whole), apart.seqs, state, SETTINGS)
    assert found.shifts_px[3] == (0.3, 0.0)


def test_an_image_in_focus_that_comes_late_becomes_the_reference(drifting, left_px):
    defocus_nm = (-2e5, 2e5, -8e5, 0.0)
    whole, truth_px = drifting(defocus_nm, border="periodic")
    part, state = known(whole, 3)
    found, there = looked_on_arrival(arrived(part, whole), part.seqs, state, SETTINGS)
    assert found.reference == 3
    assert found.shifts_px[3] == ALIGNED
    errors_px = np.array(found.shifts_px) - (truth_px - truth_px[3])
    assert left_px(errors_px, found.defocus_nm) < 0.3
    # The phase has moved to where the new reference frame shows it.
    again, _ = refine(cold_start(found.series, SETTINGS), found.series, 60)
    alike = np.corrcoef(there.phase.numpy().ravel(), again.phase.numpy().ravel())[0, 1]
    apart = np.corrcoef(state.phase.numpy().ravel(), again.phase.numpy().ravel())[0, 1]
    assert alike > 0.9
    assert apart < alike - 0.1


def test_a_phase_of_frames_that_lay_elsewhere_is_given_up(drifting):
    whole, _ = drifting(drift_px=(4.0, 3.0))
    part, state = known(whole, 2)
    assert part.shifts_px == (ALIGNED, ALIGNED)
    found, cold = looked_on_arrival(arrived(part, whole), part.seqs, state, SETTINGS)
    assert np.abs(found.shifts_px[1]).max() > 1.0
    assert not cold.phase.numpy().any()
    assert (cold.steps, cold.evaluations) == (state.steps, state.evaluations)


def test_a_phase_of_frames_that_were_turned_otherwise_is_given_up(turning):
    whole, truth = turning((0.0, 8e5, -8e5))
    part, state = known(whole, 2)
    assert part.turns[1].reach_px((128, 128)) < 0.6
    found, cold = looked_on_arrival(arrived(part, whole), part.seqs, state, SETTINGS)
    assert np.degrees(np.array(found.turns) - truth)[:, 0] == pytest.approx(0.0, abs=0.3)
    assert not cold.phase.numpy().any()


def test_a_blank_frame_does_not_tell_how_others_are_turned(turning):
    whole, truth = turning((0.0, -2e5, 2e5, -8e5, 6e5, 8e5))
    part, state = known(whole, 4)
    blank = whole.members[4]
    noise = np.random.default_rng(8).standard_normal(blank.image.amplitude.shape)
    image = np.asarray((1.0 + 0.05 * noise) ** 2, np.float32)
    meta = FrameMeta(seq=4, defocus_nm=6e5, pixel_nm=10.0, voltage_kv=200.0)
    model = with_frames(part, [Frame(meta, image)])
    model = with_members(model, [*model.members, whole.members[5]])
    found, _ = looked_on_arrival(model, part.seqs, state, SETTINGS)
    assert found.seqs == (0, 1, 2, 3, 5)
    rotation_rad, log_magnification = np.array(found.turns[4]) - truth[5]
    assert np.degrees(rotation_rad) == pytest.approx(0.0, abs=0.3)
    assert log_magnification == pytest.approx(0.0, abs=0.008)


# The sign of a defocus


def with_stated(model, reversed_seqs):
    """Return the model whose frames were stated to lie on the wrong side of focus."""
    return with_members(
        model,
        [
            replace(member, stated_nm=-member.stated_nm).with_sign(0)
            if member.seq in reversed_seqs
            else member
            for member in model.members
        ],
    )


@pytest.mark.parametrize("kind", ["resolution_target", "stripe_domains"])
@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_wrong_sign_is_found_named_and_mended(drifting, kind, seq):
    model, _ = drifting(kind=kind)
    found = first_looked(with_stated(model, {seq}), SETTINGS)
    assert [member.seq for member in found.used if member.sign < 0] == [seq]
    assert found.defocus_nm == model.defocus_nm
    (note,) = [each for each in found.notes if "other sign" in each]
    assert note.startswith(f"frame {seq} at {model.defocus_nm[seq] * 1e-6:+.4g} mm")
    stated = first_looked(model, SETTINGS)
    np.testing.assert_allclose(found.shifts_px, stated.shifts_px, atol=0.3)


def test_signs_that_are_right_are_left_alone(drifting):
    for kind in ("resolution_target", "stripe_domains"):
        model, _ = drifting(kind=kind)
        found = first_looked(model, SETTINGS)
        assert [member.sign for member in found.used] == [0, 1, 1, 1, 1]
        assert not any("sign" in note for note in found.notes)


def test_that_all_signs_are_wrong_no_data_can_tell(drifting):
    model, _ = drifting()
    everywhere = with_stated(model, {1, 2, 3, 4})
    found = first_looked(everywhere, SETTINGS)
    assert found.defocus_nm == everywhere.defocus_nm
    assert not any("sign" in note for note in found.notes)


def test_as_many_frames_for_as_against_are_told(drifting):
    model, _ = drifting((0.0, -2e5, 8e5), drift_px=(0.0, 0.0))
    found = first_looked(with_stated(model, {1}), SETTINGS)
    (note,) = [each for each in found.notes if "other sign" in each]
    assert "or else all signs must be the other way round" in note


def test_a_sign_is_checked_before_a_frame_is_used(drifting):
    whole, _ = drifting()
    part, state = known(whole, 4)
    wrong = with_stated(whole, {4})
    found, same = looked_on_arrival(arrived(part, wrong), part.seqs, state, SETTINGS)
    assert same is state
    assert found.members[4].sign == -1
    assert found.defocus_nm == whole.defocus_nm


def test_a_majority_that_comes_late_turns_the_phase_round(drifting):
    whole, _ = drifting((0.0, -2e5, 2e5, -8e5, 8e5), drift_px=(0.0, 0.0))
    wrong = with_stated(whole, {1})
    part, state = known(wrong, 3)
    assert [member.sign for member in part.used] == [0, 1, -1]
    there = with_members(part, [*part.members, *wrong.members[3:]])
    found, turned = looked_on_arrival(there, part.seqs, state, SETTINGS)
    assert [member.sign for member in found.used] == [0, -1, 1, 1, 1]
    assert found.defocus_nm == whole.defocus_nm
    np.testing.assert_array_equal(turned.phase, -state.phase)
    np.testing.assert_array_equal(turned.amplitude, state.amplitude)


# Frames that show nothing


def pixels(model, index, image):
    """Return the model with another image in place of one of its own."""
    member = model.members[index]
    frame = Frame(FrameMeta(member.seq, member.stated_nm), image.astype(np.float32))
    return with_members(
        model,
        [
            *model.members[:index],
            *with_frames(with_members(model, ()), [frame]).members,
            *model.members[index + 1 :],
        ],
    )


def flat(shape):
    return 1.0 + 0.1 * np.random.default_rng(5).standard_normal(shape)


@pytest.mark.parametrize("index", [1, 4])
def test_a_frame_beside_the_sample_is_set_aside(drifting, index):
    model, _ = drifting(drift_px=(0.0, 0.0))
    found = first_looked(pixels(model, index, flat(model.field.frame_shape)), SETTINGS)
    ((seq, reason),) = found.set_aside
    assert seq == index
    assert reason == "blank: shows nothing where the others predict contrast"


def test_a_frame_beside_the_sample_is_set_aside_as_it_arrives(drifting):
    whole, _ = drifting(drift_px=(0.0, 0.0))
    part, state = known(whole, 4)
    arrives = arrived(part, pixels(whole, 4, flat(whole.field.frame_shape)))
    found, same = looked_on_arrival(arrives, part.seqs, state, SETTINGS)
    assert same is state
    assert [seq for seq, _ in found.set_aside] == [4]


@pytest.mark.parametrize("index", [0, 4])
def test_a_frame_without_beam_is_set_aside(drifting, index):
    model, _ = drifting(drift_px=(0.0, 0.0))
    dark = 0.01 * (1.0 + flat(model.field.frame_shape))
    found = first_looked(pixels(model, index, dark), SETTINGS)
    ((seq, reason),) = found.set_aside
    assert seq == index
    assert reason == "blank: shows nothing, at 2.0% of the others' intensity"


def saturated(model, *indices):
    for index in indices:
        image = model.images[index].amplitude ** 2
        model = pixels(model, index, np.minimum(image, np.quantile(image, 0.9)))
    return model


def test_a_saturated_frame_is_set_aside(drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    found = first_looked(saturated(model, 2), SETTINGS)
    assert found.set_aside == ((2, "saturated: 10% of its pixels at the highest value"),)


def test_where_most_frames_are_saturated_they_are_used(drifting):
    model, _ = drifting(drift_px=(0.0, 0.0))
    assert first_looked(saturated(model, 1, 2, 3), SETTINGS).set_aside == ()


def test_in_focus_a_pure_phase_may_show_nothing(drifting):
    # The same frames live and offline, and whatever a phase so far expects of them.
    defocus_nm = (-2e5, 2e5, -8e5, 8e5, 0.0)
    whole, _ = drifting(defocus_nm, drift_px=(0.0, 0.0))
    whole = pixels(whole, 4, flat(whole.field.frame_shape))
    part, state = known(whole, 4)
    live, _ = looked_on_arrival(arrived(part, whole), part.seqs, state, SETTINGS)
    assert live.set_aside == first_looked(whole, SETTINGS).set_aside == ()
