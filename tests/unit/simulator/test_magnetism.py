from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics.electron import FLUX_QUANTUM_T_NM2, HBAR_OVER_E_T_NM2
from simulator.magnetism import electrostatic_phase, magnetic_phase

SIDE_PX = 64
MIDDLE = SIDE_PX // 2


def positions(side_px: int = SIDE_PX, pixel_nm: float = 1.0):
    along = (np.arange(side_px) - (side_px - 1) / 2.0) * pixel_nm
    return along[:, np.newaxis], along[np.newaxis, :]


def disc_moment(component_y, component_x, radius_px: float, side_px: int = SIDE_PX):
    y, x = positions(side_px)
    radius = np.hypot(y, x)
    inside = np.clip(0.5 + radius_px - radius, 0.0, 1.0)
    return inside * np.asarray([component_y(y, x) / radius, component_x(y, x) / radius])


def vortex(radius_px: float):
    """Circulation from x (right) towards y (down), 1 T nm."""
    return disc_moment(lambda y, x: x + 0 * y, lambda y, x: -y + 0 * x, radius_px)


@pytest.mark.parametrize("along_y", [True, False])
def test_a_long_strip_bends_the_phase_by_its_induction_in_the_right_sense(along_y):
    # A strip 9 px wide and as long as the array, magnetised along itself, 10 T nm.
    moment = np.zeros((2, SIDE_PX, SIDE_PX))
    if along_y:
        moment[0, :, MIDDLE - 4 : MIDDLE + 5] = 10.0
        gradient = np.gradient(magnetic_phase(moment, pixel_nm=2.0), 2.0, axis=1)
        expected = 10.0 / HBAR_OVER_E_T_NM2  # B_y t = +(hbar/e) d phase/dx
    else:
        moment[1, MIDDLE - 4 : MIDDLE + 5, :] = 10.0
        gradient = np.gradient(magnetic_phase(moment, pixel_nm=2.0), 2.0, axis=0)
        expected = -10.0 / HBAR_OVER_E_T_NM2  # B_x t = -(hbar/e) d phase/dy
    # The demagnetising field of the far ends takes 9 % away.
    assert gradient[MIDDLE, MIDDLE] == pytest.approx(expected, rel=0.12)


def test_one_tesla_times_ten_nanometres_is_0_0152_rad_per_nm():
    assert pytest.approx(0.0152, abs=5e-5) == 10.0 / HBAR_OVER_E_T_NM2


def test_a_vortex_disc_has_the_phase_of_a_cone():
    y, x = positions()
    radius_px, radius = 20.0, np.hypot(y, x)
    phase = magnetic_phase(vortex(radius_px), pixel_nm=1.0)
    cone = np.minimum(radius - radius_px, 0.0) / HBAR_OVER_E_T_NM2
    assert np.abs(phase - cone).max() < 0.04 * np.abs(cone).max()


def test_closed_flux_leaves_no_stray_field():
    phase = magnetic_phase(vortex(14.0), pixel_nm=1.0)
    y, x = positions()
    outside = np.hypot(y, x) > 20.0
    assert np.abs(phase[outside]).max() < 1e-3 * np.abs(phase).max()


def test_a_radial_magnetisation_without_curl_gives_no_phase():
    y, x = positions()
    bump = np.exp(-(y**2 + x**2) / 50.0)
    radial, tangential = np.stack([bump * y, bump * x]), np.stack([bump * x, -bump * y])
    assert np.abs(magnetic_phase(radial, pixel_nm=1.0)).max() < 1e-10
    assert np.abs(magnetic_phase(tangential, pixel_nm=1.0)).max() > 1e-2


def test_the_phase_between_two_points_counts_the_flux_between_them():
    # A ring of 1 px width through which half a flux quantum goes round: h/4e, pi/2.
    y, x = positions()
    radius = np.hypot(y, x)
    ring = np.clip(1.5 - np.abs(radius - 16.0), 0.0, 1.0)
    flux_per_t_nm = 2.0  # width of that profile, 1 px = 1 nm
    moment = ring * np.asarray([x / radius, -y / radius])
    moment *= 0.5 * FLUX_QUANTUM_T_NM2 / flux_per_t_nm
    phase = magnetic_phase(moment, pixel_nm=1.0)
    across = phase[MIDDLE, -1] - phase[MIDDLE, MIDDLE]
    assert across == pytest.approx(math.pi / 2.0, rel=0.02)


def test_a_small_magnet_has_the_stray_field_of_a_dipole():
    # phase = (e/hbar) mu0 m x / (2 pi r^2) for a moment m along y
    y, x = positions()
    moment = np.zeros((2, SIDE_PX, SIDE_PX))
    moment[0] = np.exp(-(y**2 + x**2) / 8.0) / (8.0 * math.pi)
    phase = magnetic_phase(moment, pixel_nm=1.0)
    dipole = x / (2.0 * math.pi * (y**2 + x**2)) / HBAR_OVER_E_T_NM2
    far = np.hypot(y, x) > 10.0
    np.testing.assert_allclose(phase[far], dipole[far], atol=1e-4 * dipole.max())


@settings(max_examples=20, deadline=None)
@given(
    ny=st.integers(8, 33),
    nx=st.integers(8, 33),
    extra=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_the_phase_does_not_depend_on_the_size_of_the_array(ny, nx, extra, seed):
    rng = np.random.default_rng(seed)
    # Smooth, so that the band limit, which depends on the grid, has nothing to cut.
    y, x = np.arange(ny)[:, np.newaxis], np.arange(nx)[np.newaxis, :]
    spot = np.exp(-((y - ny / 2) ** 2 + (x - nx / 2) ** 2) / 4.0)
    moment = spot * rng.standard_normal((2, 1, 1))
    larger = np.pad(moment, ((0, 0), (0, extra), (0, extra)))
    np.testing.assert_allclose(
        magnetic_phase(larger, pixel_nm=3.0)[:ny, :nx],
        magnetic_phase(moment, pixel_nm=3.0),
        atol=2e-3 * np.abs(magnetic_phase(moment, pixel_nm=3.0)).max(),
    )


def test_reversing_the_magnetisation_reverses_the_phase():
    np.testing.assert_allclose(
        magnetic_phase(-vortex(16.0), pixel_nm=1.0),
        -magnetic_phase(vortex(16.0), pixel_nm=1.0),
        atol=1e-12,
    )


def test_ten_nanometres_at_twenty_volts_advance_the_wave_by_1_46_rad_at_200_kv():
    phase = electrostatic_phase(
        np.asarray([[0.0, 10.0]]), inner_potential_v=20.0, voltage_kv=200.0
    )
    assert phase[0, 0] == 0.0
    assert phase[0, 1] == pytest.approx(7.28840e-3 * 200.0, rel=1e-5)
