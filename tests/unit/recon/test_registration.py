import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, fourier_shift, gaussian_filter

from ltemlive.recon.arrival import CLEAR
from ltemlive.recon.field import UPRIGHT, Turn
from ltemlive.recon.registration import Registration, registered, registered_and_turned

SIDE_PX = 96
REACH = Turn(math.radians(3.0), 0.04)


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
    # .1 as a rule, .28 at worst of thousands, where a third of the frame is out of sight.
    assert found.shift_px == pytest.approx(shift, abs=0.35)
    assert found.clarity > CLEAR


@pytest.mark.parametrize("seed", range(10))
def test_frames_that_have_nothing_in_common_say_so(seed):
    alone = noise(1.0, seed).astype(np.float32)
    assert registered(alone, seen(texture(seed))).clarity < CLEAR
    assert registered(alone, np.ones_like(alone)).clarity < CLEAR


def test_images_without_contrast_stay_where_they_are():
    flat = np.ones((32, 32), np.float32)
    nowhere = Registration((0.0, 0.0), 0.0)
    assert registered(flat, flat) == nowhere
    assert registered_and_turned(flat, flat, UPRIGHT, REACH) == nowhere


# How it is turned


LARGE_PX = 192
LARGE = (LARGE_PX, LARGE_PX)


def turned(scene, turn, shift_px=(0.0, 0.0), shape=LARGE):
    """Return the middle of a scene, turned about it and then moved."""
    back = np.linalg.inv(turn.matrix)
    middle = np.array([(side - 1) / 2 for side in scene.shape])
    there = affine_transform(scene, back, middle - back @ (middle + shift_px), order=5)
    inner = [slice((len(scene) - side) // 2, (len(scene) + side) // 2) for side in shape]
    return there[tuple(inner)].astype(np.float32)


def noisy(image, seed):
    level = np.random.default_rng(seed).standard_normal(image.shape)
    return (image + 0.5 * level).astype(np.float32)


@settings(max_examples=10, deadline=None)
@given(
    rotation_deg=st.floats(-2.0, 2.0),
    log_magnification=st.floats(-0.03, 0.03),
    shift=st.tuples(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0)),
    seed=st.integers(0, 5),
)
def test_a_turned_frame_is_found(rotation_deg, log_magnification, shift, seed):
    scene = texture(seed, 2 * LARGE_PX)
    turn = Turn(math.radians(rotation_deg), log_magnification)
    measured = noisy(turned(scene, turn, shift), seed)
    found = registered_and_turned(measured, turned(scene, UPRIGHT), UPRIGHT, REACH)
    # At the edges of the frame: near enough to be refined. A turn of less than 2 px there
    # need not be clear enough to be believed.
    is_believed = found.turn != UPRIGHT
    assert found.turn.less(turn).reach_px(LARGE) < (1.5 if is_believed else 2.0)
    assert found.shift_px == pytest.approx(shift, abs=0.3)


@pytest.mark.parametrize("shape", [(258, 301), (515, 530)])
def test_turns_are_found_on_coarse_pixels_of_any_frame(shape):
    scene, turn, shift = texture(4, 700), Turn(math.radians(-1.7), 0.022), (5.0, -3.0)
    measured = noisy(turned(scene, turn, shift, shape), 4)
    found = registered_and_turned(
        measured, turned(scene, UPRIGHT, shape=shape), UPRIGHT, REACH
    )
    assert found.turn.less(turn).reach_px(shape) < 1.0
    assert found.shift_px == pytest.approx(shift, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_a_frame_that_is_not_turned_is_not_turned(seed):
    scene = texture(seed, 2 * LARGE_PX)
    measured = noisy(turned(scene, UPRIGHT, (2.0, 1.0)), seed)
    found = registered_and_turned(measured, turned(scene, UPRIGHT), UPRIGHT, REACH)
    assert found.turn == UPRIGHT


@pytest.mark.parametrize("free", [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_what_is_not_searched_stays_as_it_is_expected(free):
    scene, turn = texture(3, 2 * LARGE_PX), Turn(math.radians(1.0), 0.02)
    expected = Turn(math.radians(0.9), 0.018)
    reach = Turn(*np.multiply(free, REACH).tolist())
    found = registered_and_turned(
        turned(scene, turn), turned(scene, UPRIGHT), expected, reach
    )
    for value, stated, is_free in zip(found.turn, expected, free, strict=True):
        assert is_free or value == stated
