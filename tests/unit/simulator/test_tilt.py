"""A tilted film is the same film: what turns, what stays, and what its thickness blurs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ltemlive.physics.electron import HBAR_OVER_E_T_NM2
from simulator.magnetism import magnetic_phase
from simulator.specimens.matter import Film
from simulator.tilt import Tilt

PIXEL_NM = 5.0
TILTS = [Tilt(x_deg=50.0), Tilt(x_deg=-35.0), Tilt(y_deg=60.0), Tilt(y_deg=-20.0)]


def positions(side_px):
    along = (np.arange(side_px) - (side_px - 1) / 2.0) * PIXEL_NM
    return along[:, np.newaxis], along[np.newaxis, :]


def spot(vector, side_px=64):
    """Return a film that is a round spot in the image, magnetised along (z, y, x)."""
    y, x = positions(side_px)
    coverage = np.exp(-(y**2 + x**2) / 800.0)
    return Film(coverage, coverage * np.reshape(vector, (3, 1, 1)))


def turned(vector, tilt):
    """Return (y, x) of a vector (z, y, x) turned right-handed: y towards z, z towards x."""
    about_x, about_y = math.radians(tilt.x_deg), math.radians(tilt.y_deg)
    z, y, x = vector
    y, z = y * math.cos(about_x) - z * math.sin(about_x), z * math.cos(about_x)
    return y, x * math.cos(about_y) + z * math.sin(about_y)


@pytest.mark.parametrize("tilt", TILTS)
def test_a_tilt_keeps_the_volume_and_turns_the_moment(tilt):
    vector = (0.5, -0.7, 0.9)
    film = spot(vector)
    matter = film.in_beam(tilt, thickness_nm=12.0, saturation_t=0.8, pixel_nm=PIXEL_NM)
    # What is seen of the film's area is its cosine, and the film is 12 nm thick.
    cosine = math.cos(math.radians(tilt.x_deg + tilt.y_deg))
    volume_nm = film.coverage.sum() / cosine * 12.0
    assert matter.thickness_nm.sum() == pytest.approx(volume_nm)
    for seen, expected in zip(matter.moment_t_nm, turned(vector, tilt), strict=True):
        assert seen.sum() == pytest.approx(0.8 * volume_nm * expected)


@pytest.mark.parametrize("tilt", TILTS)
def test_a_thick_film_is_blurred_by_its_parallax_along_the_tilt_and_not_across(tilt):
    # A box of the width t sin(tilt) adds its square over 12 to the variance.
    matter = spot((0.0, 0.0, 1.0)).in_beam(
        tilt, thickness_nm=60.0, saturation_t=1.0, pixel_nm=PIXEL_NM
    )
    for seen in (matter.thickness_nm, matter.coverage, matter.moment_t_nm[1]):
        for position, angle_deg in zip(
            positions(64), (tilt.x_deg, tilt.y_deg), strict=True
        ):
            variance_nm2 = (seen * position**2).sum() / seen.sum()
            box_nm = 60.0 * math.sin(math.radians(angle_deg))
            assert variance_nm2 == pytest.approx(400.0 + box_nm**2 / 12.0, rel=1e-3)


def test_a_tilt_shows_as_much_of_the_beams_component_as_its_sine():
    # Far away a magnet that points along the beam is, once tilted, a dipole across it:
    # phase = (e / hbar) (m_y x - m_x y) / (2 pi r^2).
    side_px, angle_deg = 96, 30.0
    y, x = positions(side_px)
    direction = np.zeros((3, side_px, side_px))
    direction[0] = np.exp(-(y**2 + x**2) / 400.0)
    film = Film(direction[0], direction)
    moment = 10.0 * direction[0].sum() * PIXEL_NM**2 * math.tan(math.radians(angle_deg))
    dipole = moment / (2.0 * math.pi * HBAR_OVER_E_T_NM2 * (y**2 + x**2))
    far = np.hypot(y, x) > 150.0
    for tilt, expected in (
        (Tilt(x_deg=angle_deg), -x * dipole),
        (Tilt(y_deg=angle_deg), -y * dipole),
    ):
        matter = film.in_beam(tilt, thickness_nm=10.0, saturation_t=1.0, pixel_nm=PIXEL_NM)
        phase = magnetic_phase(matter.moment_t_nm, pixel_nm=PIXEL_NM)
        most = np.abs(expected[far]).max()
        np.testing.assert_allclose(phase[far], expected[far], atol=0.01 * most)
