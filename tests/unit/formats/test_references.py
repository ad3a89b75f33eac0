"""The reference images of a camera."""

import numpy as np
import pytest
import tifffile

from ltemlive.camera import NO_CAMERA, Camera, CameraSettings
from ltemlive.errors import ConfigError
from ltemlive.formats.references import keep_references, load_camera

SHAPE = (20, 24)


@pytest.mark.parametrize("pixel_type", ["<u2", "<u4", "<f4", "<f8"])
def test_what_is_kept_is_what_was_there(pixel_type, tmp_path):
    dark = np.random.default_rng(1).integers(0, 200, SHAPE).astype(pixel_type)
    camera = Camera(CameraSettings(dark="elsewhere/d.mrc", binning=2), dark)
    kept = keep_references(tmp_path, camera)
    assert kept == CameraSettings(dark="dark.tif", binning=2)
    loaded = load_camera(tmp_path, kept, where="series.yaml")
    np.testing.assert_array_equal(loaded.dark, dark)
    assert loaded.dark.dtype == dark.dtype
    assert keep_references(tmp_path, loaded) == kept


def test_no_camera_is_none(tmp_path):
    assert load_camera(tmp_path, None, where="") is NO_CAMERA


def test_a_gain_that_says_nothing_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "g.tif", np.zeros(SHAPE, np.float32))
    with pytest.raises(ConfigError) as caught:
        load_camera(tmp_path, CameraSettings(gain="g.tif"), where="series.yaml")
    assert str(caught.value).startswith("series.yaml: camera.gain: ")
    assert str(caught.value).endswith("expected factors above 0, got none")


def test_a_gain_that_was_copied_in_part_is_named(tmp_path):
    gain = np.ones(SHAPE, np.float32)
    gain[12:] = 0.0
    tifffile.imwrite(tmp_path / "g.tif", gain)
    with pytest.raises(ConfigError, match="zeros in the last 8 of 20 rows"):
        load_camera(tmp_path, CameraSettings(gain="g.tif"), where="series.yaml")
