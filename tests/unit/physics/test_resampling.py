import numpy as np
import pytest

from ltemlive.physics.resampling import is_inside, resampled, touched

SHAPE = (40, 48)
AS_IT_IS = np.eye(2)


def noise(seed=1):
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


def test_onto_its_own_grid_an_image_stays_as_it_is():
    image = noise()
    found = resampled(image, AS_IT_IS, (0, 0), SHAPE)
    assert (found - image).std() < 0.1


def test_white_noise_stays_as_strong_between_pixels():
    image = np.random.default_rng(2).standard_normal((256, 256)).astype(np.float32)
    between = resampled(image, AS_IT_IS, (0.5, 0.3), (250, 250))
    assert between.std() == pytest.approx(image[:250, :250].std(), rel=0.02)


def mirrored_wave(n_halves, at):
    """Return a wave that goes on beyond a row of 48 pixels as its mirror image does."""
    return np.cos(np.pi * n_halves * (np.asarray(at) + 0.5) / 48)


def test_waves_that_the_new_pixels_cannot_show_are_left_out():
    row = np.arange(SHAPE[1])
    both = mirrored_wave(12, row) + mirrored_wave(44, row)
    image = np.broadcast_to(both, SHAPE).astype(np.float32)
    found = resampled(image, np.diag([1.0, 1.5]), (0.0, 0.25), (40, 31), kept=(1.0, 2 / 3))
    expected = mirrored_wave(12, 0.25 + 1.5 * np.arange(31))
    np.testing.assert_allclose(found[20], expected, atol=0.02)


def test_what_lies_beyond_and_what_a_bad_pixel_touches():
    marked = np.zeros(SHAPE, bool)
    marked[10, 20] = True
    first, shape = (-1.0, 0.5), (12, 60)
    inside = is_inside(SHAPE, AS_IT_IS, first, shape)
    assert not inside[0].any()
    assert inside[1, :47].all()
    assert not inside[:, 47:].any()
    found = np.argwhere(touched(marked, AS_IT_IS, first, shape))
    assert found.tolist() == [[11, 19], [11, 20]]
