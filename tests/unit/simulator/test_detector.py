from __future__ import annotations

import numpy as np
import pytest

from simulator.detector import Detector

FLAT = np.ones((64, 64))


def test_without_noise_the_reading_is_the_intensity():
    intensity = np.linspace(0.5, 1.5, 64 * 64).reshape(64, 64)
    reading = Detector().read_out(intensity, np.random.default_rng(0))
    assert reading.dtype == np.dtype("<f4")
    np.testing.assert_allclose(reading, intensity, rtol=1e-6)


def test_ten_percent_is_a_standard_deviation_of_0_05_on_the_square_root():
    reading = Detector("gaussian", level=0.1).read_out(FLAT, np.random.default_rng(0))
    assert reading.std() == pytest.approx(0.1, rel=0.05)
    assert np.sqrt(reading).std() == pytest.approx(0.05, rel=0.06)


def test_counts_are_electrons_and_as_noisy_as_electrons():
    camera = Detector("poisson", dose_e_per_px=100.0, pixel_type="<u2")
    reading = camera.read_out(FLAT, np.random.default_rng(0))
    assert reading.dtype == np.dtype("<u2")
    assert reading.mean() == pytest.approx(100.0, rel=0.01)
    assert reading.std() == pytest.approx(10.0, rel=0.05)


def test_a_full_pixel_saturates():
    camera = Detector("poisson", dose_e_per_px=1e6, pixel_type="<u2")
    assert (camera.read_out(FLAT, np.random.default_rng(0)) == 65535).all()
