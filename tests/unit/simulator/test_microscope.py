from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics import optics
from ltemlive.physics.electron import wavelength_nm
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.magnetism import magnetic_phase
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

SIDE_PX = 64
PIXEL_NM = 5.0
PLANCK_J_S = 6.62607015e-34
ELECTRON_CHARGE_C = 1.602176634e-19


def positions(side_px: int = SIDE_PX):
    along = (np.arange(side_px) - side_px // 2) * PIXEL_NM
    return along[:, np.newaxis], along[np.newaxis, :]


def spot(radius_nm: float, side_px: int = SIDE_PX):
    y, x = positions(side_px)
    return np.exp(-(y**2 + x**2) / radius_nm**2)


def column(
    phase_rad, amplitude=None, *, margin_px: int = 0, **changes
) -> VirtualMicroscope:
    amplitude = np.ones_like(phase_rad) if amplitude is None else amplitude
    specimen = Specimen(phase_rad, amplitude, PIXEL_NM, margin_px)
    stated = {"voltage_kv": 200.0, "pixel_nm": PIXEL_NM, "convergence_mrad": 0.0} | changes
    return VirtualMicroscope(specimen, Microscope.model_validate(stated), Detector())


def centre_of_mass_nm(image):
    y, x = ((np.arange(side) - side // 2) * PIXEL_NM for side in image.shape)
    return (image.T * y).sum() / image.sum(), (image * x).sum() / image.sum()


def test_in_focus_a_pure_phase_is_invisible():
    image = column(3.0 * spot(40.0), convergence_mrad=0.1).image(0.0)
    np.testing.assert_allclose(image, 1.0, atol=1e-12)


def test_in_focus_the_image_is_the_squared_amplitude():
    amplitude = 1.0 - 0.4 * spot(40.0)
    image = column(2.0 * spot(30.0), amplitude).image(0.0)
    np.testing.assert_allclose(image, amplitude**2 / (amplitude**2).mean(), atol=1e-12)


def test_a_converging_specimen_is_dark_in_underfocus_and_bright_in_overfocus():
    # Geometric optics: a lens of focal length f, phase -pi r^2 / (lambda f), narrows a ray
    # pencil by 1 - z/f at the distance z downstream; underfocus looks at z = -defocus.
    focal_nm, side_px = 4.0e6, 128
    y, x = positions(side_px)
    fade = spot(400.0, side_px) ** 2
    lens = -math.pi * (y**2 + x**2) / (wavelength_nm(200.0) * focal_nm)
    seen = column(lens * np.where(np.hypot(y, x) < 200.0, 1.0, fade))
    for defocus_nm in (2.0e5, -2.0e5):
        z_over_f = -defocus_nm / focal_nm
        brightness = seen.image(defocus_nm)[side_px // 2, side_px // 2]
        assert brightness == pytest.approx((1.0 - z_over_f) ** -2, rel=0.02)


def test_uniform_induction_deflects_like_the_lorentz_force():
    # F = -e v x B: with v along +z (into the image) and B along +y (down), F is along +x
    # and has given an electron the momentum e B t when it has crossed the film. It walks to
    # the right, and is the farther right the farther downstream one looks: in OVERfocus.
    force_x, force_y, _ = -np.cross([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    assert (force_x, force_y) == (1.0, 0.0)
    induction_t_nm, distance_nm = 40.0, 1.0e6
    momentum = PLANCK_J_S / (wavelength_nm(200.0) * 1e-9)
    angle = ELECTRON_CHARGE_C * induction_t_nm * 1e-9 / momentum

    # A long strip, whose far ends take 8 % of its induction away; above its middle a hole
    # in a mask lets a narrow beam through.
    shape = (192, 64)
    moment = np.zeros((2, *shape))
    moment[0, :, 20:44] = induction_t_nm
    phase = magnetic_phase(moment, pixel_nm=PIXEL_NM)
    y, x = ((np.arange(side) - side // 2) * PIXEL_NM for side in shape)
    beam = np.exp(-(y[:, np.newaxis] ** 2 + x**2) / 30.0**2)
    seen = column(phase, beam)

    downstream = centre_of_mass_nm(seen.image(-distance_nm))
    upstream = centre_of_mass_nm(seen.image(distance_nm))
    assert downstream[1] == pytest.approx(force_x * angle * distance_nm, rel=0.1)
    assert upstream[1] == pytest.approx(-force_x * angle * distance_nm, rel=0.1)
    assert downstream[0] == pytest.approx(0.0, abs=0.1 * PIXEL_NM)


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_contrast_of_a_weak_phase_reverses_through_focus(coherence):
    seen = column(0.01 * spot(30.0), coherence=coherence, convergence_mrad=0.01)
    under, over = seen.image(2e5) - 1.0, seen.image(-2e5) - 1.0
    assert np.abs(under).max() > 1e-3
    np.testing.assert_allclose(under, -over, atol=0.02 * np.abs(under).max())


def test_a_weak_wave_shows_with_the_sine_of_its_propagation():
    # I = 1 + 2 sin(chi) phase, chi = -pi lambda df q^2: minus the Fresnel phase.
    _, x = positions()
    q_per_nm = 4.0 / (SIDE_PX * PIXEL_NM)
    ripple = np.cos(2.0 * math.pi * q_per_nm * x) + np.zeros((SIDE_PX, 1))
    defocus_nm = 3.0e5
    chi = -math.pi * wavelength_nm(200.0) * defocus_nm * q_per_nm**2
    image = column(1e-4 * ripple).image(defocus_nm)
    np.testing.assert_allclose(image - 1.0, 2.0 * math.sin(chi) * 1e-4 * ripple, atol=1e-7)


def test_spherical_aberration_acts_as_overfocus_that_grows_with_the_angle():
    _, x = positions()
    q_per_nm = 24.0 / (SIDE_PX * PIXEL_NM)
    ripple = 1e-3 * np.cos(2.0 * math.pi * q_per_nm * x) + np.zeros((SIDE_PX, 1))
    spherical_nm = 1.0e11
    angle = wavelength_nm(200.0) * q_per_nm
    aberrated = column(ripple, spherical_aberration_nm=spherical_nm).image(0.0)
    overfocused = column(ripple).image(-0.5 * spherical_nm * angle**2)
    assert np.ptp(aberrated) > 1e-4
    np.testing.assert_allclose(aberrated, overfocused, atol=0.01 * np.ptp(aberrated))


def test_astigmatism_adds_to_the_defocus_along_its_axis_and_takes_from_it_across():
    phase = 0.5 * np.cos(2.0 * math.pi * 5.0 * np.arange(SIDE_PX) / SIDE_PX)
    standing = np.tile(phase, (SIDE_PX, 1))  # waves travel along x
    stated = {"astigmatism_nm": 3e4, "astigmatism_deg": 0.0}
    along = column(standing, **stated).image(1e5)
    across = column(standing.T, **stated).image(1e5)
    np.testing.assert_allclose(along, column(standing).image(1.3e5), atol=1e-9)
    np.testing.assert_allclose(across, column(standing.T).image(0.7e5), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    defocus_nm=st.floats(-2e6, 2e6),
    convergence_mrad=st.floats(0.0, 0.1),
    spread_nm=st.sampled_from([0.0, 5e3]),
    spherical_nm=st.floats(0.0, 1e9),
)
def test_no_electron_is_lost(defocus_nm, convergence_mrad, spread_nm, spherical_nm):
    seen = column(
        2.0 * spot(40.0),
        1.0 - 0.3 * spot(60.0),
        convergence_mrad=convergence_mrad,
        defocus_spread_nm=spread_nm,
        spherical_aberration_nm=spherical_nm,
    )
    assert seen.image(defocus_nm).mean() == pytest.approx(1.0, rel=1e-9)


def test_a_divergent_source_blurs_by_theta_times_defocus_over_root_two():
    defocus_nm, convergence_mrad = 4.0e5, 0.05
    hole = spot(20.0)
    _, x = positions()
    variance = []
    for theta in (0.0, convergence_mrad):
        image = column(np.zeros_like(hole), hole, convergence_mrad=theta).image(defocus_nm)
        variance.append((image * x**2).sum() / image.sum())
    expected_nm = convergence_mrad * 1e-3 * defocus_nm / math.sqrt(2.0)
    assert math.sqrt(variance[1] - variance[0]) == pytest.approx(expected_nm, rel=0.02)


def test_a_spread_of_the_defocus_is_the_mean_of_many_images():
    spread_nm, defocus_nm = 2.0e4, 1.0e5
    phase = 1.5 * spot(25.0)
    draws = np.linspace(-4.0, 4.0, 81)
    weights = np.exp(-0.5 * draws**2)
    images = [column(phase).image(defocus_nm + spread_nm * draw) for draw in draws]
    mean = np.average(images, axis=0, weights=weights)
    spread = column(phase, defocus_spread_nm=spread_nm).image(defocus_nm)
    np.testing.assert_allclose(spread, mean, atol=1e-4)


def test_the_lens_with_an_envelope_on_the_wave_has_its_check_value():
    # 200 kV, Cs 1 mm, 1e-5 rad, 500 nm, df 1 mm, q = 3 / (64 x 5 nm)
    seen = column(
        np.zeros((SIDE_PX, SIDE_PX)),
        coherence="wave",
        spherical_aberration_nm=1e6,
        convergence_mrad=0.01,
        defocus_spread_nm=500.0,
    )
    assert seen._transfer(1e6)[0, 3] == pytest.approx(0.70571329 + 0.58540152j, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(
    defocus_nm=st.floats(-2e6, 2e6),
    spherical_nm=st.floats(0.0, 1e9),
    astigmatism_nm=st.floats(-1e5, 1e5),
    coherence=st.sampled_from(["intensity", "wave"]),
    voltage_kv=st.floats(60.0, 300.0),
)
def test_the_solver_s_optics_come_to_the_same_image(
    defocus_nm, spherical_nm, astigmatism_nm, coherence, voltage_kv
):
    phase, amplitude = 2.0 * spot(40.0), 1.0 - 0.3 * spot(60.0)
    stated = {
        "voltage_kv": voltage_kv,
        "convergence_mrad": 0.02,
        "spherical_aberration_nm": spherical_nm,
        "astigmatism_nm": astigmatism_nm,
        "astigmatism_deg": 30.0,
        "coherence": coherence,
    }
    model = Microscope.model_validate({"pixel_nm": PIXEL_NM} | stated)
    transfer = optics.transfer_function(phase.shape, defocus_nm, model)
    blur = optics.intensity_blur(phase.shape, defocus_nm, model)
    wave = np.fft.ifft2(np.fft.fft2(amplitude * np.exp(1j * phase)) * transfer)
    intensity = np.fft.irfft2(np.fft.rfft2(np.abs(wave) ** 2) * blur, s=phase.shape)
    simulated = column(phase, amplitude, **stated).image(defocus_nm)
    np.testing.assert_allclose(simulated, intensity / (amplitude**2).mean(), atol=1e-4)


def test_a_shift_moves_the_image_down_and_right():
    seen = column(0.0 * spot(30.0), 1.0 - 0.5 * spot(30.0))
    moved = seen.image(1e5, shift_px=(3.0, -2.0))
    np.testing.assert_allclose(moved, np.roll(seen.image(1e5), (3, -2), (0, 1)), atol=1e-9)


def test_half_a_pixel_there_and_half_a_pixel_on_is_one_pixel():
    phase = 1.0 * spot(30.0)
    half = column(phase).image(1e5, shift_px=(0.5, 0.0))
    back = column(np.roll(phase, 1, axis=0)).image(1e5, shift_px=(-0.5, 0.0))
    np.testing.assert_allclose(half, back, atol=1e-9)


def test_a_rotation_goes_from_x_towards_y():
    seen = column(0.0 * spot(30.0), 1.0 - 0.5 * np.roll(spot(30.0), (0, 9), (0, 1)))
    turned = seen.image(1e5, rotation_deg=90.0)
    # What was on the right is below.
    np.testing.assert_allclose(turned, np.rot90(seen.image(1e5), -1), atol=1e-6)


def test_a_magnification_leaves_the_middle_and_widens_all_else():
    narrow = np.roll(spot(30.0), (12, -8), (0, 1))
    y, x = (along + 0.5 * PIXEL_NM for along in positions())
    at_y, at_x = 1.1 * 12.5 * PIXEL_NM, 1.1 * -7.5 * PIXEL_NM
    wide = np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / 33.0**2)
    image = column(0.0 * narrow, np.sqrt(1.0 + narrow)).image(0.0, magnification=1.1)
    inner = (slice(6, -6),) * 2
    expected = (1.0 + wide) / (1.0 + narrow).mean()
    np.testing.assert_allclose(image[inner], expected[inner], atol=1e-4)


def test_a_shift_comes_after_the_rotation():
    seen = column(0.0 * spot(30.0), 1.0 - 0.5 * np.roll(spot(30.0), (5, 3), (0, 1)))
    turned = seen.image(1e5, rotation_deg=5.0)
    moved = seen.image(1e5, rotation_deg=5.0, shift_px=(3.0, -2.0))
    inner = (slice(8, -8),) * 2
    np.testing.assert_allclose(
        moved[inner], np.roll(turned, (3, -2), (0, 1))[inner], atol=1e-4
    )


def test_the_margin_lies_outside_the_frame():
    phase = 1.0 * spot(40.0)
    whole = column(phase).image(2e5)
    framed = column(phase, margin_px=10).image(2e5)
    np.testing.assert_allclose(framed, whole[10:-10, 10:-10])
