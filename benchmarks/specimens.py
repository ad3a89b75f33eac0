"""Periodic specimens other than the resolution target, as smooth or as steep as they come.

Phases are those of films without an edge of the field: the magnetisation goes on around it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ltemlive.physics.electron import (
    interaction_constant_rad_per_v_nm,
)
from simulator.magnetism import continued_magnetic_phase, electrostatic_phase
from simulator.pattern import VortexDisc, draw
from simulator.specimens import Specimen, stripe_domains

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIDE_PX = 512
VOLTAGE_KV = 200.0


def stripes() -> Specimen:
    """Return 20 nm of a film with perpendicular stripe domains and Bloch walls of 1 T."""
    in_plane = stripe_domains(SIDE_PX, 5.0, np.random.default_rng(1))
    return _film(continued_magnetic_phase(20.0 * in_plane, pixel_nm=5.0), 0.9, 5.0)


def in_plane_domains() -> Specimen:
    """Return 10 nm of 1 T in bands that point to and fro, at some degrees from the axes."""
    y, x = _positions(5.0)
    field_nm = SIDE_PX * 5.0
    bands = 2.0 * np.pi * (4.0 * x + y) / field_nm + 0.4 * np.sin(
        4.0 * np.pi * y / field_nm
    )
    sense = np.tanh(np.sin(bands) / 0.12)
    in_plane = np.stack([sense * math.cos(0.25), -sense * math.sin(0.25)])
    return _film(continued_magnetic_phase(10.0 * in_plane, pixel_nm=5.0), 0.9, 5.0)


def skyrmions() -> Specimen:
    """Return 100 nm of a helimagnet of 0.4 T with a lattice of Bloch skyrmions, 128 nm."""
    pixel_nm = 2.0
    y, x = _positions(pixel_nm)
    field_nm = SIDE_PX * pixel_nm
    along = np.zeros((3, SIDE_PX, SIDE_PX))
    for n_x, n_y in ((8, 0), (-4, 7), (-4, -7)):
        wave = 2.0 * np.pi * (n_x * x + n_y * y) / field_nm
        turns = math.hypot(n_x, n_y)
        along += np.stack(
            [n_x / turns * np.sin(wave), -n_y / turns * np.sin(wave), np.cos(wave)]
        )
    in_plane = along[:2] / np.sqrt((along**2).sum(axis=0) + 0.3)
    return _film(
        continued_magnetic_phase(40.0 * in_plane, pixel_nm=pixel_nm), 0.95, pixel_nm
    )


def vortices() -> Specimen:
    """Return nine discs of 10 nm of permalloy, each with a vortex: steps of 1.5 rad."""
    return _discs(10.0)


def thick_vortices() -> Specimen:
    """Return the same discs of 20 nm: steps of 2.9 rad, up and down nearly alike."""
    return _discs(20.0)


def wires() -> Specimen:
    """Return three crossing wires of 80 to 120 nm and 14 V: steps of 10 to 20 rad."""
    y, x = _positions(5.0)
    field_nm = SIDE_PX * 5.0
    distances_nm = (
        (_wrapped(x + 0.0 * y + 200.0, field_nm), 60.0),
        (_wrapped(y + x - 300.0, field_nm) / math.sqrt(2.0), 50.0),
        (_wrapped(y - 2.0 * x + 100.0, field_nm) / math.sqrt(5.0), 40.0),
    )
    thickness_nm = np.zeros((SIDE_PX, SIDE_PX))
    for distance_nm, radius_nm in distances_nm:
        thickness_nm += 2.0 * np.sqrt(np.maximum(radius_nm**2 - distance_nm**2, 0.0))
    thickness_nm = ndimage.gaussian_filter(thickness_nm, 3.0, mode="wrap")
    phase_rad = interaction_constant_rad_per_v_nm(VOLTAGE_KV) * 14.0 * thickness_nm
    return Specimen(phase_rad, np.exp(-thickness_nm / 900.0), 5.0, margin_px=0)


SPECIMENS: dict[str, Callable[[], Specimen]] = {
    "stripe domains": stripes,
    "in-plane domains": in_plane_domains,
    "skyrmions": skyrmions,
    "vortices": vortices,
    "thick vortices": thick_vortices,
    "wires": wires,
}


def _discs(thickness_nm: float) -> Specimen:
    rng = np.random.default_rng(1)
    field_nm = SIDE_PX * 5.0
    places_nm = (-0.3 * field_nm, 0.0, 0.3 * field_nm)
    discs = [
        VortexDisc(y_nm, x_nm, 0.19 * field_nm, int(rng.choice([-1, 1])))
        for y_nm in places_nm
        for x_nm in places_nm
    ]
    y, x = _positions(5.0)
    coverage, in_plane = draw(discs, y[:, 0], x[0])
    phase_rad = continued_magnetic_phase(
        thickness_nm * in_plane, pixel_nm=5.0
    ) + electrostatic_phase(
        thickness_nm * coverage, inner_potential_v=20.0, voltage_kv=VOLTAGE_KV
    )
    return Specimen(phase_rad, 0.66 - 0.03 * coverage, 5.0, margin_px=0)


def _film(phase_rad: NDArray[np.float64], amplitude: float, pixel_nm: float) -> Specimen:
    return Specimen(phase_rad, np.full_like(phase_rad, amplitude), pixel_nm, margin_px=0)


def _positions(pixel_nm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return y and x [nm] from the middle of the field."""
    along = (np.arange(SIDE_PX) - (SIDE_PX - 1) / 2.0) * pixel_nm
    y, x = np.meshgrid(along, along, indexing="ij")
    return y, x


def _wrapped(distance_nm: NDArray[np.float64], field_nm: float) -> NDArray[np.float64]:
    return (distance_nm + field_nm / 2.0) % field_nm - field_nm / 2.0
