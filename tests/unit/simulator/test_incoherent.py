from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from ltemlive.physics.electron import wavelength_nm
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.imaging import Imaging
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

SIDE_PX = 64
PIXEL_NM = 5.0
LAMBDA_NM = wavelength_nm(200.0)


def spot(radius_nm: float, side_px: int = SIDE_PX):
    along = (np.arange(side_px) - side_px // 2) * PIXEL_NM
    return np.exp(-np.add.outer(along**2, along**2) / radius_nm**2)


def column(phase_rad, amplitude=None, *, margin_px=0, imaging=None, **changes):
    amplitude = np.ones_like(phase_rad) if amplitude is None else amplitude
    stated = {"voltage_kv": 200.0, "pixel_nm": PIXEL_NM, "convergence_mrad": 0.0} | changes
    optics = Microscope.model_validate(stated)
    specimen = Specimen(phase_rad, amplitude, optics.pixel_nm, margin_px)
    imaging = imaging or Imaging()
    return VirtualMicroscope(specimen, optics, Detector(), imaging=imaging)


def summed(**changes) -> Imaging:
    return Imaging(model="incoherent", **({"oversampling": 1} | changes))


PHASE, AMPLITUDE = 2.0 * spot(40.0), 1.0 - 0.3 * spot(60.0)


@pytest.mark.parametrize("oversampling", [1, 3])
@pytest.mark.parametrize("defocus_nm", [0.0, -2e5])
def test_no_electron_is_lost_without_an_aperture(oversampling, defocus_nm):
    optics = {
        "convergence_mrad": 0.03,
        "defocus_spread_nm": 5e3,
        "spherical_aberration_nm": 1e9,
        "astigmatism_nm": 1e5,
        "astigmatism_deg": 30.0,
    }
    imaging = summed(oversampling=oversampling)
    seen = column(PHASE, AMPLITUDE, imaging=imaging, **optics)
    assert seen.image(defocus_nm).mean() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("defocus_nm", [0.0, 2e5, -1.5e6])
def test_for_pure_defocus_the_sum_over_tilts_is_a_blur_of_the_image(defocus_nm):
    stated = {"convergence_mrad": 0.02, "defocus_spread_nm": 500.0}
    formula = column(PHASE, AMPLITUDE, **stated).image(defocus_nm)
    imaging = summed(tilt_step_px=1.0)
    added = column(PHASE, AMPLITUDE, imaging=imaging, **stated).image(defocus_nm)
    np.testing.assert_allclose(added, formula, atol=2e-3)


def test_of_a_weak_phase_the_sum_is_what_the_envelope_on_the_wave_says():
    # Linear imaging: I = 1 + 2 sin(chi) D phase, with De Graef's D for both kinds of
    # coherence. In focus the blur of the image would leave D = 1.
    n_waves, weak_rad, spherical_nm, theta = 24, 1e-2, 5.0e10, 1e-5
    wave = np.cos(2.0 * math.pi * n_waves * np.arange(SIDE_PX) / SIDE_PX)
    weak = np.tile(weak_rad * wave, (SIDE_PX, 1))
    stated = {
        "pixel_nm": 1.0,
        "convergence_mrad": theta * 1e3,
        "spherical_aberration_nm": spherical_nm,
    }
    image = column(weak, imaging=summed(), **stated).image(0.0)
    q_per_nm = n_waves / SIDE_PX
    chi = 0.5 * math.pi * spherical_nm * LAMBDA_NM**3 * q_per_nm**4
    slope = spherical_nm * LAMBDA_NM**3 * q_per_nm**3
    damping = math.exp(-((math.pi * theta / LAMBDA_NM * slope) ** 2))
    assert 0.2 < damping < 0.8
    contrast = 2.0 * np.mean((image - 1.0) * wave / weak_rad)
    assert contrast == pytest.approx(2.0 * math.sin(chi) * damping, rel=0.02)
    blurred = column(weak, **stated).image(0.0)
    undamped = 2.0 * np.mean((blurred - 1.0) * wave / weak_rad)
    assert undamped == pytest.approx(2.0 * math.sin(chi), rel=0.02)


def test_of_a_strong_phase_the_envelope_on_the_wave_says_something_else():
    stated = {"convergence_mrad": 0.02}
    added = column(PHASE, imaging=summed(), **stated).image(1.5e6)
    damped = column(PHASE, coherence="wave", **stated).image(1.5e6)
    assert np.abs(added - damped).max() > 0.1


def test_astigmatism_blurs_more_along_its_axis():
    hole = spot(20.0)
    stated = {"convergence_mrad": 0.05, "astigmatism_nm": 1e5}
    along_nm = (np.arange(SIDE_PX) - SIDE_PX // 2) * PIXEL_NM
    variances = []
    for convergence_mrad in (0.0, 0.05):
        optics = stated | {"convergence_mrad": convergence_mrad}
        image = column(0.0 * hole, hole, imaging=summed(), **optics).image(2e5)
        profiles = image.sum(axis=1), image.sum(axis=0)
        variances.append([(each * along_nm**2).sum() / each.sum() for each in profiles])
    wider_nm = np.sqrt(np.subtract(variances[1], variances[0]))
    expected_nm = 5e-5 / math.sqrt(2.0) * np.array([1e5, 3e5])
    np.testing.assert_allclose(wider_nm, expected_nm, rtol=0.03)


def test_a_spread_of_the_defocus_is_the_mean_of_many_images():
    spread_nm, defocus_nm = 2.0e4, 1.0e5
    draws = np.linspace(-4.0, 4.0, 41)
    sharp = column(PHASE, imaging=summed())
    images = [sharp.image(defocus_nm + spread_nm * draw) for draw in draws]
    mean = np.average(images, axis=0, weights=np.exp(-0.5 * draws**2))
    spread = column(PHASE, imaging=summed(), defocus_spread_nm=spread_nm)
    np.testing.assert_allclose(spread.image(defocus_nm), mean, atol=1e-3)


def test_finer_steps_of_the_tilt_change_little():
    coarse, fine = (
        column(PHASE, AMPLITUDE, imaging=summed(tilt_step_px=step), convergence_mrad=0.02)
        for step in (1.5, 0.5)
    )
    np.testing.assert_allclose(coarse.image(1.5e6), fine.image(1.5e6), atol=5e-3)


def test_a_pixel_counts_all_that_falls_on_it():
    # Of a hole as wide as the field is smooth, the pixels are the means of finer ones.
    smooth = 1.0 - 0.5 * spot(80.0)
    finer = column(0.0 * smooth, smooth, imaging=summed(oversampling=4)).image(0.0)
    curved = sum(np.roll(smooth**2, by, axis) for by in (-1, 1) for axis in (0, 1))
    expected = smooth**2 + (curved - 4.0 * smooth**2) / 24.0  # of second order
    np.testing.assert_allclose(finer, expected / (smooth**2).mean(), atol=3e-4)


def test_what_lies_outside_the_margin_does_not_reach_the_frame():
    wide = 3.0 * np.add.outer(np.linspace(0, 1, 160), np.linspace(0, 2, 160))
    wide += 2.0 * spot(60.0, 160)
    narrow = wide[16:-16, 16:-16]
    images = [
        column(field, margin_px=margin, imaging=summed(), convergence_mrad=0.01).image(4e5)
        for field, margin in ((wide, 48), (narrow, 32))
    ]
    np.testing.assert_allclose(images[0], images[1], atol=0.01)


def test_an_aperture_takes_what_is_scattered_beyond_it():
    n_waves = 8
    angle_mrad = LAMBDA_NM * n_waves / (SIDE_PX * PIXEL_NM) * 1e3
    grating = np.tile(
        0.5 * np.cos(2.0 * math.pi * n_waves * np.arange(SIDE_PX) / SIDE_PX), (SIDE_PX, 1)
    )
    wide = column(grating, imaging=summed(aperture_mrad=50.0)).image(2e5)
    np.testing.assert_allclose(wide, column(grating, imaging=summed()).image(2e5))
    narrow = column(grating, imaging=summed(aperture_mrad=0.5 * angle_mrad)).image(2e5)
    # What goes straight on is the Bessel function J0 of the phase's amplitude.
    np.testing.assert_allclose(narrow, 0.938470**2, atol=1e-4)


def test_an_aperture_beside_the_beam_shows_the_phase_in_focus():
    # With the beam of one side alone, I = |1 + i/2 phase exp(+-i2 pi q x)|^2.
    n_waves = 8
    angle_mrad = LAMBDA_NM * n_waves / (SIDE_PX * PIXEL_NM) * 1e3
    turns = 2.0 * math.pi * n_waves * np.arange(SIDE_PX) / SIDE_PX
    grating = np.tile(0.01 * np.cos(turns), (SIDE_PX, 1))
    imaging = summed(
        aperture_mrad=0.8 * angle_mrad, aperture_centre_mrad=(0.0, 0.5 * angle_mrad)
    )
    image = column(grating, imaging=imaging).image(0.0)
    expected = 1.0 - 0.01 * np.tile(np.sin(turns), (SIDE_PX, 1))
    np.testing.assert_allclose(image, expected, atol=2e-4)


def test_frames_lie_where_those_of_the_formula_lie():
    phase, amplitude = np.roll(PHASE, (5, 3), (0, 1)), np.roll(AMPLITUDE, (5, 3), (0, 1))
    placed = {"shift_px": (3.25, -2.0), "rotation_deg": 5.0, "magnification": 1.04}
    formula = column(phase, amplitude).image(1e5, **placed)
    for oversampling, tolerance in ((1, 1e-4), (2, 0.03)):
        imaging = summed(oversampling=oversampling)
        added = column(phase, amplitude, imaging=imaging).image(1e5, **placed)
        np.testing.assert_allclose(added, formula, atol=tolerance)


def test_an_aperture_needs_images_that_are_added_up():
    with pytest.raises(ValidationError, match=r"imaging\.model: incoherent"):
        Imaging(aperture_mrad=1.0)
