import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.priors import (
    Prior,
    bends_of,
    differences,
    mean_bending,
    mean_steepness,
    no_prior,
    prior_and_gradient,
    sum_of_lengths,
    unevenness,
)
from ltemlive.recon.relief import PULL_LIMITS, relief_of
from ltemlive.recon.spectrum import squared_wavenumber

SHAPE = (21, 30)
HALF_PLANE = (21, 16)


def rough_phase(seed=0):
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


def variation(phase_rad, smoothing_rad):
    smoothing = tf.constant(smoothing_rad, tf.float32)
    phase = tf.constant(phase_rad, tf.float32)
    return float(sum_of_lengths(differences(phase), smoothing, tf.ones(phase.shape)))


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
        gradient = differences(position)
        value = sum_of_lengths(gradient, tf.constant(0.05), tf.ones(position.shape))
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


def test_the_unseen_border_is_only_asked_to_be_smooth():
    rng = np.random.default_rng(5)
    phase = rng.standard_normal((12, 15)).astype(np.float32)
    unseen = unevenness(differences(tf.constant(phase)), tf.ones(phase.shape))
    along_y = np.roll(phase, -1, axis=0) - phase
    along_x = np.roll(phase, -1, axis=1) - phase
    assert float(unseen) == pytest.approx(0.5 * (along_y**2 + along_x**2).sum(), rel=1e-5)


def test_a_steep_border_does_not_count_as_steepness():
    phase = np.zeros((16, 16), np.float32)
    phase[:, 12:] = 100.0
    seen = np.zeros((16, 16), np.float32)
    seen[2:10, 2:10] = 1.0
    assert float(mean_steepness(tf.constant(phase), tf.constant(seen))) == 0.0


# How the gradient changes


def bending(phase_rad, smoothing_rad=1e-4):
    phase = tf.constant(phase_rad, tf.float32)
    smoothing, seen = tf.constant(smoothing_rad), tf.ones(phase.shape)
    return float(sum_of_lengths(bends_of(differences(phase)), smoothing, seen))


def test_a_uniform_induction_does_not_bend_the_phase_and_a_wall_does():
    ny, nx = SHAPE
    x = np.arange(nx)[np.newaxis, :] * np.ones((ny, 1))
    roof = 0.1 * np.minimum(x, nx - x)  # walls at the ridge and at the seam
    assert bending(roof) == pytest.approx(2 * 0.2 * ny, rel=2e-2)


def test_bending_is_the_same_in_every_direction():
    phase = rough_phase()
    assert bending(phase) == pytest.approx(bending(phase.T), rel=1e-5)
    assert bending(phase) == pytest.approx(bending(-phase), rel=1e-6)


def test_the_mean_bending_leaves_the_border_out():
    phase = np.zeros((16, 16), np.float32)
    phase[:, 12:] = 100.0
    seen = np.zeros((16, 16), np.float32)
    seen[2:10, 2:10] = 1.0
    assert float(mean_bending(tf.constant(phase), tf.constant(seen))) == 0.0


# The whole of it


def whole_prior(is_axial=0.0):
    rng = np.random.default_rng(4)
    scalars = (
        tf.constant(each, tf.float32)
        for each in (3.0, 0.05, is_axial, 7.0, 2.0, 0.1, is_axial, 5.0, 0.02)
    )
    ways = (rng.uniform(-0.5, 0.5, (n, *SHAPE)) for n in (2, 3))
    known_steepness, known_bending = (tf.constant(each, tf.float32) for each in ways)
    return Prior(
        *scalars,
        known_steepness=known_steepness,
        known_bending=known_bending,
        roughness=0.1 * squared_wavenumber(*SHAPE),
        relief=tf.constant(rng.standard_normal((2, *SHAPE)), tf.float32),
    )


def not_known(parts, known):
    changes, ways = np.stack(parts), known.numpy().astype(np.float64)
    return changes - ways * (ways * changes).sum(axis=0)


def by_parts(parts, smoothing_rad):
    return (np.sqrt(parts**2 + smoothing_rad**2) - smoothing_rad).sum()


def by_length(parts, smoothing_rad):
    length = np.sqrt((parts**2).sum(axis=0) + smoothing_rad**2)
    return (length - smoothing_rad).sum()


def stacked(seed=0):
    return tf.stack([tf.constant(rough_phase(seed)), tf.constant(rough_phase(seed + 1))])


@pytest.mark.parametrize("is_axial", [False, True])
def test_its_value_is_the_sum_of_its_parts(is_axial):
    prior, unknowns = whole_prior(float(is_axial)), stacked()
    phase, log_amplitude = unknowns.numpy().astype(np.float64)
    value, _ = prior_and_gradient(unknowns, tf.ones(SHAPE), prior)
    expected = 5.0 * in_numpy(log_amplitude, 0.02)
    gradient = differences(tf.constant(phase))
    summed = by_parts if is_axial else by_length
    expected += 3.0 * summed(not_known(gradient, prior.known_steepness), 0.05)
    expected += 2.0 * summed(not_known(bends_of(gradient), prior.known_bending), 0.1)
    q_y, q_x = (2.0 * np.pi * np.fft.fftfreq(side) for side in SHAPE)
    k_squared = q_y[:, np.newaxis] ** 2 + q_x[np.newaxis, :] ** 2
    expected += 0.05 * (k_squared * np.abs(np.fft.fft2(phase)) ** 2).sum() / phase.size
    expected -= (prior.relief.numpy() * unknowns.numpy()).sum(dtype=np.float64)
    assert float(value) == pytest.approx(expected, rel=1e-5)


def assert_gradient_is_that_of_the_value(prior, weight):
    unknowns, along = stacked(), stacked(7)
    _, gradient = prior_and_gradient(unknowns, weight, prior)
    up, down = (
        float(prior_and_gradient(unknowns + sign * along, weight, prior)[0])
        for sign in (1e-2, -1e-2)
    )
    slope = float(tf.reduce_sum(gradient * along))
    assert slope == pytest.approx((up - down) / 2e-2, rel=2e-3)


@pytest.mark.parametrize("is_axial", [0.0, 1.0])
def test_the_gradient_of_all_parts_agrees_with_finite_differences(is_axial):
    weight = tf.constant(np.random.default_rng(9).integers(0, 2, SHAPE), tf.float32)
    assert_gradient_is_that_of_the_value(whole_prior(is_axial), weight)


def test_the_gradient_of_bends_alone_agrees_with_finite_differences():
    prior = whole_prior()
    bends_alone = no_prior(SHAPE)._replace(
        bending_weight=prior.bending_weight,
        bending_smoothing=prior.bending_smoothing,
        known_bending=prior.known_bending,
    )
    assert_gradient_is_that_of_the_value(bends_alone, tf.ones(SHAPE))


# Relief


def test_a_relieved_prior_pulls_no_wave_beyond_the_limit():
    unknowns, weight = stacked(), tf.ones(SHAPE)
    stiffness = 0.5 + tf.random.stateless_uniform((2, *HALF_PLANE), seed=(1, 2))
    prior = whole_prior()
    relief = relief_of(prior, unknowns, weight, stiffness)
    _, pull = prior_and_gradient(unknowns, weight, prior._replace(relief=relief))
    of_waves = np.abs(np.fft.rfft2(pull.numpy()))
    noise = np.sqrt(stiffness.numpy() * SHAPE[0] * SHAPE[1])
    limit = np.reshape(PULL_LIMITS, (2, 1, 1)) * noise
    # A filter on the half plane acts on its edges' mirror images as well.
    inside = (slice(None), slice(None), slice(1, -1))
    assert (of_waves[inside] < 1.01 * limit[inside]).all()


def test_where_the_data_are_noisier_than_the_pull_nothing_is_taken_back():
    relief = relief_of(
        whole_prior(), stacked(), tf.ones(SHAPE), tf.fill((2, *HALF_PLANE), 1e6)
    )
    assert float(tf.reduce_max(tf.abs(relief))) < 1e-3


def test_no_prior_asks_for_nothing():
    value, gradient = prior_and_gradient(stacked(), tf.ones(SHAPE), no_prior(SHAPE))
    assert float(value) == 0.0
    assert not gradient.numpy().any()
