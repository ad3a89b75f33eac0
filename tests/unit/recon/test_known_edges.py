"""What a prior asks of a change, once it is known which way it goes."""

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.known_edges import (
    FREE,
    SOFTNESS_PX,
    known_part,
    softened,
    unknown_part,
)
from ltemlive.recon.priors import bends_of, differences

SHAPE = (21, 30)
ENOUGH = 0.4


def random_parts(n, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(tf.constant(rng.standard_normal(SHAPE), tf.float32) for _ in range(n))


def length_of(parts):
    return np.sqrt(sum(part.numpy() ** 2 for part in parts))


@pytest.fixture(params=[2, 3], ids=["gradient", "bends"])
def parts(request):
    return random_parts(request.param)


def known_of(parts):
    return known_part(parts, tf.constant(ENOUGH), tf.ones(SHAPE))


def test_a_known_change_costs_less_than_is_enough(parts):
    length = length_of(parts)
    costs = length_of(unknown_part(parts, known_of(parts)))
    relative = length / ENOUGH
    expected = length / (1.0 + relative + (relative / FREE) ** 4)
    np.testing.assert_allclose(costs, expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("times_enough", "share"), [(0.01, 0.99), (1.0, 0.5), (2.5, 0.22), (10.0, 0.004)]
)
def test_what_may_be_noise_costs_what_it_did_and_the_corner_of_an_edge_nothing(
    times_enough, share
):
    changes = tf.constant([[times_enough * ENOUGH]])
    parts = (changes, tf.zeros_like(changes))
    known = known_part(parts, tf.constant(ENOUGH), tf.ones_like(changes))
    along, _ = unknown_part(parts, known)
    assert (along / changes).numpy().item() == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize("height", [0.0, 1e-30, 1e30])
def test_no_change_is_too_small_or_too_large_to_be_told(height):
    parts = tuple(tf.constant([[height, 1.0]]) for _ in range(2))
    known = known_part(parts, tf.constant(1e-4), tf.ones_like(parts[0])).numpy()
    assert np.isfinite(known).all()
    assert (known**2).sum(axis=0).max() <= 1.0 + 1e-6


def test_a_change_across_the_known_way_costs_all_of_it():
    along_y, along_x = random_parts(2)
    across = (-along_x, along_y)
    costs = unknown_part(across, known_of((along_y, along_x)))
    np.testing.assert_allclose(costs, across, rtol=1e-4, atol=1e-5)


def test_a_known_way_has_no_sense(parts):
    falling = tuple(-part for part in parts)
    other = random_parts(len(parts), seed=1)
    for one, same in zip(
        unknown_part(other, known_of(parts)),
        unknown_part(other, known_of(falling)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, same)


def test_where_nothing_is_known_every_change_costs_all_of_it(parts):
    flat = tuple(tf.zeros(SHAPE) for _ in parts)
    for one, same in zip(unknown_part(parts, known_of(flat)), parts, strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_a_known_way_is_the_same_at_any_height(parts, scale):
    scaled = tuple(scale * part for part in parts)
    known = known_part(scaled, tf.constant(scale * ENOUGH), tf.ones(SHAPE))
    np.testing.assert_allclose(known, known_of(parts), rtol=1e-3, atol=1e-3)


def test_nothing_is_known_of_what_no_camera_saw(parts):
    seen = np.zeros(SHAPE, np.float32)
    seen[3:9, 4:20] = 1.0
    known = known_part(parts, tf.constant(ENOUGH), tf.constant(seen)).numpy()
    assert not known[:, seen == 0.0].any()
    assert known[:, seen == 1.0].all()


def test_what_is_unknown_is_its_own_transpose(parts):
    known = known_of(parts)
    one, other = random_parts(len(parts), 1), random_parts(len(parts), 2)

    def product(these, those):
        return sum(float(tf.reduce_sum(a * b)) for a, b in zip(these, those, strict=True))

    assert product(unknown_part(one, known), other) == pytest.approx(
        product(one, unknown_part(other, known)), rel=1e-4
    )


def test_the_known_way_of_straight_edges_is_across_them():
    ny, nx = SHAPE
    y, x = np.mgrid[:ny, :nx]
    wave = tf.constant(np.sin(2.0 * np.pi * (y / ny + 2.0 * x / nx)), tf.float32)
    slope = nx / (2.0 * ny)
    gradient = differences(softened(wave))
    ky, kx = known_part(gradient, tf.constant(0.1), tf.ones(SHAPE)).numpy()
    steep = np.hypot(ky, kx) > 0.88
    assert steep.sum() > SHAPE[0] * SHAPE[1] // 4
    np.testing.assert_allclose(ky[steep] / kx[steep], slope, rtol=0.15)
    # What climbs along n bends as (n_y^2, n_x^2, sqrt 2 n_y n_x).
    known = known_part(bends_of(gradient), tf.constant(0.03), tf.ones(SHAPE)).numpy()
    bent = np.sqrt((known**2).sum(axis=0)) > 0.88
    assert bent.sum() > SHAPE[0] * SHAPE[1] // 4
    kyy, kxx, kxy = known[:, bent]
    np.testing.assert_allclose(kyy / kxx, slope**2, rtol=0.3)
    np.testing.assert_allclose(kxy / kxx, 2**0.5 * slope, rtol=0.3)


@pytest.mark.parametrize("period_px", [2.0, 3.0, 10.0])
def test_a_wave_is_softened_as_by_a_gaussian_and_the_mean_stays(period_px):
    x = np.arange(SHAPE[1], dtype=np.float32)
    wave = np.tile(np.cos(2.0 * np.pi * x / period_px), (SHAPE[0], 1))
    left = np.exp(-2.0 * (np.pi * SOFTNESS_PX / period_px) ** 2)
    soft = softened(tf.constant(2.0 + wave, tf.float32))
    np.testing.assert_allclose(soft, 2.0 + left * wave, atol=1e-5)
