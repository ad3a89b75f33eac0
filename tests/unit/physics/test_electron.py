import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics import electron
from ltemlive.physics.electron import (
    interaction_constant_rad_per_v_nm,
    lorentz_factor,
    wavelength_nm,
)

VOLTAGES_KV = st.floats(10.0, 3000.0)


@pytest.mark.parametrize(
    ("voltage_kv", "wavelength_pm", "sigma"),
    [(200.0, 2.507934, 7.28840e-3), (300.0, 1.968749, 6.52616e-3)],
)
def test_known_microscopes(voltage_kv, wavelength_pm, sigma):
    assert wavelength_nm(voltage_kv) * 1e3 == pytest.approx(wavelength_pm, rel=1e-6)
    assert interaction_constant_rad_per_v_nm(voltage_kv) == pytest.approx(sigma, rel=1e-6)


def test_two_phases_that_differ_by_pi_enclose_half_a_flux_quantum_of_one_electron():
    assert pytest.approx(2067.834, rel=1e-6) == electron.FLUX_QUANTUM_T_NM2
    assert pytest.approx(658.212, rel=1e-6) == electron.HBAR_OVER_E_T_NM2
    assert pytest.approx(math.pi * electron.HBAR_OVER_E_T_NM2) == (
        electron.FLUX_QUANTUM_T_NM2
    )


@settings(max_examples=50, deadline=None)
@given(VOLTAGES_KV)
def test_the_wavelength_is_that_of_the_momentum(voltage_kv):
    """(p c)^2 = (gamma m c^2)^2 - (m c^2)^2, an independent road to lambda = h / p."""
    rest_j = electron.ELECTRON_MASS_KG * electron.LIGHT_SPEED_M_PER_S**2
    total_j = rest_j * lorentz_factor(voltage_kv)
    momentum = math.sqrt(total_j**2 - rest_j**2) / electron.LIGHT_SPEED_M_PER_S
    expected_nm = electron.PLANCK_J_S / momentum * 1e9
    assert wavelength_nm(voltage_kv) == pytest.approx(expected_nm, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(VOLTAGES_KV)
def test_the_interaction_constant_is_charge_over_hbar_and_velocity(voltage_kv):
    gamma = lorentz_factor(voltage_kv)
    velocity = electron.LIGHT_SPEED_M_PER_S * math.sqrt(1.0 - gamma**-2)
    hbar = electron.PLANCK_J_S / (2.0 * math.pi)
    expected = electron.ELECTRON_CHARGE_C / (hbar * velocity) * 1e-9
    assert interaction_constant_rad_per_v_nm(voltage_kv) == pytest.approx(
        expected, rel=1e-9
    )
