"""What is shown of an estimate: frames beside what it predicts of them, and TIE."""

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.events import AdviceGiven, FrameView, PhaseEstimate, TieView
from ltemlive.frames import Frame
from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.innovation import holdout_scores
from ltemlive.recon.model import empty_model, with_frames, with_shifts
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.transport import tie_phase
from ltemlive.recon.viewing import Basis
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

DEFOCI_NM = (0.0, -4e5, 4e5, -2e6, 2e6)
BORDER_PX = 16


def estimate_of(model, scores):
    nothing = np.zeros(model.field.frame_shape, np.float32)
    return PhaseEstimate(
        ordinal=3,
        series="stripes",
        rev=12,
        seqs_used=model.seqs,
        defocus_nm=model.defocus_nm,
        steps=200,
        gradient_evaluations=200,
        objective=(),
        is_final=True,
        phase_rad=nothing,
        amplitude=nothing,
        pixel_nm=20.0,
        device="abacus",
        holdout=scores,
    )


class Looked:
    """A series that has been solved, to look at."""

    def __init__(self, model):
        self.model = model
        self.state, _ = refine(
            cold_start(model.series, SolverSettings()), model.series, 200
        )
        self.scores = holdout_scores(self.state, model)
        self._basis = Basis.of(model, self.state)

    def view(self, seq):
        return self._basis.view(seq, estimate_of(self.model, self.scores))


def model_with(frames, optics):
    return with_frames(empty_model(frames[0].image.shape, optics, BORDER_PX), frames)


def rms(image):
    return float(np.sqrt(np.nanmean(image**2)))


@pytest.fixture(scope="module", params=["periodic", "free"])
def stripes(request, acquire):
    """Return five noisy images of stripes, a second one in focus among them."""
    deficit = (*DEFOCI_NM, 0.0)
    return acquire(deficit, 0.1, "stripe_domains", border=request.param)


@pytest.fixture(scope="module")
def looked(stripes, model_of):
    return Looked(model_of(stripes))


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_a_frame_without_noise_is_predicted_as_it_was_measured(
    acquire, model_of, coherence
):
    series = acquire(
        DEFOCI_NM, 0.0, "stripe_domains", coherence=coherence, border="periodic"
    )
    looked = Looked(model_of(series))
    for seq, frame in enumerate(series.frames()):
        view = looked.view(seq)
        np.testing.assert_allclose(
            view.measured, frame.image / frame.image.mean(), rtol=1e-4
        )
        difference = view.measured - view.predicted
        assert rms(difference) < 0.02, seq
        assert rms(difference) < 0.1 * view.measured.std() or seq == 0


def test_the_residual_of_noise_is_one_and_white(looked):
    for seq in range(6):
        residual = looked.view(seq).residual
        assert rms(residual) == pytest.approx(1.0, abs=0.15), seq
        beside = np.mean(residual[:, 1:] * residual[:, :-1])
        assert abs(beside) < 0.1, seq


def test_residual_and_score_are_those_that_the_solver_weighs(looked):
    for seq in (1, 2, 3, 4):
        view = looked.view(seq)
        difference = np.sqrt(view.measured) - np.sqrt(view.predicted)
        sigma = looked.model.members[seq].image.sigma
        np.testing.assert_allclose(view.residual, difference / sigma, atol=1e-3)
        assert view.score == looked.scores[seq]
        assert view.aside is None


def test_images_in_focus_are_shown_one_by_one(looked):
    assert looked.model.rows[0] is None
    first, second = looked.view(0), looked.view(5)
    assert not np.allclose(first.measured, second.measured, atol=0.05)
    np.testing.assert_allclose(first.predicted, second.predicted, rtol=0.02)
    assert first.score == second.score


def test_a_view_tells_what_it_belongs_to(looked):
    for view, kind in ((looked.view(1), FrameView), (looked.view(None), TieView)):
        assert isinstance(view, kind)
        told = (view.ordinal, view.series, view.rev, view.is_final, view.pixel_nm)
        assert told == (3, "stripes", 12, True, 20.0)
    advice = looked.view(17)
    assert isinstance(advice, AdviceGiven)
    assert advice.text == "frame 17: no estimate of stripes knows it, or not yet"


def test_a_frame_of_another_state_stands_out_though_it_is_set_aside(acquire):
    optics = {"coherence": "wave", "border": "periodic"}
    here = acquire(DEFOCI_NM, 0.1, "stripe_domains", **optics)
    elsewhere = acquire(DEFOCI_NM, 0.1, "resolution_target", **optics)
    frames, others = list(here.frames()), list(elsewhere.frames())
    foreign, own = others[3], frames[4]
    foreign = Frame(replace(foreign.meta, seq=8, use=False), foreign.image)
    own = Frame(replace(own.meta, use=False), own.image)
    looked = Looked(model_with([*frames[:4], foreign, own], here.microscope))
    view, good = looked.view(8), looked.view(4)
    assert view.aside == good.aside == "by the user"
    assert rms(view.residual) > 3.0
    assert view.score > 3.0
    assert rms(good.residual) < 0.5 * rms(view.residual)
    assert good.score < 2.0


def test_what_a_frame_does_not_show_is_nothing(acquire):
    series = acquire(DEFOCI_NM, 0.1, "stripe_domains", border="free")
    frames = list(series.frames())
    image = frames[0].image.copy()
    image[7, 9] = 1e3 * image.max()
    frames[0] = Frame(frames[0].meta, image)
    model = model_with(frames, series.microscope)
    shifts_px = [(0.0, 0.0)] * 4 + [(0.0, 30.0)]
    looked = Looked(with_shifts(model, shifts_px))
    in_focus, away = looked.view(0), looked.view(4)
    for view in (in_focus, away):
        for image in (view.measured, view.predicted):
            np.testing.assert_array_equal(np.isnan(image), np.isnan(view.residual))
    assert np.argwhere(np.isnan(in_focus.residual)).tolist() == [[7, 9]]
    assert np.isnan(away.residual).any(axis=0).nonzero()[0].tolist() == [*range(34, 64)]


def test_a_basis_keeps_no_image_that_is_ready_to_be_solved(looked):
    basis = Basis.of(looked.model, looked.state)
    assert basis.model.series.measured.shape[0] == 0
    assert basis.state.search is None


def test_tie_is_that_of_the_same_frames(looked):
    np.testing.assert_array_equal(looked.view(None).phase_rad, tie_phase(looked.model))


def test_tie_takes_frames_from_where_they_lie():
    document = {
        "specimen": {"size_px": 96, "margin_px": 32},
        "microscope": {"pixel_nm": 10.0},
        "defocus_nm": [0.0, -2e5, 2e5],
        "drift_px_per_frame": [1.3, -0.7],
    }
    acquisition = Acquisition(Scenario.model_validate(document))
    model = model_with(list(acquisition.frames()), acquisition.microscope)
    shifts_px = [(1.3 * place, -0.7 * place) for place in range(3)]
    truth = acquisition.truth_phase_rad
    crooked, found = (
        phase_accuracy(tie_phase(each), truth).gradient
        for each in (model, with_shifts(model, shifts_px))
    )
    assert crooked < 0.2
    assert found > 0.8


def test_without_a_pair_about_focus_or_a_state_there_is_an_advice(acquire, model_of):
    model = model_of(acquire((0.0, 1e5, 2e5)))
    basis, estimate = Basis.of(model, None), estimate_of(model, ())
    assert basis.view(None, estimate).text == (
        "no phase by TIE: it needs one image on each side of focus"
    )
    assert basis.view(1, estimate).text == "frame 1: only method ad predicts images"
