from __future__ import annotations

import math

import numpy as np
import pytest

from ltemlive.formats.series import read_series
from ltemlive.physics.correction import corrected_frame
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.flaws import CameraScenario, make_flaws
from simulator.folder_emitter import DirectoryEmitter
from simulator.scenario import Scenario

SHAPE = (64, 64)


def camera(**stated):
    return make_flaws(CameraScenario(**stated), SHAPE, np.random.default_rng(1))


def acquisition(**changes) -> Acquisition:
    document = {
        "specimen": {"size_px": 64, "margin_px": 16},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": [0.0, 1e5],
        "noise": {"kind": "poisson", "dose_e_per_px": 400.0},
        **changes,
    }
    return Acquisition(Scenario.model_validate(document))


@pytest.mark.parametrize("shape", ["gaussian", "lorentzian"])
def test_the_transfer_at_half_nyquist_is_what_is_stated(shape):
    wave = np.cos(math.pi * 32 * (np.arange(64) + 0.5) / 64)  # of four pixels
    for image in (np.tile(wave, (64, 1)), np.tile(wave, (64, 1)).T):
        blurred = camera(mtf=0.6, mtf_shape=shape).blurred(1.0 + image)
        np.testing.assert_allclose(blurred, 1.0 + 0.6 * image, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "expected"), [("gaussian", 0.6**4), ("lorentzian", 3 / 11)]
)
def test_the_spectrum_is_multiplied_by_the_transfer(shape, expected):
    wave = np.cos(math.pi * 63 * (np.arange(64) + 0.5) / 64)
    times = (63 / 32) ** 2
    factor = 0.6**times if shape == "gaussian" else 1.0 / (1.0 + times * 2.0 / 3.0)
    blurred = camera(mtf=0.6, mtf_shape=shape).blurred(np.tile(wave, (64, 1)))
    np.testing.assert_allclose(blurred, factor * np.tile(wave, (64, 1)), atol=1e-12)
    assert factor == pytest.approx(expected, rel=0.1)


def test_a_blur_loses_no_electron():
    image = np.random.default_rng(2).random(SHAPE)
    assert camera(mtf=0.3).blurred(image).mean() == pytest.approx(image.mean())


def test_the_daemon_s_own_correction_undoes_gain_and_dark():
    flat = {"gain_spread": 0.1, "dark_counts": 50.0, "dark_spread_counts": 5.0}
    ideal = list(acquisition().frames())
    spoilt = acquisition(camera=flat)
    references = spoilt.announcement.camera
    for clean, raw in zip(ideal, spoilt.frames(), strict=True):
        assert np.abs(raw.image / clean.image.mean() - 1.0).mean() > 0.05
        corrected = corrected_frame(raw, references).image
        # The same electrons; only the mean of the factors over the frame is not known.
        scale = corrected.mean() / clean.image.mean()
        assert scale == pytest.approx(1.0, abs=0.02)
        np.testing.assert_allclose(corrected, scale * clean.image, rtol=1e-3)


def test_dead_pixels_are_marked_in_the_gain_and_hot_ones_are_found():
    stated = {"dead_share": 0.003, "hot_share": 0.003, "read_noise_counts": 2.0}
    spoilt = acquisition(camera=stated)
    frame = next(iter(spoilt.frames()))
    corrected = corrected_frame(frame, spoilt.announcement.camera).image
    flaws = make_flaws(CameraScenario(**stated), SHAPE, np.random.default_rng([1, 4]))
    is_dead, is_hot = flaws.sensitivity == 0.0, flaws.hot > 0.0
    assert is_dead.any()
    assert is_hot.any()
    assert np.isnan(corrected[is_dead]).all()
    assert np.isnan(corrected[is_hot]).all()
    assert np.isfinite(corrected[~is_dead & ~is_hot]).all()


def test_counts_end_at_the_bit_depth():
    stated = {"counts_per_electron": 4.0, "bit_depth": 10}
    frames = acquisition(camera=stated, pixel_type="<u2").frames()
    image = next(iter(frames)).image
    assert image.dtype == np.dtype("<u2")
    assert image.max() == 1023
    assert (image == 1023).mean() > 0.5


def test_bytes_saturate_at_255():
    detector = Detector("poisson", dose_e_per_px=1e4, pixel_type="|u1")
    reading = detector.read_out(np.ones(SHAPE), np.random.default_rng(0))
    assert reading.dtype == np.dtype("|u1")
    assert (reading == 255).all()


def test_the_references_lie_beside_the_frames(tmp_path):
    spoilt = acquisition(camera={"gain_spread": 0.1, "dark_counts": 5.0})
    emitter = DirectoryEmitter(tmp_path)
    emitter.start(spoilt.announcement)
    for frame in spoilt.frames():
        emitter.send(frame)
    stored = read_series(tmp_path)
    assert stored.microscope.camera is not None
    assert stored.microscope.camera.references == {"dark": "dark.tif", "gain": "gain.tif"}
    np.testing.assert_array_equal(stored.camera.gain, spoilt.announcement.camera.gain)
    assert len(stored.frames) == 2


def test_the_seed_draws_the_pixels_once_for_all_frames():
    stated = {"gain_spread": 0.2}
    one, same, other = (
        acquisition(camera=stated, seed=seed).announcement.camera.gain for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    first, second = (
        f.image for f in acquisition(camera=stated, defocus_nm=[0, 0]).frames()
    )
    assert np.corrcoef((first * one).ravel(), (second * one).ravel())[0, 1] < 0.9


def test_a_camera_without_flaws_needs_no_correction():
    assert not acquisition().announcement.camera.changes_frames
    assert not acquisition(camera={"mtf": 0.5}).announcement.camera.changes_frames
