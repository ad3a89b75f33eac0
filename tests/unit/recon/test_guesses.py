"""What images give to first order, and what the search makes of it."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.physics.optics import weak_contrasts
from ltemlive.recon.graphs import search_graphs
from ltemlive.recon.guesses import expecting, first_order_guess, weakest_first
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.starts import warm_start
from ltemlive.recon.weighing import Stage
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings()
DEFOCI_NM = (0.0, 2e6, -4e5, 4e5, -2e6, 6e5)


def begin_of(series):
    shape = tuple(series.amplitude.shape)
    begin, *_ = search_graphs(shape, tuple(series.blur.shape[1:]), SETTINGS.memory)
    return begin


@pytest.fixture(scope="module", params=["intensity", "wave"])
def model(request, acquire, model_of):
    return model_of(acquire(DEFOCI_NM, coherence=request.param))


def test_few_weak_images_come_first_and_the_whole_series_last(model):
    parts = list(weakest_first(model.series))
    assert [part.measured.shape[0] for part in parts] == [1, 2, 4, 5]
    np.testing.assert_array_equal(parts[1].measured, model.series.measured.numpy()[[1, 2]])
    np.testing.assert_array_equal(
        parts[2].measured, model.series.measured.numpy()[[0, 1, 2, 4]]
    )
    assert parts[-1] is model.series


def test_a_part_is_as_stiff_as_its_images(model):
    _, part, *_ = weakest_first(model.series)
    half = part.stiffness.shape[-1]
    contrasts = [
        weak_contrasts(model.field.shape, value_nm, model.microscope)[0][:, :half]
        for value_nm in (-4e5, 4e5)
    ]
    precision = part.precision.numpy()
    expected = sum(p * each**2 for p, each in zip(precision, contrasts, strict=True))
    np.testing.assert_allclose(
        part.stiffness[0], expected, rtol=1e-3, atol=1e-5 * expected.max()
    )


def test_one_image_is_a_part_of_its_own(acquire, model_of):
    series = model_of(acquire((0.0, 4e5), coherence="wave")).series
    assert list(weakest_first(series)) == [series]


def test_the_guess_of_a_weak_phase_is_all_but_its_solution(acquire, model_of):
    acquisition = acquire(DEFOCI_NM, 0.05, "stripe_domains", coherence="wave")
    series = model_of(acquisition).series
    flat = cold_start(series, SETTINGS).unknowns
    slope = begin_of(series)(flat, series, tf.ones([])).gradient[0]
    guess = first_order_guess(slope, series)
    accuracy = phase_accuracy(guess.phase.numpy(), acquisition.truth_phase_rad)
    assert accuracy.gradient > 0.9
    assert accuracy.slope == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    "defocus_mm",
    [(-0.15, 0.15, -1.6, 1.6), (0.15, -1.6, 1.6), (-0.15, -1.6, 1.6), (0.15, 1.6)],
)
def test_steep_wires_are_found_from_what_the_weakest_images_guess(series_of, defocus_mm):
    truth = wires()
    defocus_nm = (0.0, *(value * 1e6 for value in defocus_mm))
    series = series_of(truth, defocus_nm, pixel_nm=5.0)
    state = expecting(cold_start(series, SETTINGS), series)
    assert state.is_smooth
    assert state.stage == Stage.WHOLE
    guessed = phase_accuracy(state.phase.numpy(), truth)
    state, _ = refine(state, series, 150)
    found = phase_accuracy(state.phase.numpy(), truth)
    assert found.gradient > guessed.gradient
    assert found.phase > 0.995
    assert found.slope == pytest.approx(1.0, abs=0.02)


def absorbing_film(side_px=64):
    """Return an amplitude of 1, and .5 in a disc and a bar that no image in focus shows."""
    y, x = np.mgrid[:side_px, :side_px]
    is_film = (np.hypot(y - 20, x - 40) < 12) | (np.abs(y - 48) < 6)
    return 1.0 - 0.5 * gaussian_filter(is_film.astype(float), 1.0, mode="wrap")


def waves(side_px=64):
    along = 4.0 * np.pi * np.arange(side_px) / side_px
    return np.add.outer(np.cos(along), np.sin(along))


@pytest.mark.parametrize("seed", [1, 5])
def test_a_guess_that_is_far_off_does_not_run_away(series_of, seed):
    series = series_of(waves(), (-4e5, 4e5), amplitude=absorbing_film(), seed=seed)
    state, _ = refine(cold_start(series, SETTINGS), series, 300)
    assert state.is_smooth
    assert phase_accuracy(state.phase.numpy(), waves()).gradient > 0.95


def test_a_smooth_phase_that_fits_better_than_any_guess_is_kept(series_of):
    defocus_nm = (-4e5, 4e5, -8e5, 8e5, 1.2e6)
    series = series_of(waves(), defocus_nm, amplitude=absorbing_film())
    state, _ = refine(cold_start(series, SETTINGS), series, 300)
    assert state.is_smooth
    again = expecting(warm_start(state, series), series)
    np.testing.assert_array_equal(again.unknowns, state.unknowns)


def test_a_series_may_turn_out_smooth_in_the_midst_of_a_gentle_round(
    series_of, acquire, model_of
):
    settings = SETTINGS.model_copy(update={"gentle_steps": 20, "weighing_steps": 15})
    edgy = model_of(acquire(coherence="intensity", border="periodic")).series
    state, _ = refine(cold_start(edgy, settings), edgy, 18)
    assert state.stage == Stage.GENTLE
    smooth = series_of(waves(), (0.0, -4e5, 4e5))
    state, report = refine(warm_start(state, smooth), smooth, 20)
    assert state.is_smooth
    assert report.steps == 20


def wires(side_px=128):
    """Return two crossing wires whose phase rises by 12 and 16 rad within their radius."""
    x = np.arange(side_px)
    phase = np.zeros((side_px, side_px))
    for axis, radius_px, height_rad in ((0, 14.0, 12.0), (1, 18.0, 16.0)):
        across = np.clip((x - side_px / 2) / radius_px, -1.0, 1.0)
        wire = height_rad * np.sqrt(1.0 - across**2)
        phase += np.expand_dims(wire, axis)
    phase = gaussian_filter(phase, 3.0, mode="wrap")
    return phase - phase.mean()
