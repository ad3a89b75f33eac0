import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltemlive.camera import Camera, CameraSettings
from ltemlive.daemon.engines import final_estimate
from ltemlive.errors import FrameError
from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon import reconstruct as module
from ltemlive.recon.evidence import NO_FOCUS_NOTE
from ltemlive.recon.reconstruct import DIVERGED_NOTE, STEPS_PER_CALL, reconstruct
from ltemlive.recon.solver import StepReport
from ltemlive.series import RejectedFrame, StoredSeries
from ltemlive.settings import SolverSettings

# Optics are as stated here, and need not be asked for.
SETTINGS = SolverSettings(
    border_px=16, max_steps=120, refine_defocus=False, refine_convergence=False
)
FEW_STEPS = SETTINGS.model_copy(update={"max_steps": 25})
COHERENCES = ["intensity", "wave"]


def stored(acquisition, *, frames=None, rejected=(), **microscope):
    frames = tuple(acquisition.frames()) if frames is None else tuple(frames)
    return StoredSeries(
        title="squares",
        folder=Path("squares"),
        microscope=acquisition.microscope.model_copy(update=microscope),
        frames=frames,
        labels=tuple(f"{frame.meta.seq:06}.tif" for frame in frames),
        rejected=rejected,
    )


def solved(series, settings=SETTINGS, **keys):
    ticks = itertools.count()
    return reconstruct(series, settings, clock=lambda: float(next(ticks)), **keys)


def accuracy_of(result, acquisition):
    return phase_accuracy(result.phase_rad, acquisition.truth_phase_rad)


# What is found


@pytest.mark.parametrize("coherence", COHERENCES)
def test_the_simulated_phase_is_found_from_two_pairs(acquire, coherence):
    acquisition = acquire(coherence=coherence)
    accuracy = accuracy_of(solved(stored(acquisition)), acquisition)
    assert accuracy.phase > 0.99
    assert accuracy.gradient > 0.99
    assert accuracy.slope == pytest.approx(1.0, abs=0.05)
    assert accuracy.rms_rad < 0.08


@pytest.mark.parametrize("coherence", COHERENCES)
def test_the_simulated_phase_is_found_from_one_pair(acquire, coherence):
    acquisition = acquire((0.0, -1e6, 1e6), coherence=coherence)
    accuracy = accuracy_of(solved(stored(acquisition)), acquisition)
    assert accuracy.phase > 0.97
    assert accuracy.gradient > 0.98
    assert accuracy.rms_rad < 0.15


def test_one_defocused_image_and_one_in_focus_are_enough_for_the_sign(acquire):
    acquisition = acquire((0.0, 1e6), coherence="wave")
    assert accuracy_of(solved(stored(acquisition)), acquisition).phase > 0.8


def test_a_part_of_a_larger_field_needs_its_unknown_border(acquire):
    acquisition = acquire(kind="stripe_domains", border="free", coherence="wave")
    free, periodic = (
        accuracy_of(solved(stored(acquisition, border=border)), acquisition)
        for border in ("free", "periodic")
    )
    assert free.gradient > periodic.gradient + 0.015


def test_the_amplitude_is_that_of_the_specimen(acquire):
    acquisition = acquire(coherence="wave")
    found = solved(stored(acquisition), FEW_STEPS).amplitude
    assert np.sqrt(np.mean((found - acquisition.truth_amplitude) ** 2)) < 0.02


def test_without_focus_it_goes_on_and_says_so(acquire):
    acquisition = acquire((-4e5, 4e5, -2e6, 2e6), coherence="wave")
    result = solved(stored(acquisition), SETTINGS.model_copy(update={"max_steps": 400}))
    assert result.report.notes == (NO_FOCUS_NOTE,)
    assert accuracy_of(result, acquisition).phase > 0.98


def test_pixels_that_are_no_numbers_are_filled(acquire):
    acquisition = acquire(coherence="wave")
    frames = list(acquisition.frames())
    image = frames[3].image.copy()
    image[10, 10], image[40, 33] = np.nan, np.inf
    frames[3] = replace(frames[3], image=image)
    result = solved(stored(acquisition, frames=frames))
    assert np.isfinite(result.phase_rad).all()
    assert accuracy_of(result, acquisition).phase > 0.99


# What does not matter


@pytest.mark.parametrize("coherence", COHERENCES)
def test_the_same_series_gives_the_same_bits(acquire, coherence):
    series = stored(acquire(coherence=coherence))
    once, again = (solved(series, FEW_STEPS) for _ in range(2))
    assert once.phase_rad.tobytes() == again.phase_rad.tobytes()
    assert once.amplitude.tobytes() == again.amplitude.tobytes()
    assert once.report == again.report


def test_what_a_camera_does_to_its_frames_does_not_matter(acquire):
    acquisition = acquire(coherence="intensity", border="free")
    rng = np.random.default_rng(1)
    plain = list(acquisition.frames())
    shape = plain[0].image.shape
    dark = rng.integers(0, 50, shape).astype(np.uint16)
    gain = rng.uniform(0.8, 1.2, shape)
    gain /= gain.mean()
    raw = [
        replace(
            frame,
            image=(np.flipud(np.rot90(frame.image)) / gain + dark).astype(np.float32),
        )
        for frame in plain
    ]
    keys = {"dark": "d.tif", "gain": "g.tif", "flip": "up_down", "rotation_deg": 90.0}
    camera = Camera(CameraSettings(**keys), dark, gain)
    seen = replace(stored(acquisition, frames=raw, camera=camera.settings), camera=camera)
    found, expected = solved(seen, FEW_STEPS), solved(stored(acquisition), FEW_STEPS)
    np.testing.assert_allclose(found.phase_rad, expected.phase_rad, atol=0.02)
    assert found.report.camera == camera.settings
    assert found.microscope == acquisition.microscope


def test_frames_that_cannot_be_corrected_are_named(acquire):
    acquisition = acquire(coherence="wave")
    camera = Camera(CameraSettings(crop=(0, 0, 500, 500)))
    with pytest.raises(FrameError, match=r"camera\.crop: expected a part of frames"):
        solved(replace(stored(acquisition), camera=camera))


def test_the_order_of_acquisition_hardly_matters(acquire):
    acquisition = acquire(coherence="wave")
    frames = list(acquisition.frames())
    in_order, shuffled = (
        solved(stored(acquisition, frames=[frames[index] for index in order]))
        for order in [(0, 1, 2, 3, 4), (3, 0, 4, 2, 1)]
    )
    difference = in_order.phase_rad - shuffled.phase_rad
    assert np.std(difference) < 0.01
    stated_nm = (-2e6, 0.0, 2e6, 4e5, -4e5)
    assert shuffled.report.defocus_nm == pytest.approx(stated_nm, rel=0.05)


def test_the_dose_of_the_images_does_not_matter(acquire):
    acquisition = acquire(coherence="wave")
    brighter = [
        replace(frame, image=4.0 * (1 + frame.meta.seq) * frame.image)
        for frame in acquisition.frames()
    ]
    once = solved(stored(acquisition))
    again = solved(stored(acquisition, frames=brighter))
    assert np.std(once.phase_rad - again.phase_rad) < 0.01


# What is told


def test_the_report_tells_what_was_done(acquire):
    acquisition = acquire(coherence="wave")
    rejected = (RejectedFrame("torn.tif", "torn"),)
    result = solved(stored(acquisition, rejected=rejected), FEW_STEPS)
    report = result.report
    assert report.frames_used == tuple(f"00000{seq}.tif" for seq in range(5))
    assert report.frames_rejected == rejected
    assert report.defocus_nm == pytest.approx((0.0, -4e5, 4e5, -2e6, 2e6), rel=0.05)
    assert report.steps == len(report.objective) == 25
    assert report.gradient_evaluations >= 26
    # 0.025, and what sharp edges on so coarse a grid add to it.
    assert 0.02 < report.noise_sigma < 0.04
    assert (report.seconds.load, report.seconds.solve) == (1.0, 1.0)
    assert report.device == "CPU (2 threads)" or report.device.startswith("GPU")
    assert report.versions["ltemlive"]
    assert report.method == "ad"
    assert report.notes == ("not at rest after 25 steps (solver.max_steps)",)
    assert result.title == "squares"
    assert result.microscope == acquisition.microscope
    assert result.phase_rad.dtype == np.float32
    assert result.phase_rad.shape == result.amplitude.shape == (64, 64)
    assert float(result.phase_rad.mean()) == pytest.approx(0.0, abs=1e-5)


def test_the_progress_is_told_in_between_and_at_the_end(acquire):
    told = []
    solved(
        stored(acquire(coherence="wave")),
        FEW_STEPS,
        on_progress=lambda steps, max_steps: told.append((steps, max_steps)),
    )
    assert told == [(STEPS_PER_CALL, 25), (2 * STEPS_PER_CALL, 25), (25, 25)]


def test_the_method_tie_solves_at_once_without_steps(acquire):
    acquisition = acquire((0.0, -2e5, 2e5), 0.01)
    settings = SETTINGS.model_copy(update={"method": "tie"})
    result = solved(stored(acquisition), settings)
    assert result.report.method == "tie"
    assert (result.report.steps, result.report.objective) == (0, ())
    assert accuracy_of(result, acquisition).phase > 0.9


@pytest.mark.parametrize("method", ["paper", "paper+TV"])
def test_the_recipe_of_the_paper_takes_its_time(acquire, method):
    acquisition = acquire(noise=0.1)
    settings = SETTINGS.model_copy(update={"method": method, "max_steps": 20})
    told = []
    result = solved(
        stored(acquisition),
        settings,
        on_progress=lambda steps, max_steps: told.append((steps, max_steps)),
    )
    assert result.report.method == method
    assert result.report.steps == result.report.gradient_evaluations == told[-1][0]
    assert len(result.report.objective) == result.report.steps
    assert {max_steps for _, max_steps in told} == {200}
    assert accuracy_of(result, acquisition).phase > 0.8


def test_what_is_not_finite_ends_the_search_with_a_note(acquire, monkeypatch):
    refine = module.refine_jointly

    def diverging(model, state, n_steps):
        model, state, report = refine(model, state, n_steps)
        if state.steps <= STEPS_PER_CALL:
            return model, state, report
        return model, state, StepReport(1, 1, (float("nan"),), False, False)

    monkeypatch.setattr(module, "refine_jointly", diverging)
    result = solved(stored(acquire(coherence="wave")))
    assert result.report.notes == (DIVERGED_NOTE,)
    assert result.report.steps == 2 * STEPS_PER_CALL
    assert np.isfinite(result.phase_rad).all()


# What cannot be solved


@pytest.mark.parametrize(
    ("defocus_nm", "message"),
    [
        (
            (1e6,),
            "squares: expected at least two images, got 1; one image "
            "alone does not determine a phase",
        ),
        (
            (0.0, 0.0, 0.0),
            "squares: expected a defocused image, got 3 in focus, where a phase is "
            "invisible",
        ),
        (
            (1e6, 1e6),
            "squares: expected images at two defoci at least, got 2 at +1 mm, where phase "
            "and amplitude look alike; remedy: add one in focus, or of another defocus",
        ),
    ],
)
def test_a_series_that_determines_no_phase_is_refused_in_one_line(
    acquire, defocus_nm, message
):
    with pytest.raises(FrameError) as caught:
        solved(stored(acquire(defocus_nm)))
    assert str(caught.value) == message


def test_a_series_without_frames_is_refused_in_one_line(acquire):
    with pytest.raises(FrameError) as caught:
        solved(stored(acquire(), frames=()))
    assert str(caught.value) == "squares: expected at least two images, got none"


def test_tie_without_a_pair_is_refused_in_one_line(acquire):
    settings = SETTINGS.model_copy(update={"method": "tie"})
    with pytest.raises(FrameError, match=r"^method tie: .*; method ad needs no pair$"):
        solved(stored(acquire((0.0, 1e6))), settings)


# Frames that do not belong


def with_odd_frame(acquisition, index):
    """Return the frames, half of one of which shows another place."""
    frames = list(acquisition.frames())
    image = frames[index].image.copy()
    half = image.shape[0] // 2
    # Mirrored, for noise that is repeated would look like none.
    image[half:] = image[half:, ::-1]
    frames[index] = replace(frames[index], image=image)
    return frames


def test_frames_set_aside_are_listed_with_their_reasons(acquire):
    acquisition = acquire()
    frames = with_odd_frame(acquisition, 3)
    frames[1] = replace(frames[1], meta=replace(frames[1].meta, defocus_nm=4e5))
    refused = RejectedFrame("000009.tif", "torn")
    series = stored(acquisition, frames=frames, rejected=(refused,))
    result = solved(series, SETTINGS.model_copy(update={"max_steps": 600}))
    report = result.report
    assert result.seqs_used == (0, 1, 2, 4)
    assert report.frames_used == ("000000.tif", "000001.tif", "000002.tif", "000004.tif")
    assert report.defocus_nm == pytest.approx((0.0, -4e5, 4e5, 2e6), rel=0.05)
    assert len(report.holdout) == len(report.shift_px) == 4
    torn, odd = report.frames_rejected
    assert torn == refused
    assert odd.frame == "000003.tif"
    assert odd.reason.startswith("set aside: shows another state of the sample")
    assert any(note.startswith("frame 1 at -0.4 mm") for note in report.notes)


def test_a_new_start_has_all_its_steps(acquire):
    acquisition = acquire()
    series = stored(acquisition, frames=with_odd_frame(acquisition, 3))
    settings = SETTINGS.model_copy(update={"max_steps": 450})
    result = solved(series, settings)
    assert result.report.steps > settings.max_steps
    good = [frame for frame in acquisition.frames() if frame.meta.seq != 3]
    expected = solved(stored(acquisition, frames=good), settings)
    np.testing.assert_array_equal(result.phase_rad, expected.phase_rad)


def test_of_two_defocused_images_neither_is_set_aside(acquire):
    acquisition = acquire((0.0, -4e5, 4e5))
    settings = SETTINGS.model_copy(update={"max_steps": 300})
    result = solved(stored(acquisition, frames=with_odd_frame(acquisition, 1)), settings)
    assert result.seqs_used == (0, 1, 2)
    assert any("do not fit each other" in note for note in result.report.notes)


@pytest.mark.parametrize("method", ["ad", "tie", "paper"])
def test_a_result_can_be_looked_at_as_far_as_its_method_predicts_images(acquire, method):
    series = stored(acquire(coherence="wave"))
    result = solved(series, FEW_STEPS.model_copy(update={"method": method}))
    final = final_estimate(result, series, ordinal=4, rev=9)
    frame, tie = result.basis.view(3, final), result.basis.view(None, final)
    assert (tie.ordinal, tie.rev, tie.is_final) == (4, 9, True)
    if method == "ad":
        assert (frame.rev, frame.score) == (9, result.report.holdout[3])
        assert np.corrcoef(frame.measured.ravel(), frame.predicted.ravel())[0, 1] > 0.8
    else:
        assert frame.text == "frame 3: only method ad predicts images"
