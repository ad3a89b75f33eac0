"""Hot and dead pixels are found among noise and fringes, and nothing else is."""

import numpy as np
import pytest

from ltemlive.physics.pixels import bad_pixels, filled, saturated_pixels

SHAPE = (96, 80)
HOT = (20, 33)
DEAD = (70, 5)


def noisy(mean=100.0, seed=1):
    """Return counts of a fringed image."""
    x = np.arange(SHAPE[1])
    fringes = 1.0 + 0.6 * np.sin(2.0 * np.pi * x / 5.0)
    return np.random.default_rng(seed).poisson(mean * np.broadcast_to(fringes, SHAPE))


@pytest.mark.parametrize("pixel_type", ["<u2", "<f4", "<i4"])
def test_hot_and_dead_pixels_are_found_and_no_others(pixel_type):
    image = noisy(mean=400.0).astype(pixel_type)
    image[:, 3:8] = 400
    image[HOT], image[0, 79], image[DEAD] = 60_000, 20_000, 0
    found = bad_pixels(image)
    assert {tuple(place) for place in np.argwhere(found)} == {HOT, (0, 79), DEAD}


def test_a_hot_pixel_that_leaks_into_one_neighbour_is_found():
    image = noisy()
    image[HOT], image[HOT[0], HOT[1] + 1] = 40_000, 30_000
    assert np.argwhere(bad_pixels(image)).tolist() == [[20, 33], [20, 34]]


@pytest.mark.parametrize("mean", [0.5, 3.0, 1000.0])
def test_noise_alone_has_no_bad_pixels(mean):
    rng = np.random.default_rng(2)
    assert bad_pixels(rng.poisson(mean, SHAPE)).mean() < 1e-3


def test_lines_edges_and_dots_of_several_pixels_are_no_bad_pixels():
    image = np.full(SHAPE, 100.0)
    image[:, 40] = 1e4
    image[50:, :20] = 500.0
    image[30:32, 10:12] = 1e4
    assert not bad_pixels(image).any()


def test_what_most_of_an_image_looks_like_is_not_bad():
    rng = np.random.default_rng(4)
    image = 100.0 + rng.standard_normal(SHAPE)
    image[::5, ::5] = 1e4
    assert not bad_pixels(image).any()


def test_bad_pixels_get_the_median_of_the_good_ones_around_them():
    y, _ = np.indices(SHAPE)
    image = (100.0 + y).astype("<u2")
    bad = np.zeros(SHAPE, bool)
    bad[50, 30:33] = bad[0, 0] = bad[95, 79] = True
    spoilt = np.where(bad, 9999, image).astype("<u2")
    found = filled(spoilt, bad)
    np.testing.assert_array_equal(found[~bad], image[~bad])
    np.testing.assert_allclose(found[50, 30:33], 150.0)
    np.testing.assert_allclose([found[0, 0], found[95, 79]], [101.0, 194.0], atol=1.0)
    assert spoilt[50, 30] == 9999


def test_a_hole_larger_than_its_surroundings_gets_the_median_of_all():
    image = np.full(SHAPE, 7.0)
    bad = np.zeros(SHAPE, bool)
    bad[10:30, 10:30] = True
    np.testing.assert_array_equal(filled(image, bad), 7.0)


def test_images_of_few_values_are_not_saturated():
    rng = np.random.default_rng(1)
    assert not saturated_pixels(rng.poisson(0.2, (64, 64))).any()
    assert not saturated_pixels((rng.random((64, 64)) < 0.5).astype(np.uint8)).any()
    assert not saturated_pixels(rng.poisson(200.0, (64, 64))).any()


def test_pixels_at_the_very_top_are_saturated():
    counts = np.random.default_rng(1).poisson(200.0, (64, 64))
    burnt = np.minimum(counts, 210)
    np.testing.assert_array_equal(saturated_pixels(burnt), counts >= 210)
    told = np.where(counts >= 215, np.inf, counts.astype(np.float32))
    np.testing.assert_array_equal(saturated_pixels(told), counts >= 215)


def test_many_bad_pixels_get_what_is_nearest():
    image = np.broadcast_to(np.arange(40.0), (30, 40))
    bad = np.zeros(image.shape, bool)
    bad[:, 10:13] = True
    found = filled(image, bad)
    np.testing.assert_array_equal(found[:, [10, 12]], [[9.0, 13.0]] * 30)
