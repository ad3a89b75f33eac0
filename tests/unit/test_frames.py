import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import FrameError
from ltemlive.frames import (
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    PIXEL_TYPES,
    Frame,
    FrameMeta,
    check_usable,
)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(PIXEL_TYPES),
    st.integers(MIN_SIDE_PX, 64),
    st.integers(MIN_SIDE_PX, 64),
)
def test_an_image_of_each_pixel_type_and_any_shape_is_a_frame(dtype, ny, nx):
    image = np.ones((ny, nx), dtype)
    assert Frame(FrameMeta(seq=3), image).image is image


@pytest.mark.parametrize(
    "shape", [(15, 64), (64, 15), (64,), (3, 64, 64), (64, 64, 3), (0, 0), ()]
)
def test_another_shape_is_refused_with_what_came(shape):
    with pytest.raises(FrameError, match=r"^frame 3: expected .* got shape \(") as refusal:
        Frame(FrameMeta(seq=3), np.ones(shape, "<u2"))
    assert str(shape) in str(refusal.value)


def test_a_side_beyond_the_limit_is_refused():
    thin = np.broadcast_to(np.uint8(1), (MIN_SIDE_PX, MAX_SIDE_PX + 1))
    with pytest.raises(FrameError, match="16384"):
        Frame(FrameMeta(seq=0), thin)


@pytest.mark.parametrize("dtype", ["<c8", "|b1", "<i8", "<f2", "|S1", "|O"])
def test_another_pixel_type_is_refused(dtype):
    with pytest.raises(FrameError, match=r"expected a pixel type of .* got"):
        Frame(FrameMeta(seq=0), np.ones((16, 16)).astype(dtype))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_an_image_without_one_finite_pixel_is_refused(value, dtype):
    image = np.full((16, 17), value, dtype)
    with pytest.raises(FrameError, match="no finite pixel"):
        Frame(FrameMeta(seq=0), image)
    image[3, 4] = 1.0
    assert Frame(FrameMeta(seq=0), image).image[3, 4] == 1.0


def test_what_nobody_has_said_is_none():
    meta = FrameMeta(seq=0)
    assert meta.defocus_nm is None
    assert meta.pixel_nm is None
    assert meta.meta == {}


def frame_of(image):
    return Frame(FrameMeta(seq=3), image)


def spotted(dtype, level, spot):
    """Return an image of one level with one other pixel."""
    image = np.full((16, 17), level, dtype)
    image[3, 4] = spot
    return image


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PIXEL_TYPES), st.integers(0, 127))
def test_an_image_of_one_value_cannot_be_used_whatever_the_value(dtype, value):
    image = np.full((16, 17), value, dtype)
    with pytest.raises(
        FrameError, match=rf"^frame 3: .* the constant value {value} \(blank"
    ):
        check_usable(frame_of(image))
    image[3, 4] = value + 1 if value < 127 else 0
    assert check_usable(frame_of(image)) is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((16, 17), 65535, "<u2"), "the constant value 65535 (blank or saturated"),
        (spotted("<f4", 7.5, np.nan), "the constant value 7.5 (blank or saturated"),
        (spotted("<f8", 1.0, 1.0 + 1e-12), "the constant value 1 (blank or saturated"),
        (spotted("<f8", 1.0, -1e300), "that float32 can hold, got 1e+300"),
        (np.full((16, 17), 1e39, "<f8"), "that float32 can hold, got 1e+39"),
        (spotted("<i2", -5, -2), "got no value above -2 (too much background"),
        (spotted("<f4", -1.5, 0.0), "got no value above 0 (too much background"),
    ],
)
def test_an_image_that_shows_nothing_cannot_be_used(image, reason):
    with pytest.raises(FrameError, match=r"^frame 3: expected ") as refusal:
        check_usable(frame_of(image))
    assert reason in str(refusal.value)


@pytest.mark.parametrize("spot", [np.nan, np.inf, 3e38, -9.0])
def test_pixels_that_are_dead_do_not_spoil_an_image(spot):
    image = spotted("<f8", 1.0, spot)
    image[5, 5] = 2.0
    assert check_usable(frame_of(image)) is None
