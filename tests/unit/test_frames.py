import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import FrameError
from ltemlive.frames import MAX_SIDE_PX, MIN_SIDE_PX, PIXEL_TYPES, Frame, FrameMeta


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
