import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics.colour import colour_wheel, induction_rgb, induction_scale_t_nm

WHEEL_PX = 201
CENTRE = WHEEL_PX // 2


def uniform_field(angle_rad, magnitude_t_nm=1.0):
    """A field along ``angle_rad``, counted from x (right) towards y (down)."""
    direction = np.array([np.sin(angle_rad), np.cos(angle_rad)], np.float32)
    return np.broadcast_to(magnitude_t_nm * direction[:, None, None], (2, 3, 4))


@given(
    angle_rad=st.floats(-np.pi, np.pi),
    strength=st.floats(0.1, 0.95),
    scale_t_nm=st.floats(1e-3, 1e3),
)
@settings(max_examples=50, deadline=None)
def test_the_wheel_shows_in_each_direction_the_colour_of_a_field_along_it(
    angle_rad, strength, scale_t_nm
):
    field = uniform_field(angle_rad, strength * scale_t_nm)
    colour = induction_rgb(field, scale_t_nm=scale_t_nm)[0, 0].astype(int)
    y = round(CENTRE + strength * CENTRE * np.sin(angle_rad))
    x = round(CENTRE + strength * CENTRE * np.cos(angle_rad))
    # One pixel of the wheel is a hundredth of its radius.
    assert np.abs(colour_wheel(WHEEL_PX)[y, x, :3].astype(int) - colour).max() <= 12


def test_the_four_directions_have_four_hues():
    right, down, left, up = (
        induction_rgb(uniform_field(angle), scale_t_nm=1.0)[0, 0].astype(int)
        for angle in (0.0, np.pi / 2, np.pi, -np.pi / 2)
    )
    assert right[0] > right[1] > 0
    assert down[1] > down[2]
    assert left[2] > left[0]
    assert up[2] > up[1]
    for one, other in ((right, left), (up, down), (right, up), (right, down)):
        assert np.abs(one - other).sum() > 60


def test_brightness_grows_with_magnitude_up_to_the_scale():
    sums = [
        int(induction_rgb(uniform_field(0.7, magnitude), scale_t_nm=1.0)[0, 0].sum())
        for magnitude in (0.0, 0.25, 0.5, 1.0, 50.0)
    ]
    assert sums[0] == 0
    assert sums == sorted(sums)
    assert sums[3] == sums[4]


@given(angle_rad=st.floats(-np.pi, np.pi))
@settings(max_examples=30, deadline=None)
def test_a_field_beyond_the_scale_keeps_its_hue(angle_rad):
    full = induction_rgb(uniform_field(angle_rad, 1.0), scale_t_nm=1.0)
    beyond = induction_rgb(uniform_field(angle_rad, 1e4), scale_t_nm=1.0)
    assert np.abs(full.astype(int) - beyond).max() <= 6


def test_all_hues_at_full_strength_are_about_equally_light():
    angles = np.linspace(-np.pi, np.pi, 90)
    field = np.array([np.sin(angles), np.cos(angles)], np.float32)[:, None, :]
    rgb = induction_rgb(field, scale_t_nm=1.0)[0] / 255.0
    luminance = rgb**2.2 @ [0.2126, 0.7152, 0.0722]
    assert luminance.max() / luminance.min() < 1.35


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_no_field_and_no_number_are_black(value):
    field = np.full((2, 4, 5), value, np.float32)
    assert induction_scale_t_nm(field) == 1.0
    assert not induction_rgb(field).any()


def test_the_scale_of_a_film_that_fills_the_field_is_its_own():
    field = np.zeros((2, 64, 48), np.float32)
    field[1] = 10.0
    field[1, :, ::2] = -10.0
    assert induction_scale_t_nm(field) == pytest.approx(10.0)


def test_steep_edges_do_not_darken_the_domains():
    field = np.zeros((2, 64, 64), np.float32)
    field[0, :, :24] = 10.0
    field[0, :, 24:26] = 80.0
    assert induction_scale_t_nm(field) == pytest.approx(10.0)


def test_a_small_object_does_not_bring_out_the_noise_around_it():
    rng = np.random.default_rng(3)
    field = rng.uniform(-0.1, 0.1, (2, 64, 64)).astype(np.float32)
    field[0, :8, :8] = 20.0
    assert induction_scale_t_nm(field) == pytest.approx(2.0, rel=0.1)


def test_a_single_hot_pixel_does_not_darken_the_rest():
    field = np.array(np.broadcast_to(uniform_field(0.0)[:, :1, :1], (2, 64, 64)))
    field[0, 5, 5] = 1e6
    assert induction_scale_t_nm(field) == pytest.approx(1.0)


def test_the_wheel_is_transparent_outside_and_opaque_inside():
    wheel = colour_wheel(WHEEL_PX)
    assert wheel.shape == (WHEEL_PX, WHEEL_PX, 4)
    assert wheel[0, 0, 3] == wheel[-1, 0, 3] == 0
    assert wheel[CENTRE, CENTRE].tolist() == [0, 0, 0, 255]
