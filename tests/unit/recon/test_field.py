import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.recon.field import ROW_STEP_PX, solved_field, split_shift
from ltemlive.series import Microscope

SHAPE = (20, 27)
FREE = Microscope(voltage_kv=200.0, pixel_nm=20.0)
PERIODIC = FREE.model_copy(update={"border": "periodic"})


def speckle(shape=SHAPE, seed=0):
    return (1.0 + np.random.default_rng(seed).random(shape)).astype(np.float32)


# The field that is solved for


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(16, 60), st.integers(16, 60)),
    border_px=st.integers(0, 70),
    mirror=st.booleans(),
)
def test_cropping_what_was_padded_gives_it_back(shape, border_px, mirror):
    field = solved_field(shape, FREE, border_px)
    image = speckle(shape)
    padded = field.pad(image, mirror=mirror)
    assert padded.shape == field.shape
    assert all(
        whole >= side + 2 * border_px
        for whole, side in zip(field.shape, shape, strict=True)
    )
    assert all(whole % ROW_STEP_PX == 0 for whole in field.shape)
    np.testing.assert_array_equal(field.crop(padded), image)


def test_a_periodic_field_has_no_border():
    field = solved_field(SHAPE, PERIODIC, 48)
    assert field.shape == SHAPE
    np.testing.assert_array_equal(field.pad(speckle(), mirror=True), speckle())


def test_the_frame_lies_in_the_middle_of_its_border():
    field = solved_field((32, 44), FREE, 8)
    assert field.shape == (48, 64)
    assert field.corner == (8, 10)


def test_the_border_is_a_mirror_or_nothing():
    field = solved_field((32, 32), FREE, 8)
    image = speckle((32, 32))
    mirrored, bare = (field.pad(image, mirror=mirror) for mirror in (True, False))
    np.testing.assert_array_equal(mirrored[7::-1, 8:-8], image[:8])
    assert not bare[:8].any()


# Where frames lie on it

SHIFTS = st.tuples(st.integers(-40, 40), st.integers(-40, 40))


@settings(max_examples=60, deadline=None)
@given(whole=SHIFTS, border_px=st.integers(0, 20))
def test_each_pixel_of_a_frame_lies_where_the_reference_frame_shows_it(whole, border_px):
    field = solved_field(SHAPE, FREE, border_px)
    image = speckle()
    placed = field.place(image, whole, unseen=-1.0)
    seen = 0
    for (y, x), value in np.ndenumerate(image):
        at = y - whole[0] + field.corner[0], x - whole[1] + field.corner[1]
        if all(0 <= place < side for place, side in zip(at, field.shape, strict=True)):
            assert placed[at] == value
            seen += 1
    assert (placed == -1.0).sum() == placed.size - seen


@settings(max_examples=20, deadline=None)
@given(whole=SHIFTS)
def test_a_periodic_field_goes_on_at_its_other_side(whole):
    field = solved_field(SHAPE, PERIODIC, 0)
    image = speckle()
    moved = np.roll(image, whole, axis=(0, 1))
    np.testing.assert_array_equal(field.place(moved, whole, unseen=-1.0), image)


@settings(max_examples=20, deadline=None)
@given(whole=SHIFTS)
def test_a_ramp_moves_an_image(whole):
    field = solved_field((32, 27), PERIODIC, 0)
    image = speckle((32, 27))
    moved = np.fft.ifft2(np.fft.fft2(image) * field.ramp(whole))
    np.testing.assert_allclose(moved, np.roll(image, whole, axis=(0, 1)), atol=1e-4)


@given(st.tuples(st.floats(-300.0, 300.0), st.floats(-300.0, 300.0)))
def test_a_shift_is_whole_pixels_and_at_most_half_of_one(shift_px):
    whole, part = split_shift(shift_px)
    assert max(map(abs, part)) <= 0.5
    assert np.add(whole, part) == pytest.approx(shift_px)
