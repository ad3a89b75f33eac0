import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import fourier_shift, gaussian_filter

from ltemlive.recon.arrival import CLEAR
from ltemlive.recon.registration import registered

SIDE_PX = 96


def texture(seed, side_px=3 * SIDE_PX):
    noise = np.random.default_rng(seed).standard_normal((side_px, side_px))
    smooth = gaussian_filter(noise, 2.0, mode="wrap")
    return smooth / smooth.std()


def seen(scene, shift_px=(0.0, 0.0)):
    """Return the middle of a scene that has moved, as a camera sees it."""
    moved = np.fft.ifft2(fourier_shift(np.fft.fft2(scene), shift_px)).real
    return moved[SIDE_PX : 2 * SIDE_PX, SIDE_PX : 2 * SIDE_PX].astype(np.float32)


def noise(level, seed=9):
    return level * np.random.default_rng(seed).standard_normal((SIDE_PX, SIDE_PX))


@settings(max_examples=25, deadline=None)
@given(
    shift=st.tuples(st.floats(-24.0, 24.0), st.floats(-24.0, 24.0)),
    seed=st.integers(0, 50),
)
def test_a_frame_is_found_a_quarter_of_a_field_away(shift, seed):
    scene = texture(seed)
    measured = 2.0 + 0.1 * (seen(scene, shift) + noise(0.5, seed))
    found = registered(measured.astype(np.float32), seen(scene))
    assert found.shift_px == pytest.approx(shift, abs=0.25)
    assert found.clarity > CLEAR


@pytest.mark.parametrize("seed", range(10))
def test_frames_that_have_nothing_in_common_say_so(seed):
    alone = noise(1.0, seed).astype(np.float32)
    assert registered(alone, seen(texture(seed))).clarity < CLEAR
    assert registered(alone, np.ones_like(alone)).clarity < CLEAR


def test_images_without_contrast_stay_where_they_are():
    flat = np.ones((32, 32), np.float32)
    assert registered(flat, flat) == ((0.0, 0.0), 0.0)
