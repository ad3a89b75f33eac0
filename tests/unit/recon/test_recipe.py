import numpy as np
import pytest
import tensorflow as tf

from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.model import defocused_series
from ltemlive.recon.recipe import START_RAD, STEPS_PER_LOOK, descend

DEFOCI_NM = (0.0, -1e6, -2e5, 2e5, 1e6)


@pytest.fixture(scope="module", params=["intensity", "wave"])
def acquisition(request, acquire):
    return acquire(DEFOCI_NM, coherence=request.param)


@pytest.fixture(scope="module")
def series(acquisition, model_of):
    return defocused_series(model_of(acquisition))


def after(series, n_steps, *, with_tv=False):
    *_, state = descend(series, n_steps, with_tv=with_tv)
    return state


def test_the_recipe_finds_the_phase_in_many_steps(series, acquisition):
    truth = acquisition.truth_phase_rad
    early, late = (
        phase_accuracy(after(series, n_steps).phase.numpy(), truth).phase
        for n_steps in (STEPS_PER_LOOK, 8 * STEPS_PER_LOOK)
    )
    assert late > max(0.9, early + 0.01)


def test_its_error_falls_and_its_amplitude_stays(series):
    state = after(series, 2 * STEPS_PER_LOOK)
    assert len(state.error) == state.steps == 2 * STEPS_PER_LOOK
    assert state.error[-1] < 0.5 * state.error[0]
    np.testing.assert_array_equal(state.unknowns[1], tf.math.log(series.amplitude))


def test_at_the_truth_its_error_is_the_noise(series, acquisition):
    state = after(series, 8 * STEPS_PER_LOOK)
    assert state.error[-1] == pytest.approx(0.025**2, rel=0.5)


def test_no_pixel_moves_by_more_than_a_radian_in_a_step(series):
    move = after(series, 1).phase.numpy() - START_RAD
    assert 0.2 < np.abs(move).max() <= 1.0


def test_the_same_images_twice_over_go_the_same_way(series):
    twice = series._replace(
        **{
            name: tf.concat([getattr(series, name)] * 2, axis=0)
            for name in ("measured", "transfer", "blur", "precision")
        }
    )
    for with_tv in (False, True):
        once_over, twice_over = (
            after(each, 20, with_tv=with_tv).phase.numpy() for each in (series, twice)
        )
        np.testing.assert_allclose(twice_over, once_over, atol=2e-3)


def test_what_else_was_solved_before_changes_nothing(acquire, model_of):
    # Of two sizes in one trace the blur was left out, as if coherence acted on the wave.
    blurred, larger = (
        defocused_series(model_of(acquire(DEFOCI_NM, border=border)))
        for border in ("periodic", "free")
    )
    before = after(blurred, 5).phase.numpy()
    twice = blurred._replace(
        **{
            name: tf.concat([getattr(blurred, name)] * 2, axis=0)
            for name in ("measured", "transfer", "blur", "precision")
        }
    )
    for each in (larger, twice):
        after(each, 1)
    np.testing.assert_allclose(after(twice, 5).phase.numpy(), before, atol=1e-3)
    np.testing.assert_array_equal(after(blurred, 5).phase.numpy(), before)


def test_how_precise_the_images_are_does_not_matter(series):
    better = series._replace(precision=3.0 * series.precision)
    np.testing.assert_array_equal(after(better, 5).phase, after(series, 5).phase)


@pytest.fixture(scope="module")
def noisy(acquire, model_of):
    return defocused_series(model_of(acquire(DEFOCI_NM, noise=0.3, coherence="wave")))


def test_total_variation_smooths_noise_away(noisy):
    plain, smooth = (
        after(noisy, 4 * STEPS_PER_LOOK, with_tv=with_tv).phase.numpy()
        for with_tv in (False, True)
    )
    assert np.abs(np.diff(smooth)).mean() < 0.95 * np.abs(np.diff(plain)).mean()


def test_it_stops_where_the_error_hardly_falls(noisy):
    assert after(noisy, 100 * STEPS_PER_LOOK).steps < 100 * STEPS_PER_LOOK
