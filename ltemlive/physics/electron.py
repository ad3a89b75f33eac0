"""The fast electron: wavelength, interaction constant, and what a flux quantum is."""

from __future__ import annotations

import math

PLANCK_J_S = 6.62607015e-34
ELECTRON_CHARGE_C = 1.602176634e-19
ELECTRON_MASS_KG = 9.1093837139e-31
LIGHT_SPEED_M_PER_S = 299792458.0

HBAR_OVER_E_T_NM2 = PLANCK_J_S / (2.0 * math.pi * ELECTRON_CHARGE_C) * 1e18
"""hbar / e: turns a phase gradient [rad/nm] into an induction times thickness [T nm]."""

FLUX_QUANTUM_T_NM2 = PLANCK_J_S / (2.0 * ELECTRON_CHARGE_C) * 1e18
"""h / 2e: the flux between two points whose phases differ by pi."""

_REST_ENERGY_EV = ELECTRON_MASS_KG * LIGHT_SPEED_M_PER_S**2 / ELECTRON_CHARGE_C


def lorentz_factor(voltage_kv: float) -> float:
    """Return gamma = 1 + eV / (m c^2) of an electron accelerated through ``voltage_kv``."""
    return 1.0 + voltage_kv * 1e3 / _REST_ENERGY_EV


def wavelength_nm(voltage_kv: float) -> float:
    """Return the relativistic wavelength h / sqrt(2 m e V (1 + eV / (2 m c^2))) [nm]."""
    volts = voltage_kv * 1e3
    momentum_squared = (
        2.0 * ELECTRON_MASS_KG * ELECTRON_CHARGE_C * volts
        * (1.0 + volts / (2.0 * _REST_ENERGY_EV))
    )  # fmt: skip
    return PLANCK_J_S / math.sqrt(momentum_squared) * 1e9


def interaction_constant_rad_per_v_nm(voltage_kv: float) -> float:
    """Return sigma = 2 pi m gamma e lambda / h^2: phase per volt and nm of thickness."""
    wavelength_m = wavelength_nm(voltage_kv) * 1e-9
    relativistic_mass_kg = ELECTRON_MASS_KG * lorentz_factor(voltage_kv)
    return (
        2.0 * math.pi * relativistic_mass_kg * ELECTRON_CHARGE_C * wavelength_m
        / PLANCK_J_S**2 * 1e-9
    )  # fmt: skip
