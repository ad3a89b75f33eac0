"""What the magnetisation of a film with domains is, before any beam meets it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.specimen_scenario import SpecimenScenario
from simulator.specimens import Chance
from simulator.specimens.domains import labyrinth_film, stripe_domains
from simulator.specimens.matter import Field
from simulator.specimens.skyrmions import skyrmion_film
from simulator.tilt import Tilt

FLAT = Tilt()


def scenario(kind, **keys):
    return SpecimenScenario.model_validate({"kind": kind} | keys)


def slopes(field):
    """Return (d/dy, d/dx) per pixel of what is repeated."""
    return [(np.roll(field, -1, axis) - np.roll(field, 1, axis)) / 2.0 for axis in (-2, -1)]


@pytest.mark.parametrize("wall", ["bloch", "neel"])
def test_a_lattice_has_one_topological_charge_for_each_skyrmion(wall):
    # Two columns and two rows. Along the beam around each, against it in the middle: that
    # is minus one, whatever the wall.
    keys = {"period_nm": 160.0, "diameter_nm": 80.0, "wall_width_nm": 20.0, "wall": wall}
    film = skyrmion_film(scenario("skyrmion_lattice", **keys), Field(320, 320, 1.0), FLAT)
    m = film.direction[::-1]  # (x, y, z)
    assert np.abs(np.sqrt((m**2).sum(axis=0)) - 1.0).max() < 0.01
    assert (m[2].min(), m[2].max()) == pytest.approx((-1.0, 1.0), abs=0.01)
    d_dy, d_dx = slopes(m)
    density = (m * np.cross(d_dx, d_dy, axis=0)).sum(axis=0) / (4.0 * math.pi)
    assert density.sum() == pytest.approx(-4.0, rel=0.01)


def test_half_of_a_maze_points_up_and_all_of_it_is_magnetised():
    m = labyrinth_film(
        scenario("labyrinth"), Field(256, 256, 10.0), FLAT, Chance(np.random.default_rng(1))
    ).direction
    np.testing.assert_allclose((m**2).sum(axis=0), 1.0, atol=1e-9)
    assert abs(m[0].mean()) < 0.1
    assert np.abs(m[0]).mean() > 0.7


def test_a_tilted_maze_is_seen_shortened():
    m_z = labyrinth_film(
        scenario("labyrinth"),
        Field(256, 256, 10.0),
        Tilt(x_deg=60.0),
        Chance(np.random.default_rng(1)),
    ).direction[0]
    steeper, flatter = (np.sqrt((slope**2).mean()) for slope in slopes(m_z))
    assert steeper / flatter == pytest.approx(2.0, rel=0.2)


def test_stripes_turn_along_a_bloch_wall_and_across_a_neel_wall():
    bloch, neel = (
        stripe_domains(128, 8.0, np.random.default_rng(1), wall=wall)
        for wall in ("bloch", "neel")
    )
    # The same film but for a quarter turn, and within a wall all of it lies in the plane.
    np.testing.assert_allclose(bloch, np.stack([neel[1], -neel[0]]), atol=1e-12)
    assert 0.99 < np.hypot(*bloch).max() <= 1.0
    # Magnetisation along a wall does not change along itself; across, it comes and goes.
    changes = [
        np.abs(
            sum(part * slope for part, slope in zip(m, slopes(np.hypot(*m)), strict=True))
        )
        for m in (bloch, neel)
    ]
    assert changes[0][2:-2, 2:-2].mean() < 0.3 * changes[1][2:-2, 2:-2].mean()
