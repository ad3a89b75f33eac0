"""Defocus and divergence, refined with the phase."""

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta
from ltemlive.physics.accuracy import without_plane
from ltemlive.recon.alignment import realigned
from ltemlive.recon.deviations import frame_deviations
from ltemlive.recon.field import UPRIGHT, Turn
from ltemlive.recon.innovation import exit_spectrum, predictions
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import (
    as_stated,
    empty_model,
    with_frames,
    with_members,
    with_shifts,
    with_used,
)
from ltemlive.recon.objective import seen_in
from ltemlive.recon.optics_pull import MODEL_ERROR, OpticsPull, PredictedImage, Row
from ltemlive.recon.refocusing import ENOUGH, optics_fit, refocused
from ltemlive.recon.solver import cold_start, refine
from ltemlive.series import Microscope
from ltemlive.settings import SolverSettings
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

SETTINGS = SolverSettings(align=False, judge=False)
TRUE_NM = np.array([0.0, -4e5, 4e5, -2e6, 2e6])
ERRORS = np.array([0.0, 0.05, -0.06, 0.08, -0.07])


def solved(model, settings=SETTINGS):
    state = cold_start(model.series, settings)
    while not state.is_converged:
        model, state, _ = refine_jointly(model, state, 40)
    return model, state


@pytest.fixture(scope="module")
def misstated(acquire):
    """Return a way to make a series whose optics are not as stated."""

    def made(errors=ERRORS, convergence=1.0, **scenario):
        acquisition = acquire(**scenario)
        told = acquisition.microscope.convergence_mrad * convergence
        microscope = acquisition.microscope.model_copy(update={"convergence_mrad": told})
        frames = [
            replace(frame, meta=replace(frame.meta, defocus_nm=stated_nm))
            for frame, stated_nm in zip(
                acquisition.frames(), (1.0 + errors) * TRUE_NM, strict=True
            )
        ]
        model = empty_model(frames[0].image.shape, microscope, border_px=16)
        return with_frames(model, frames)

    return made


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_a_wrong_defocus_is_mended(misstated, coherence):
    settings = SETTINGS.model_copy(update={"refine_convergence": False})
    model, _ = solved(misstated(coherence=coherence), settings)
    left = np.array(model.defocus_nm[1:]) / TRUE_NM[1:] - 1.0
    assert np.abs(left[2:]).max() < 0.01
    assert np.abs(left[:2]).max() < 0.03
    assert model.microscope.convergence_mrad == 0.01


@pytest.mark.parametrize("convergence", [0.5, 2.0])
def test_a_divergence_known_to_a_factor_of_two_is_found(misstated, convergence):
    model, state = solved(misstated(0.0 * ERRORS, convergence))
    assert model.microscope.convergence_mrad == pytest.approx(0.01, rel=0.1)
    again = as_stated(model)
    assert again.microscope.convergence_mrad == 0.01 * convergence
    assert again.defocus_nm == tuple(TRUE_NM)
    assert frame_deviations(model, state).convergence_mrad < 0.001


def test_where_nothing_is_to_be_refined_all_stays_as_stated(misstated):
    settings = SolverSettings(
        align=False, judge=False, refine_defocus=False, refine_convergence=False
    )
    model = misstated()
    there, state = solved(model, settings)
    assert there is model
    assert frame_deviations(there, state) == (None,) * 5


def test_what_is_not_to_be_refined_stays_though_the_other_is(misstated):
    only = SETTINGS.model_copy(update={"refine_defocus": False})
    model = misstated(0.0 * ERRORS, convergence=2.0)
    there, state = solved(model, only)
    assert there.defocus_nm == model.defocus_nm
    assert there.microscope.convergence_mrad == pytest.approx(0.01, rel=0.1)
    assert frame_deviations(there, state).defocus_nm is None


def test_a_deviation_tells_how_far_off_a_defocus_may_be(misstated):
    model, state = solved(misstated())
    deviations = frame_deviations(model, state).defocus_nm
    assert deviations[0] is None
    off = np.abs(np.subtract(model.defocus_nm, TRUE_NM)[1:]) / deviations[1:]
    assert off.max() < 3.0
    # What no image improves at least; and less than was known.
    relative = np.array(deviations[1:]) / np.abs(TRUE_NM[1:])
    assert relative.min() > 0.9 * MODEL_ERROR
    assert relative.max() < 0.03


def test_the_scale_of_all_defoci_is_not_told_by_a_weak_smooth_phase():
    along = np.linspace(-np.pi, np.pi, 64, endpoint=False)
    truth = 0.05 * np.sin(along)[:, np.newaxis] * np.cos(2.0 * along)
    optics = Microscope(voltage_kv=200.0, pixel_nm=20.0, border="periodic")
    specimen = Specimen(truth, np.ones_like(truth), optics.pixel_nm, margin_px=0)
    camera = Detector(noise="gaussian", level=0.01)
    microscope = VirtualMicroscope(specimen, optics, camera)
    rng = np.random.default_rng(1)
    frames = [
        Frame(
            FrameMeta(seq=seq, defocus_nm=value_nm),
            camera.read_out(microscope.image(value_nm), rng),
        )
        for seq, value_nm in enumerate((0.0, -4e5, 4e5))
    ]
    model = with_frames(empty_model(truth.shape, optics, border_px=0), frames)
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    fit = optics_fit(model, state)
    # Nothing of it was learnt, and nothing has to be moved.
    assert fit.deviations[:2] == pytest.approx(SETTINGS.defocus_width, rel=0.1)
    assert np.all(np.abs(fit.steps[:2]) < ENOUGH * SETTINGS.defocus_width)


def test_a_step_moves_defocus_away_from_zero_on_its_own_side(misstated):
    model = misstated()
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 60)
    fit = optics_fit(model, state)
    assert fit.seqs == (1, 2, 3, 4)
    moved = refocused(model, fit)
    ratios = np.divide(moved.defocus_nm[1:], model.defocus_nm[1:])
    np.testing.assert_allclose(np.log(ratios), fit.steps[:4], rtol=1e-6)
    assert moved.defocus_nm[0] == 0.0
    assert [member.stated_nm for member in moved.members] == list(model.defocus_nm)


def test_an_estimate_weighs_the_images_against_what_was_known():
    strayed, widths = np.array([0.1, 0.0]), np.array([0.05, 0.05])
    deaf = OpticsPull(np.zeros(2), np.zeros((2, 2)))
    there, deviations = deaf.estimate(strayed, widths)
    np.testing.assert_allclose(there, 0.0, atol=1e-4)
    np.testing.assert_allclose(deviations, widths, rtol=1e-3)
    sure = OpticsPull(np.array([-2e6, 1e6]), np.diag([1e8, 1e8]))
    there, deviations = sure.estimate(strayed, widths)
    # All but sure of the slope, they are not of the model.
    share = 0.05**2 / (0.05**2 + MODEL_ERROR**2)
    np.testing.assert_allclose(there, share * np.array([0.12, -0.01]), rtol=1e-3)
    np.testing.assert_allclose(deviations, np.sqrt(share) * MODEL_ERROR, rtol=1e-3)


def test_what_images_tell_together_only_is_not_told_of_each():
    """Two that nothing tells but their difference share what was known of both."""
    pull = OpticsPull(np.zeros(2), 1e8 * np.array([[1.0, -1.0], [-1.0, 1.0]]))
    _, deviations = pull.estimate(np.zeros(2), np.array([0.05, 0.05]))
    of_difference = 1.0 / (0.05**-2 + MODEL_ERROR**-2)
    expected = np.sqrt((0.05**2 + of_difference) / 2.0)
    np.testing.assert_allclose(deviations, expected, rtol=0.01)


def test_edges_that_locked_in_under_wrong_optics_begin_anew(misstated, monkeypatch):
    moved = []

    def noted(model, state):
        moved.append(float(np.ptp(state.phase)))
        return realigned(model, state)

    monkeypatch.setattr("ltemlive.recon.joint.realigned", noted)
    settings = SolverSettings(judge=False)
    _, state = solved(misstated(convergence=2.0), settings)
    assert state.has_begun_refocused
    assert 0 < state.begun_at < state.steps
    # A flat phase would put the frames anywhere.
    assert min(moved) > 1.0
    _, right = solved(misstated(0.0 * ERRORS), settings)
    assert not right.has_begun_refocused
    pair = [without_plane(each.phase.numpy()).ravel() for each in (state, right)]
    assert np.corrcoef(*pair)[0, 1] > 0.995


def test_a_phase_settles_again_only_so_often(misstated, monkeypatch):
    model = misstated(0.0 * ERRORS)
    monkeypatch.setattr("ltemlive.recon.refocusing.OpticsFit.is_good", False)
    model, state = solved(model)
    assert state.is_converged
    assert state.round > 6


def test_the_reference_stays_though_another_turns_out_less_defocused(drifting):
    """Without an image in focus; all shifts would be against another frame."""
    model, truth_px = drifting((-2e5, 2e5, -8e5, 8e5))
    swapped = [
        member.with_defocus(factor * member.stated_nm)
        for member, factor in zip(model.members, (1.05, 0.95, 1.0, 1.0), strict=True)
    ]
    assert with_members(model, swapped).reference == model.reference == 0
    model = with_shifts(model, [tuple(each) for each in truth_px.tolist()])
    model, _ = solved(model, SolverSettings(judge=False))
    assert model.shifts_px[0] == (0.0, 0.0)
    np.testing.assert_allclose(model.shifts_px, truth_px, atol=0.3)


def test_whether_frames_tell_a_phase_is_asked_of_what_was_stated(misstated):
    model = misstated(np.array([0.0, 0.0, -2.0, 0.0, 0.0]))
    one_defocus = with_members(model, [model.members[1], model.members[2]])
    apart = model.members[2].with_defocus(-4.3e5)
    assert one_defocus.problem.kind == "one defocus"
    assert with_members(model, [model.members[1], apart]).problem == one_defocus.problem


@pytest.mark.parametrize("turn", [UPRIGHT, Turn(0.02, 0.01)])
@pytest.mark.parametrize(
    "optics",
    [{}, {"coherence": "wave"}, {"coherence": "wave", "detector_mtf": 0.8}],
    ids=["beam", "wave", "camera"],
)
def test_an_image_is_predicted_as_by_the_solver_wherever_it_lies(misstated, turn, optics):
    model = misstated(border="free", **optics)
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 10)
    there = replace(model.used[3], shift_px=(2.3, -1.4), turn=turn)
    model = with_used(model, [there])
    row = Row(there, model.rows[3])
    image = PredictedImage(model, row)
    expected = list(predictions(state, model.series))[row.place]
    seen = seen_in(expected.measured)
    found = image.predicted(exit_spectrum(state.unknowns))
    np.testing.assert_allclose(found, seen * expected.predicted, atol=1e-5)


def test_waves_of_an_image_are_where_the_reference_frame_shows_them(misstated):
    model = misstated(border="free")
    member = replace(model.used[3], shift_px=(0.4, -0.3))
    model = with_used(model, [member])
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 10)
    image = PredictedImage(model, Row(member, model.rows[3]))
    spectrum = exit_spectrum(state.unknowns)
    moved = image.waves(image.predicted(spectrum))
    aligned = with_used(model, [replace(member, shift_px=(0.0, 0.0))])
    still = PredictedImage(aligned, Row(aligned.used[3], aligned.rows[3]))
    expected = still.waves(still.predicted(spectrum))
    # Fine waves, half a pixel of which tells.
    moved, expected = (waves[8:24, 8:24] for waves in (moved, expected))
    together = np.vdot(moved, expected) / np.linalg.norm(moved) / np.linalg.norm(expected)
    assert together.real > 0.99


@pytest.mark.parametrize("seed", [1, 2])
def test_optics_that_were_right_stay_where_the_field_goes_on(acquire, model_of, seed):
    """Smooth, strong, and no absorption: what tells least of the scale."""
    acquisition = acquire(kind="stripe_domains", seed=seed, border="free")
    model, state = solved(model_of(acquisition))
    known = frame_deviations(model, state)
    off = np.abs(np.subtract(model.defocus_nm, TRUE_NM)[1:]) / known.defocus_nm[1:]
    assert off.max() < 3.0
    beam = abs(model.microscope.convergence_mrad - 0.01) / known.convergence_mrad
    assert beam < 3.0


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_that_a_phase_takes_along_is_not_taken_for_less_of_a_blur(misstated, seed):
    model, _ = solved(misstated(0.0 * ERRORS, pixel_nm=5.0, noise=0.2, seed=seed))
    left = model.microscope.convergence_mrad / 0.01 - 1.0
    assert abs(left) < 0.08
