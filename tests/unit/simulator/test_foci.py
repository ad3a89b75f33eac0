"""As many foci as the finest waves of a frame need, and no more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ltemlive.physics.electron import wavelength_nm
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.foci import MOST_OFF, foci
from simulator.imaging import Imaging
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

LAMBDA_NM = wavelength_nm(200.0)
PIXEL_NM = 5.0


def foci_of(spread_nm, pixel_nm=PIXEL_NM):
    return foci(spread_nm, pixel_nm=pixel_nm, wavelength_nm=LAMBDA_NM)


@pytest.mark.parametrize("spread_nm", [0.0, 50.0, 500.0, 3e3, 1e4, 2e4, 6e4, 3e5, 1e6])
def test_no_wave_in_the_frame_is_damped_otherwise_than_by_a_gaussian(spread_nm):
    weights, off_nm = np.transpose(foci_of(spread_nm))
    corner_squared = 2.0 * (0.5 / PIXEL_NM) ** 2
    per_nm = math.pi * LAMBDA_NM * np.linspace(0.0, corner_squared, 3001)
    damping = np.cos(np.multiply.outer(per_nm, off_nm)) @ weights
    expected = np.exp(-0.5 * (per_nm * spread_nm) ** 2)
    np.testing.assert_allclose(damping, expected, atol=MOST_OFF)
    assert (weights @ off_nm, weights.sum()) == pytest.approx((0.0, 1.0), abs=1e-9)


@pytest.mark.parametrize(
    ("spread_nm", "pixel_nm", "count"),
    [(0.0, 5.0, 1), (50.0, 5.0, 1), (500.0, 5.0, 3), (500.0, 1.0, 9), (2.5e3, 1.0, 19)],
)
def test_there_are_no_more_foci_than_that_takes(spread_nm, pixel_nm, count):
    assert len(foci_of(spread_nm, pixel_nm)) == count


@pytest.mark.parametrize("defocus_nm", [0.0, 1e5])
@pytest.mark.parametrize(
    "imaging",
    [
        Imaging(),
        Imaging(model="incoherent", oversampling=1),
        Imaging(model="incoherent", oversampling=2),
    ],
)
def test_however_wide_the_spread_it_is_the_mean_of_many_images(imaging, defocus_nm):
    spread_nm, draws = 1.0e5, np.linspace(-4.0, 4.0, 121)
    along = np.arange(-32, 32) * PIXEL_NM
    phase = 2.0 * np.exp(-np.add.outer(along**2, along**2) / 10.0**2)
    phase[:, 20:] += 2.0  # an edge has the finest waves of the grid that it is on

    def image(at_nm, **optics):
        stated = {"voltage_kv": 200.0, "pixel_nm": PIXEL_NM, "convergence_mrad": 0.0}
        column = VirtualMicroscope(
            Specimen(phase, np.ones_like(phase), PIXEL_NM, margin_px=0),
            Microscope.model_validate(stated | optics),
            Detector(),
            imaging=imaging,
        )
        return column.image(at_nm)

    images = [image(defocus_nm + spread_nm * draw) for draw in draws]
    mean = np.average(images, axis=0, weights=np.exp(-0.5 * draws**2))
    spread = image(defocus_nm, defocus_spread_nm=spread_nm)
    assert mean.std() > 0.01
    np.testing.assert_allclose(spread, mean, atol=3e-3)
