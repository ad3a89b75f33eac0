"""How sure the phase is, against what it is off by."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from ltemlive.physics.accuracy import without_plane
from ltemlive.physics.electron import HBAR_OVER_E_T_NM2
from ltemlive.physics.induction import phase_gradient
from ltemlive.recon.certainty import certainty_of
from ltemlive.recon.model import empty_model, with_frames
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.weighing import search_metric
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings(
    align=False, judge=False, refine_defocus=False, refine_convergence=False
)


def rested(model):
    state = cold_start(model.series, SETTINGS)
    while not state.is_converged:
        state, _ = refine(state, model.series, 50)
    return state


@pytest.fixture(scope="module")
def solved(acquire, model_of):
    """Return a way to solve a series once: its model, its state and how far it is off."""

    @functools.cache
    def made(**scenario):
        acquisition = acquire(**scenario)
        model = model_of(acquisition)
        state = rested(model)
        off = model.field.crop(state.phase.numpy()) - acquisition.truth_phase_rad
        return model, state, without_plane(off)

    return made


@pytest.mark.parametrize("kind", ["resolution_target", "stripe_domains"])
def test_the_phase_is_off_by_what_is_said(solved, kind):
    said, off = [], []
    for seed in (1, 2, 3):
        model, state, error = solved(kind=kind, seed=seed)
        sigmas = certainty_of(model, state).sigmas
        slopes = phase_gradient(error.astype(np.float32), pixel_nm=20.0)
        said.append(sigmas[:2])
        off.append([error.std(), np.sqrt(np.mean(slopes**2))])
    ratio = np.sqrt(np.mean(np.square(said), axis=0) / np.mean(np.square(off), axis=0))
    assert (ratio > 1.0 / 1.5).all(), ratio
    assert (ratio < 1.5).all(), ratio


def test_half_the_noise_is_half_as_unsure(solved):
    sigmas = [
        certainty_of(*solved(kind="stripe_domains", noise=noise)[:2]).sigmas
        for noise in (0.1, 0.05)
    ]
    assert np.divide(*sigmas) == pytest.approx(2.0, rel=0.3)


def test_more_images_make_it_no_less_sure(acquire, model_of):
    acquisition = acquire((0.0, -2e6, 2e6, -4e5, 4e5), kind="stripe_domains")
    state = rested(model_of(acquisition))
    sigmas = []
    for n_frames in (3, 4, 5):
        # Under the prior of them all: one that is asked anew may expect more.
        model = model_of(acquisition, n_frames)
        metric = search_metric(state, model.series, state.prior)
        sigmas.append(certainty_of(model, replace(state, metric=metric)).sigmas)
    assert (np.diff(sigmas, axis=0) < 0.0).all()


def test_where_fewer_frames_look_it_is_less_sure(acquire, model_of):
    acquisition = acquire()
    whole = list(acquisition.frames())
    left = [replace(frame, image=frame.image.copy()) for frame in whole[3:]]
    for frame in left:
        frame.image[:, 40:] = np.nan
    empty = empty_model((64, 64), acquisition.microscope, 0)
    model = with_frames(empty, [*whole[:3], *left])
    sigma = certainty_of(model, rested(model)).phase_sigma_rad
    assert sigma[:, 44:].min() > 1.1 * sigma[:, :36].max()


def test_one_number_is_the_root_mean_square_of_the_map(solved):
    model, state, _ = solved(kind="stripe_domains")
    certainty = certainty_of(model, state)
    assert certainty.phase_sigma_rad.shape == (64, 64)
    assert certainty.phase_sigma_rad.dtype == np.float32
    rms = np.sqrt(np.mean(certainty.phase_sigma_rad**2))
    assert rms == pytest.approx(certainty.sigmas.phase_rad, rel=1e-5)
    assert certainty.sigmas.induction_t_nm == pytest.approx(
        certainty.sigmas.gradient_rad_per_nm * HBAR_OVER_E_T_NM2
    )


def test_the_same_state_is_as_sure_to_the_bit(solved):
    model, state, _ = solved(kind="stripe_domains")
    one, other = certainty_of(model, state), certainty_of(model, state)
    assert one.sigmas == other.sigmas
    np.testing.assert_array_equal(one.phase_sigma_rad, other.phase_sigma_rad)


def test_a_phase_on_its_way_does_not_say(acquire, model_of):
    model = model_of(acquire())
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 20)
    assert certainty_of(model, state) is None
