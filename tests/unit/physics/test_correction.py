"""A camera's raw frames, corrected: what it did to them is undone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.camera import Camera, CameraSettings
from ltemlive.errors import FrameError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.physics.correction import as_corrected, corrected_frame, corrected_shape
from ltemlive.series import Microscope

SHAPE = (60, 88)
MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=5.0)


def scene(y_nm, x_nm):
    """Return an uneven intensity at points in the holder's axes, middle at (0, 0)."""
    waves = [(0.07, 0.01, 0.2), (-0.02, 0.05, 1.3), (0.03, -0.06, 0.7)]
    return 400.0 + sum(60.0 * np.cos(a * y_nm + b * x_nm + c) for a, b, c in waves)


def grid(shape, height_nm, width_nm):
    """Return (y, x) in nm from the middle of an image."""
    y, x = ((np.arange(side) - (side - 1) / 2) for side in shape)
    return np.meshgrid(y * height_nm, x * width_nm, indexing="ij")


def raw_scene(shape=SHAPE, *, width_nm=5.0, aspect=1.0, flip="none", rotation_deg=0.0):
    """Return the scene as a camera sees it that mirrors it and is turned against it.

    By the words of ``CameraSettings``: what the camera shows, flipped and then turned by
    ``rotation_deg`` from x towards y, is the scene. So the camera's x points there.
    """
    y, x = grid(shape, aspect * width_nm, width_nm)
    if flip == "left_right":
        x = -x
    if flip == "up_down":
        y = -y
    angle = math.radians(rotation_deg)
    along_x = np.cos(angle) * x - np.sin(angle) * y
    along_y = np.sin(angle) * x + np.cos(angle) * y
    return scene(along_y, along_x)


def corrected(image, *, dark=None, gain=None, **keys):
    references = {"dark": dark, "gain": gain}
    files = {key: f"{key}.tif" for key, each in references.items() if each is not None}
    camera = Camera(CameraSettings(**files, **keys), dark, gain)
    return corrected_frame(Frame(FrameMeta(seq=3, pixel_nm=5.0), image), camera)


def test_a_camera_that_does_nothing_leaves_the_frame_as_it_is():
    frame = Frame(FrameMeta(seq=0), np.arange(400, dtype=np.uint8).reshape(20, 20))
    assert corrected_frame(frame, Camera()) is frame
    assert as_corrected(MICROSCOPE, Camera()) == MICROSCOPE


def test_dark_is_subtracted_and_gain_multiplied():
    rng = np.random.default_rng(1)
    truth = raw_scene()
    dark = rng.integers(90, 110, SHAPE).astype(np.uint16)
    factor = rng.uniform(0.8, 1.25, SHAPE)
    factor /= factor.mean()
    raw = (truth / factor + dark).astype(np.float32)
    found = corrected(raw, dark=dark, gain=7.0 * factor)
    np.testing.assert_allclose(found.image, truth, rtol=1e-4)
    assert found.image.dtype == np.float32


def test_a_pixel_without_gain_is_bad_and_so_is_a_hot_one():
    gain = np.ones(SHAPE)
    gain[10, 20], gain[11, 30] = 0.0, np.nan
    raw = np.random.default_rng(6).poisson(raw_scene()).astype(np.float32)
    raw[40, 50] = 60_000.0
    found = corrected(raw, gain=gain)
    assert np.argwhere(np.isnan(found.image)).tolist() == [[10, 20], [11, 30], [40, 50]]


@pytest.mark.parametrize("flip", ["none", "left_right", "up_down"])
@pytest.mark.parametrize("rotation_deg", [0.0, 90.0, -90.0, 180.0, 270.0])
def test_quarter_turns_and_mirrors_are_undone_exactly(flip, rotation_deg):
    raw = raw_scene(flip=flip, rotation_deg=rotation_deg).astype(np.float32)
    found = corrected(raw, flip=flip, rotation_deg=rotation_deg).image
    assert sorted(found.shape) == sorted(SHAPE)
    np.testing.assert_allclose(found, scene(*grid(found.shape, 5.0, 5.0)), rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    aspect=st.sampled_from([0.8, 1.0, 1.1, 1.5]),
    flip=st.sampled_from(["none", "left_right", "up_down"]),
    rotation_deg=st.floats(-360.0, 360.0),
)
def test_any_turn_and_any_pixel_are_undone(aspect, flip, rotation_deg):
    raw = raw_scene(aspect=aspect, flip=flip, rotation_deg=rotation_deg)
    keys = {"pixel_aspect": aspect, "flip": flip, "rotation_deg": rotation_deg}
    found = corrected(raw.astype(np.float32), **keys)
    camera = Camera(CameraSettings(**keys))
    assert found.image.shape == corrected_shape(SHAPE, camera)
    pixel_nm = as_corrected(MICROSCOPE, camera).pixel_nm
    assert pixel_nm == found.meta.pixel_nm == pytest.approx(5.0 * max(aspect, 1.0))
    expected = scene(*grid(found.image.shape, pixel_nm, pixel_nm))
    # The cosine transform takes the frame for mirrored, which it is not at its edges.
    np.testing.assert_allclose(found.image[6:-6, 6:-6], expected[6:-6, 6:-6], rtol=0.02)


def test_what_is_kept_of_a_turned_frame_lies_within_it():
    raw = np.full((100, 140), 50.0, np.float32)
    raw += np.random.default_rng(2).standard_normal(raw.shape).astype(np.float32)
    for angle in (3.0, 30.0, 45.0, 77.0, 135.0):
        ny, nx = corrected(raw, rotation_deg=angle).image.shape
        cosine, sine = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
        assert ny * cosine + nx * sine <= 100 + 1e-6
        assert nx * cosine + ny * sine <= 140 + 1e-6
        # No other place of its corners would keep more: one more pixel does not fit.
        assert (ny + 2) * cosine + (nx + 2) * sine > 100


def test_noise_stays_white_when_a_frame_is_turned():
    rng = np.random.default_rng(3)
    raw = (100.0 + 10.0 * rng.standard_normal((256, 256))).astype(np.float32)
    turned = corrected(raw, rotation_deg=17.0).image
    assert turned.std() == pytest.approx(10.0, rel=0.03)
    neighbours = np.mean((turned[:, 1:] - 100.0) * (turned[:, :-1] - 100.0)) / 100.0
    # Its waves fill a square that is turned with it: not quite those of the new pixels.
    assert abs(neighbours) < 0.06


def test_crop_and_binning_are_in_raw_pixels():
    raw = np.arange(60 * 88, dtype=np.float32).reshape(SHAPE)
    found = corrected(raw, crop=(4, 8, 57, 80), binning=2)
    expected = raw[4:56, 8:80].reshape(26, 2, 36, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(found.image, expected)
    assert found.meta.pixel_nm == 10.0


def test_binned_pixels_survive_one_bad_part_but_not_most_of_them():
    raw = np.random.default_rng(4).poisson(200.0, (64, 64)).astype(np.float32)
    raw[10, 10] = raw[20, 20] = raw[20, 21] = raw[21, 20] = np.nan
    found = corrected(raw, binning=2).image
    assert np.argwhere(np.isnan(found)).tolist() == [[10, 10]]
    assert found[5, 5] == pytest.approx(200.0, abs=40.0)


def test_saturated_pixels_are_told_from_what_was_not_corrected_yet():
    rng = np.random.default_rng(5)
    raw = np.minimum(rng.poisson(200.0, (64, 64)), 220).astype(np.uint16)
    gain = rng.uniform(0.9, 1.1, (64, 64))
    found = corrected(raw, gain=gain, rotation_deg=90.0).image
    np.testing.assert_array_equal(np.isposinf(found), np.rot90(raw == 220, -1))


@pytest.mark.parametrize("keys", [{"rotation_deg": 7.0}, {"pixel_aspect": 1.1}])
def test_what_is_saturated_does_not_ring_beside_it(keys):
    raw = np.random.default_rng(7).poisson(1000.0, (96, 96)).astype(np.float32)
    plain = corrected(raw, **keys).image
    raw[40:50, 30:60] = 65_535.0
    found = corrected(raw, **keys).image
    good = np.isfinite(found)
    assert 200 < np.isposinf(found).sum() < 500
    # Beside them the noise is another one, and no more.
    assert np.abs(found[good] - plain[good]).max() < 250.0


def test_counts_of_four_bytes_keep_their_digits():
    raw = raw_scene().round().astype(np.uint32) + np.uint32(2**28)
    found = corrected(raw, dark=np.full(SHAPE, 2**28, np.uint32))
    np.testing.assert_array_equal(found.image, raw_scene().round())


@pytest.mark.parametrize(
    ("keys", "dark_shape", "told"),
    [
        ({"crop": (0, 0, 61, 88)}, None, "camera.crop: expected a part of frames"),
        ({"binning": 4}, None, "at least 16 x 16 px"),
        ({"rotation_deg": 45.0, "binning": 3}, None, "at least 16 x 16 px"),
        ({}, (88, 60), "camera.dark: expected the shape (60, 88)"),
    ],
)
def test_what_does_not_fit_the_frames_is_named(keys, dark_shape, told):
    dark = np.zeros(dark_shape) if dark_shape else None
    with pytest.raises(FrameError) as caught:
        corrected(raw_scene().astype(np.float32), dark=dark, **keys)
    assert str(caught.value).startswith("frame 3: camera")
    assert told in str(caught.value)


def test_a_dark_reference_brighter_than_the_frame_is_named():
    with pytest.raises(FrameError, match="above the dark reference"):
        corrected(raw_scene().astype(np.float32), dark=np.full(SHAPE, 430.0))
