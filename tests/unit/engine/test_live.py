import itertools
from dataclasses import replace

import numpy as np
import pytest

from ltemlive.camera import Camera, CameraSettings
from ltemlive.engine import LiveEngine
from ltemlive.engine import live as module
from ltemlive.events import AdviceGiven, FrameRejected, PhaseEstimate
from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.evidence import NO_FOCUS_NOTE, Problem
from ltemlive.recon.model import SeriesModel
from ltemlive.recon.solver import StepReport
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

# Optics are as stated here, and need not be asked for.
SETTINGS = SolverSettings(
    threads=2,
    gentle_steps=20,
    round_steps=10,
    max_steps=100,
    refine_defocus=False,
    refine_convergence=False,
)
TIE = SETTINGS.model_copy(update={"method": "tie"})


@pytest.fixture(scope="module", params=["intensity", "wave"])
def either_acquisition(request):
    return acquired(request.param)


@pytest.fixture(scope="module")
def acquisition():
    return acquired("wave")


@pytest.fixture(scope="module")
def frames(acquisition):
    """Return a frame in focus, two pairs, and when each was taken."""
    return [
        replace(frame, meta=replace(frame.meta, t_exposure_start=1000.0 + frame.meta.seq))
        for frame in acquisition.frames()
    ]


def acquired(coherence):
    document = {
        "specimen": {"size_px": 64},
        "microscope": {"pixel_nm": 20.0, "border": "periodic", "coherence": coherence},
        "defocus_nm": [0.0, -4e5, 4e5, -2e6, 2e6],
        "noise": {"level": 0.05},
    }
    return Acquisition(Scenario.model_validate(document))


def engine_for(acquisition, settings=SETTINGS, revisions=None):
    revisions = itertools.count(1) if revisions is None else revisions
    return LiveEngine(7, "squares", acquisition.microscope, settings, revisions)


def without(frame, **changes):
    return replace(frame, meta=replace(frame.meta, **changes))


def narrow(frame):
    return replace(frame, image=frame.image[:, :-1])


def never_finite(model, state, n_steps):
    nothing = StepReport(n_steps, n_steps, (float("nan"),) * n_steps, False, False)
    return model, state, nothing


# The live series


def test_nothing_is_told_before_a_phase_can_be_solved(acquisition, frames):
    engine = engine_for(acquisition)
    assert engine.refine(5) == []
    assert engine.add(frames[:1]) == []
    assert engine.refine(5) == []
    assert not engine.is_solvable
    assert not engine.wants_steps


def test_frames_are_corrected_for_their_camera(acquisition, frames):
    camera = Camera(CameraSettings(binning=2, crop=(0, 0, 48, 64)))
    microscope = acquisition.microscope.model_copy(update={"camera": camera.settings})
    engine = LiveEngine(7, "squares", microscope, SETTINGS, itertools.count(1), camera)
    assert engine.add(frames[:3]) == []
    (estimate,) = engine.refine(5)
    assert estimate.phase_rad.shape == (24, 32)
    assert estimate.pixel_nm == 40.0


def test_a_frame_that_its_camera_does_not_fit_is_rejected(acquisition, frames):
    camera = Camera(CameraSettings(dark="d.tif"), np.zeros((8, 8)))
    engine = LiveEngine(
        7, "squares", acquisition.microscope, SETTINGS, itertools.count(1), camera
    )
    (rejected,) = engine.add(frames[:1])
    assert isinstance(rejected, FrameRejected)
    assert rejected.reason.startswith("frame 0: camera.dark: expected the shape (64, 64)")


def test_an_estimate_tells_what_it_was_made_of(acquisition, frames):
    mirrored = acquisition.microscope.model_copy(update={"beam": "out_of_image"})
    engine = LiveEngine(7, "squares", mirrored, SETTINGS, itertools.count(1))
    assert engine.add(frames[:2]) == []
    assert engine.is_solvable
    assert engine.wants_steps
    (estimate,) = engine.refine(5)
    assert isinstance(estimate, PhaseEstimate)
    assert (estimate.ordinal, estimate.series, estimate.rev) == (7, "squares", 1)
    assert estimate.seqs_used == (0, 1)
    assert estimate.defocus_nm == (0.0, -4e5)
    assert estimate.steps == len(estimate.objective) == 5
    assert estimate.gradient_evaluations >= 6
    assert not estimate.is_final
    assert estimate.phase_rad.shape == estimate.amplitude.shape == (64, 64)
    assert float(estimate.phase_rad.mean()) == pytest.approx(0.0, abs=1e-5)
    assert estimate.pixel_nm == 20.0
    assert estimate.beam == "out_of_image"
    assert estimate.t_frame_last == 1001.0
    assert estimate.notes == ()


def test_the_estimate_nears_the_truth_frame_by_frame(acquisition, frames):
    engine = engine_for(acquisition)
    errors = []
    for frame in frames:
        engine.add([frame])
        for event in engine.refine(24):
            accuracy = phase_accuracy(event.phase_rad, acquisition.truth_phase_rad)
            errors.append(accuracy.rms_rad)
    assert len(errors) == len(frames) - 1
    assert errors[-1] < 0.1
    assert errors[-1] < 0.5 * errors[0]


def test_it_starts_from_a_phase_that_fits_and_not_from_one_that_does_not(
    acquisition, frames
):
    truth = acquisition.truth_phase_rad

    def first_accuracy(known_rad):
        engine = engine_for(acquisition)
        if known_rad is not None:
            engine.start_at(known_rad)
        engine.add(frames[:3])
        (estimate,) = engine.refine(5)
        return phase_accuracy(estimate.phase_rad, truth).phase, estimate

    flat, begun_flat = first_accuracy(None)
    known, _ = first_accuracy(truth)
    assert known > flat + 0.1
    for wrong in (10.0 * truth[::-1], truth[:-2], np.full_like(truth, np.nan)):
        _, estimate = first_accuracy(wrong)
        np.testing.assert_array_equal(estimate.phase_rad, begun_flat.phase_rad)


def test_several_frames_at_once_are_all_used(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add(frames)
    (estimate,) = engine.refine(1)
    assert estimate.seqs_used == (0, 1, 2, 3, 4)


def test_revisions_count_up_across_the_series_of_a_session(acquisition, frames):
    revisions = itertools.count(1)
    first, second = (engine_for(acquisition, revisions=revisions) for _ in range(2))
    told = []
    for engine in (first, second, first):
        engine.add(frames[:2] if engine.is_solvable is False else frames[2:3])
        told += [event.rev for event in engine.refine(1)]
    assert told == [1, 2, 3]


def test_the_same_calls_give_the_same_bits(either_acquisition):
    frames = list(either_acquisition.frames())
    told = []
    for _ in range(2):
        engine = engine_for(either_acquisition)
        events = engine.add(frames[:2]) + engine.refine(8)
        events += engine.add(frames[2:4]) + engine.refine(24) + engine.refine(12)
        events += engine.add(frames[4:]) + engine.refine(3)
        told.append([(event.rev, event.phase_rad.tobytes()) for event in events])
    assert told[0] == told[1]
    assert len(told[0]) == 4


def test_without_focus_it_goes_on_and_says_so(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add(frames[1:3])
    (estimate,) = engine.refine(2)
    assert estimate.notes == (NO_FOCUS_NOTE,)
    engine.add(frames[:1])
    (estimate,) = engine.refine(2)
    assert NO_FOCUS_NOTE not in estimate.notes


def test_the_newest_exposure_counts_whatever_comes_late(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add([frames[3], frames[0], without(frames[1], t_exposure_start=None)])
    (estimate,) = engine.refine(1)
    assert estimate.t_frame_last == 1003.0


# How long it goes on


def test_it_rests_once_it_has_converged_and_wakes_for_a_frame(acquisition, frames):
    easily_content = {"tolerance_rad": 1.0, "max_steps": 200}
    engine = engine_for(acquisition, SETTINGS.model_copy(update=easily_content))
    engine.add(frames[:4])
    calls = 0
    while engine.wants_steps and calls < 20:
        engine.refine(10)
        calls += 1
    # Steps enough remain: it is the phase that rests.
    assert 4 <= calls < 20
    engine.add(frames[4:])
    assert engine.wants_steps


def test_it_rests_after_the_most_steps_and_wakes_for_a_frame(acquisition, frames):
    engine = engine_for(acquisition, SETTINGS.model_copy(update={"max_steps": 12}))
    engine.add(frames[:4])
    engine.refine(8)
    assert engine.wants_steps
    engine.refine(8)
    assert not engine.wants_steps
    engine.add(frames[4:])
    assert engine.wants_steps


# Frames that cannot be used


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            narrow,
            "frame 4: expected shape (64, 64) as the first frame of the series, "
            "got (64, 63)",
        ),
        (
            lambda frame: without(frame, defocus_nm=None),
            "frame 4: expected a defocus in nm, got none",
        ),
    ],
)
def test_a_frame_that_cannot_be_used_is_rejected_and_does_no_harm(
    acquisition, frames, spoil, reason
):
    engine, untroubled = (engine_for(acquisition) for _ in range(2))
    told = []
    for each in (engine, untroubled):
        each.add(frames[:3])
        each.refine(25)
    assert engine.add([spoil(frames[4])]) == [FrameRejected("squares", "4", reason, 7)]
    for each in (engine, untroubled):
        (estimate,) = each.refine(5)
        told.append((estimate.seqs_used, estimate.steps, estimate.phase_rad.tobytes()))
    assert told[0] == told[1]


def test_good_frames_beside_a_bad_one_are_taken(acquisition, frames):
    engine = engine_for(acquisition)
    events = engine.add([frames[0], narrow(frames[1]), frames[2]])
    assert [event.frame for event in events] == ["1"]
    (estimate,) = engine.refine(1)
    assert estimate.seqs_used == (0, 2)


def test_a_first_frame_without_defocus_does_not_fix_the_shape(acquisition, frames):
    engine = engine_for(acquisition)
    bad = narrow(without(frames[0], defocus_nm=None))
    assert len(engine.add([bad])) == 1
    assert engine.add(frames[:2]) == []
    assert engine.is_solvable


# Results that are not finite


def test_after_trouble_it_goes_on_from_the_last_good_phase(
    acquisition, frames, monkeypatch
):
    engine = engine_for(acquisition)
    engine.add(frames)
    engine.refine(40)
    with monkeypatch.context() as trouble:
        trouble.setattr(module, "refine_jointly", never_finite)
        (advice,) = engine.refine(10)
    assert advice == AdviceGiven(
        "the solver met a result that is not finite; it goes on from the last good phase",
        "warning",
        7,
    )
    (estimate,) = engine.refine(1)
    assert (estimate.rev, estimate.steps) == (2, 41)
    accuracy = phase_accuracy(estimate.phase_rad, acquisition.truth_phase_rad)
    assert accuracy.rms_rad < 0.1


def test_after_trouble_twice_it_starts_cold(acquisition, frames, monkeypatch):
    engine = engine_for(acquisition)
    engine.add(frames)
    engine.refine(40)
    with monkeypatch.context() as trouble:
        trouble.setattr(module, "refine_jointly", never_finite)
        engine.refine(10)
        (advice,) = engine.refine(10)
    assert advice.text.endswith("it goes on from a cold start")
    (estimate,) = engine.refine(3)
    assert (estimate.rev, estimate.steps) == (2, 3)
    assert np.isfinite(estimate.phase_rad).all()


def test_trouble_that_does_not_end_is_given_up_until_a_frame_comes(
    acquisition, frames, monkeypatch
):
    monkeypatch.setattr(module, "refine_jointly", never_finite)
    engine = engine_for(acquisition)
    engine.add(frames[:4])
    calls = 0
    while engine.wants_steps and calls < 50:
        engine.refine(24)
        calls += 1
    assert calls == 5
    engine.add(frames[4:])
    assert engine.wants_steps


# Frames that do not lie as one


@pytest.fixture(scope="module")
def drifting():
    """Return a series that creeps by more than a pixel from frame to frame."""
    document = {
        "specimen": {"size_px": 96, "margin_px": 32},
        "microscope": {"pixel_nm": 10.0},
        "defocus_nm": [0.0, -2e5, 2e5, -8e5, 8e5],
        "noise": {"level": 0.05},
        "drift_px_per_frame": (1.3, -0.7),
    }
    return Acquisition(Scenario.model_validate(document))


def test_frames_of_a_hopeless_series_are_placed_when_there_is_hope(drifting, monkeypatch):
    frames = list(drifting.frames())
    engine = engine_for(drifting, SolverSettings())
    engine.add(frames[:3])
    with monkeypatch.context() as trouble:
        noise = Problem("noise", "nothing but noise")
        trouble.setattr(SeriesModel, "problem", property(lambda _: noise))
        engine.add(frames[3:4])
    engine.add(frames[4:])
    (estimate,) = engine.refine(24)
    expected = np.outer(np.arange(5), (1.3, -0.7))
    assert np.array(estimate.shift_px) == pytest.approx(expected, abs=0.6)


def live(acquisition, settings):
    engine = engine_for(acquisition, settings)
    for frame in acquisition.frames():
        engine.add([frame])
        told = engine.refine(24)
    while engine.wants_steps:
        told = engine.refine(24)
    return told[0]


def test_a_drift_is_followed_and_told(drifting):
    estimate = live(drifting, SolverSettings())
    expected = np.outer(np.arange(5), (1.3, -0.7))
    assert np.array(estimate.shift_px) == pytest.approx(expected, abs=0.6)
    assert estimate.shift_px[0] == (0.0, 0.0)
    assert max(estimate.holdout) < 1.3
    assert estimate.notes == ()
    assert estimate.convergence_mrad == pytest.approx(0.01, rel=0.1)
    assert [each is None for each in estimate.deviations.defocus_nm] == [True] + [False] * 4
    assert estimate.deviations.shift_px[0] == (0.0, 0.0)
    assert 0.0 < max(estimate.deviations.shift_px[4]) < 0.1
    assert estimate.phase_sigma_rad.shape == estimate.phase_rad.shape
    assert 0.0 < estimate.sigmas.phase_rad < 0.2
    unaware = live(drifting, SolverSettings(align=False, judge=False))
    assert unaware.shift_px == ()
    assert max(unaware.holdout) > 1.5
    assert unaware.notes[-1].startswith("images do not fit each other")
    found, missed = (
        phase_accuracy(each.phase_rad, drifting.truth_phase_rad).gradient
        for each in (estimate, unaware)
    )
    assert found > 0.9
    assert missed < found - 0.2


# Frames that do not belong


def heard(events):
    return [event.text for event in events if isinstance(event, AdviceGiven)]


def rested(engine):
    events = []
    while engine.wants_steps:
        events += engine.refine(24)
    return events


def test_a_frame_of_the_wrong_sign_is_used_with_the_right_one(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add([*frames[:4], without(frames[4], defocus_nm=-frames[4].meta.defocus_nm)])
    (estimate,) = engine.refine(5)
    assert estimate.defocus_nm == (0.0, -4e5, 4e5, -2e6, 2e6)
    assert estimate.notes[-1].startswith("frame 4 at +2 mm: used with the other sign")


def test_a_frame_that_does_not_belong_is_told_and_comes_back_by_command(
    acquisition, frames
):
    engine = engine_for(acquisition, SolverSettings())
    half = frames[3].image.shape[0] // 2
    odd = replace(frames[3], image=np.roll(frames[3].image, half, axis=0))
    odd = replace(
        odd, image=np.where(np.arange(64)[:, None] < half, odd.image, frames[3].image)
    )
    engine.add([*frames[:3], odd, frames[4]])
    events = rested(engine)
    told = heard(events)
    assert told[0].startswith("frame 3 set aside: does not fit the others")
    assert told[-1].startswith("frame 3 set aside: shows another state of the sample")
    estimate = events[-1]
    assert estimate.seqs_used == (0, 1, 2, 4)
    assert [seq for seq, _ in estimate.set_aside] == [3]
    assert max(estimate.holdout) < 1.5
    (text,) = heard(engine.wish(3, use=True))
    assert text == "frame 3 is used again"
    assert engine.wants_steps
    (estimate,) = engine.refine(24)
    assert estimate.seqs_used == (0, 1, 2, 3, 4)
    assert estimate.steps > 100


def test_a_frame_is_set_aside_by_command(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add(frames)
    engine.refine(5)
    assert heard(engine.wish(2, use=False)) == ["frame 2 set aside: by the user"]
    (estimate,) = engine.refine(24)
    assert estimate.seqs_used == (0, 1, 3, 4)
    assert estimate.set_aside == ((2, "by the user"),)
    assert engine.wish(9, use=False) == []
    engine.wish(0, use=False)
    engine.wish(1, use=False)
    told = heard(engine.wish(3, use=False))
    assert told[0] == "frame 3 set aside: by the user"
    assert told[1].startswith("no phase without it: expected at least two images")
    assert engine.refine(5) == []
    engine.wish(0, use=None)
    (estimate,) = engine.refine(24)
    assert estimate.seqs_used == (0, 4)


def test_no_picture_is_replaced_by_a_worse_one(acquisition, frames):
    engine = engine_for(acquisition, SolverSettings())
    engine.add(frames)
    rested(engine)
    assert heard(engine.wish(2, use=False)) == ["frame 2 set aside: by the user"]
    assert engine.refine(5) == []
    (estimate,) = rested(engine)[:1]
    accuracy = phase_accuracy(estimate.phase_rad, acquisition.truth_phase_rad)
    assert accuracy.phase > 0.9
    # At rest, what is wanted already changes nothing.
    rested(engine)
    assert engine.wish(2, use=False) == []
    assert engine.wish(3, use=None) == []
    assert not engine.wants_steps


def test_a_wish_may_come_before_its_frame(acquisition, frames):
    engine = engine_for(acquisition)
    assert engine.wish(3, use=False) == []
    assert heard(engine.add(frames)) == ["frame 3 set aside: by the user"]
    (estimate,) = engine.refine(5)
    assert estimate.seqs_used == (0, 1, 2, 4)


def test_the_method_tie_does_as_the_user_wants(acquisition, frames):
    engine = engine_for(acquisition, TIE)
    engine.add(frames)
    (before,) = engine.refine(1)
    engine.wish(3, use=False)
    (after,) = engine.refine(1)
    assert after.seqs_used == (0, 1, 2, 4)
    assert after.holdout == before.holdout == ()
    assert not np.array_equal(before.phase_rad, after.phase_rad)


# The transport-of-intensity equation


def test_the_method_tie_answers_at_once_and_wants_no_steps(acquisition, frames):
    engine = engine_for(acquisition, TIE)
    engine.add(frames[:3])
    assert not engine.wants_steps
    (estimate,) = engine.refine(24)
    assert (estimate.rev, estimate.steps, estimate.objective) == (1, 0, ())
    accuracy = phase_accuracy(estimate.phase_rad, acquisition.truth_phase_rad)
    assert accuracy.gradient > 0.8


def test_the_method_tie_says_what_it_misses_until_the_pair_is_there(acquisition, frames):
    engine = engine_for(acquisition, TIE)
    engine.add(frames[:2])
    (advice,) = engine.refine(24)
    assert advice == AdviceGiven(
        "method tie: TIE needs one image on each side of focus; method ad needs no pair",
        "warning",
        7,
    )
    engine.add(frames[2:3])
    (estimate,) = engine.refine(24)
    assert estimate.rev == 1


# What determines no phase


def test_frames_that_determine_no_phase_are_said_to_once(acquisition, frames):
    engine = engine_for(acquisition)
    same = [without(frames[1], seq=seq) for seq in range(3)]
    assert engine.add(same[:1]) == []
    (advice,) = engine.add(same[1:2])
    assert advice.text.startswith("no phase yet: expected images at two defoci at least")
    assert engine.add(same[2:]) == []
    assert engine.refine(24) == []
    assert not engine.is_solvable
    engine.add([frames[3]])
    assert engine.is_solvable


# The recipe of the paper


def test_the_recipe_of_the_paper_says_that_it_waits_for_the_end(acquisition, frames):
    engine = engine_for(acquisition, SETTINGS.model_copy(update={"method": "paper+TV"}))
    engine.add(frames)
    assert not engine.wants_steps
    (advice,) = engine.refine(24)
    assert engine.refine(24) == []
    assert advice == AdviceGiven(
        "method paper+TV gives its phase when the series has ended; methods ad and tie "
        "give one with each frame",
        "warning",
        7,
    )


# What is looked at


def test_there_is_nothing_to_look_at_before_the_first_phase(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add(frames[:1])
    for seq in (0, None):
        (advice,) = engine.view(seq)
        assert advice.text == "nothing to show of squares: it has no phase yet"
    assert engine.newest is None


def test_to_look_changes_nothing(acquisition, frames):
    phases = []
    for is_looked_at in (False, True):
        engine = engine_for(acquisition)
        for some in (frames[:3], frames[3:]):
            engine.add(some)
            for _ in range(2):
                (estimate,) = engine.refine(5)
                if is_looked_at:
                    views = [engine.view(seq) for seq in (0, 1, 9, None)]
                    assert [len(each) for each in views] == [1] * 4
                    assert views[1][0].rev == estimate.rev
        phases.append((estimate.rev, estimate.phase_rad.tobytes(), engine.wants_steps))
    assert phases[0] == phases[1]


def test_a_frame_that_was_set_aside_is_looked_at_too(acquisition, frames):
    engine = engine_for(acquisition)
    engine.add(frames)
    engine.refine(20)
    engine.wish(3, use=False)
    (before,) = engine.view(3)
    assert before.aside is None, "as in the estimate that was told"
    while engine.wants_steps:
        events = engine.refine(20)
    (view,) = engine.view(3)
    assert (view.rev, view.aside) == (events[-1].rev, "by the user")
    assert view.residual.shape == (64, 64)


def test_by_tie_there_is_a_phase_to_look_at_and_no_prediction(acquisition, frames):
    engine = engine_for(acquisition, TIE)
    engine.add(frames)
    (estimate,) = engine.refine(5)
    (view,) = engine.view(None)
    np.testing.assert_allclose(view.phase_rad, estimate.phase_rad, atol=1e-6)
    (advice,) = engine.view(1)
    assert advice.text == "frame 1: only method ad predicts images"
    newest, basis = engine.newest
    assert newest is estimate
    assert basis.view(1, estimate) == advice
