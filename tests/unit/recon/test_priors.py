import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.recon.priors import (
    mean_steepness,
    signal_to_noise,
    squared_wavenumber,
    total_variation,
)

SHAPE = (21, 30)
SHAPES = st.tuples(st.integers(2, 40), st.integers(2, 40))


def rough_phase(seed=0):
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


def variation(phase_rad, smoothing_rad):
    smoothing = tf.constant(smoothing_rad, tf.float32)
    phase = tf.constant(phase_rad, tf.float32)
    return float(total_variation(phase, smoothing, tf.ones(phase.shape)))


def in_numpy(phase_rad, smoothing_rad):
    along_y, along_x = (np.roll(phase_rad, -1, axis) - phase_rad for axis in (0, 1))
    return (np.sqrt(along_y**2 + along_x**2 + smoothing_rad**2) - smoothing_rad).sum()


def test_a_flat_phase_does_not_vary():
    assert variation(np.full(SHAPE, 2.5), 0.01) == 0.0


def test_a_step_varies_by_its_height_times_its_length():
    ny, nx = SHAPE
    phase = np.zeros(SHAPE)
    phase[:, nx // 2 :] = 1.5
    # Up in the middle and down again at the seam.
    assert variation(phase, 1e-3) == pytest.approx(2 * 1.5 * ny, rel=2e-3)


@pytest.mark.parametrize("smoothing_rad", [0.01, 0.3])
def test_the_variation_agrees_with_one_in_double_precision(smoothing_rad):
    phase = rough_phase()
    expected = in_numpy(phase.astype(np.float64), smoothing_rad)
    assert variation(phase, smoothing_rad) == pytest.approx(expected, rel=1e-5)


def test_its_gradient_agrees_with_finite_differences():
    phase, along = rough_phase(), rough_phase(1)
    position = tf.constant(phase)
    with tf.GradientTape() as tape:
        tape.watch(position)
        value = total_variation(position, tf.constant(0.05), tf.ones(position.shape))
    slope = float((tape.gradient(value, position).numpy() * along).sum(dtype=np.float64))
    up, down = (in_numpy(phase + sign * 1e-5 * along.astype(np.float64), 0.05)
                for sign in (1.0, -1.0))  # fmt: skip
    assert slope == pytest.approx((up - down) / 2e-5, rel=1e-4)


def test_below_the_smoothing_it_is_quadratic_and_above_it_linear():
    phase = rough_phase()
    assert variation(2.0 * phase, 100.0) == pytest.approx(
        4.0 * variation(phase, 100.0), 1e-2
    )
    assert variation(2.0 * phase, 1e-4) == pytest.approx(2.0 * variation(phase, 1e-4), 1e-3)


def test_the_mean_steepness_is_that_of_the_gradient():
    phase = rough_phase()
    expected = in_numpy(phase.astype(np.float64), 0.0) / phase.size
    assert float(mean_steepness(tf.constant(phase), tf.ones(phase.shape))) == pytest.approx(
        expected, rel=1e-5
    )


@settings(max_examples=30, deadline=None)
@given(shape=SHAPES)
def test_squared_wavenumbers_are_those_of_a_real_transform(shape):
    ny, nx = shape
    q_y, q_x = np.fft.fftfreq(ny)[:, np.newaxis], np.fft.rfftfreq(nx)[np.newaxis, :]
    expected = (2.0 * np.pi) ** 2 * (q_y**2 + q_x**2)
    np.testing.assert_allclose(squared_wavenumber(ny, nx), expected, rtol=1e-5)


def test_the_unseen_border_is_only_asked_to_be_smooth():
    rng = np.random.default_rng(5)
    phase = rng.standard_normal((12, 15)).astype(np.float32)
    unseen = total_variation(tf.constant(phase), tf.constant(0.01), tf.zeros(phase.shape))
    along_y = np.roll(phase, -1, axis=0) - phase
    along_x = np.roll(phase, -1, axis=1) - phase
    assert float(unseen) == pytest.approx(0.5 * (along_y**2 + along_x**2).sum(), rel=1e-5)


def test_a_steep_border_does_not_count_as_steepness():
    phase = np.zeros((16, 16), np.float32)
    phase[:, 12:] = 100.0
    seen = np.zeros((16, 16), np.float32)
    seen[2:10, 2:10] = 1.0
    assert float(mean_steepness(tf.constant(phase), tf.constant(seen))) == 0.0


def test_signal_to_noise_of_white_noise_is_its_variance_times_the_stiffness():
    rng = np.random.default_rng(6)
    phase = tf.constant(0.3 * rng.standard_normal((64, 48)), tf.float32)
    ratio = signal_to_noise(phase, tf.fill([64, 25], 7.0)).numpy()
    assert np.median(ratio) == pytest.approx(7.0 * 0.3**2, rel=0.1)
