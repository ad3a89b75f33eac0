"""What physics says of the phase of each specimen, whatever drew it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from ltemlive.physics.electron import (
    FLUX_QUANTUM_T_NM2,
    HBAR_OVER_E_T_NM2,
    interaction_constant_rad_per_v_nm,
)
from ltemlive.physics.induction import projected_induction
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.magnetism import continued_magnetic_phase, magnetic_phase
from simulator.microscope import VirtualMicroscope
from simulator.specimen_scenario import SpecimenScenario
from simulator.specimens import Chance, Specimen, make_specimen

PIXEL_NM = 5.0
ELECTRIC = {"inner_potential_v": 20.0}


def made(kind, *, seed=1, pixel_nm=PIXEL_NM, margin_px=16, size_px=96, **keys):
    stated = {"kind": kind, "size_px": size_px, "inner_potential_v": 0.0} | keys
    return make_specimen(
        SpecimenScenario.model_validate(stated),
        pixel_nm=pixel_nm,
        voltage_kv=200.0,
        margin_px=margin_px,
        chance=Chance(np.random.default_rng(seed)),
    )


def positions(side_px, pixel_nm=PIXEL_NM):
    along = (np.arange(side_px) - (side_px - 1) / 2.0) * pixel_nm
    return along[:, np.newaxis], along[np.newaxis, :]


def slab_phase(y, x, half_y, half_x, moment_t_nm):
    """Phase of a rectangle magnetised along y: the integral of x / r^2 in closed form."""

    def corner(dy, dx):
        return 0.5 * dy * np.log(dy**2 + dx**2) + dx * np.arctan2(dy, dx)

    def edge(dx):
        # The arctangents of both ends differ by what a strip subtends, never by a turn.
        upper, lower = corner(y + half_y, np.abs(dx)), corner(y - half_y, np.abs(dx))
        return upper - lower

    integral = edge(x + half_x) - edge(x - half_x)
    return moment_t_nm / (2.0 * math.pi * HBAR_OVER_E_T_NM2) * integral


def test_a_uniform_slab_has_the_phase_of_its_closed_form():
    side_px = 128
    y, x = positions(side_px)
    half_y, half_x = 150.0, 60.0
    inside = (np.abs(y) < half_y) & (np.abs(x) < half_x)
    moment = np.zeros((2, side_px, side_px))
    moment[0] = 10.0 * inside
    phase = magnetic_phase(moment, pixel_nm=PIXEL_NM)
    expected = slab_phase(y, x, half_y, half_x, 10.0)
    assert np.abs(phase - expected).max() < 0.01 * np.ptp(expected)


@pytest.mark.parametrize("along_y", [True, False])
def test_the_charged_ends_of_a_line_have_the_phase_of_the_angle_it_subtends(along_y):
    # Of h / e of flux along a line, its two charges make the azimuth of the one less that
    # of the other; here is half as much. A round smear of the line does not show outside.
    side_px, half_px, flux_t_nm2 = 129, 30, FLUX_QUANTUM_T_NM2
    y, x = positions(side_px)
    moment = np.zeros((2, side_px, side_px))
    moment[0, 64 - half_px : 65 + half_px, 64] = flux_t_nm2 / PIXEL_NM
    moment[0] = ndimage.gaussian_filter(moment[0], 2.0)
    half_nm = (half_px + 0.5) * PIXEL_NM
    subtended = np.arctan2(y + half_nm, np.abs(x)) - np.arctan2(y - half_nm, np.abs(x))
    expected = np.sign(x) * subtended / 2.0  # up to pi / 2 on either side
    outside = np.hypot(np.maximum(np.abs(y) - half_nm, 0.0), x) > 8.0 * PIXEL_NM
    if not along_y:  # mirrored, which turns the sense of a curl round
        moment, expected, outside = moment[::-1].transpose(0, 2, 1), -expected.T, outside.T
    phase = magnetic_phase(moment, pixel_nm=PIXEL_NM)
    off = np.abs(phase - expected)[outside]
    assert off.max() < 0.01 * np.abs(expected[outside]).max()


def test_a_vortex_disc_has_the_phase_of_its_integral():
    # Closed flux: the slope is the circulating induction, tanh(r / core) of 1 T x 20 nm.
    radius_nm, core_nm = 160.0, 12.0
    discs = made("vortex_discs", period_nm=400, diameter_nm=2 * radius_nm, thickness_nm=20)
    y, x = positions(128)
    radius = np.hypot(y, x)
    to_rim = np.log(np.cosh(radius_nm / core_nm) / np.cosh(radius / core_nm))
    expected = -np.maximum(to_rim, 0.0) * core_nm * 20.0 / HBAR_OVER_E_T_NM2
    sense = np.sign(discs.phase_rad[64, 64]) * np.sign(expected[64, 64])
    assert np.abs(sense * discs.phase_rad - expected).max() < 0.01 * np.ptp(expected)


def test_the_flux_that_turns_round_in_a_disc_is_its_phase_in_turns_times_h_over_e():
    # 1 T over half a diameter of 20 nm of film, less what the core turns out of the plane:
    # 3020 T nm2, which is 3.02e-15 Wb, over h / e in SI units.
    discs = made("vortex_discs", period_nm=400, diameter_nm=320, thickness_nm=20)
    half_a_pixel_off_nm = PIXEL_NM / math.sqrt(2.0)
    core_nm = 12.0 * math.log(2.0 * math.cosh(half_a_pixel_off_nm / 12.0))
    flux_wb = 20.0 * (160.0 - core_nm) * 1e-18
    turns = flux_wb / (6.62607015e-34 / 1.602176634e-19)
    phase = discs.phase_rad
    assert abs(phase[64, 64]) / (2.0 * math.pi) == pytest.approx(turns, rel=0.01)
    y, x = positions(128)
    beyond_rim = np.hypot(y, x) > 170.0  # no flux leaves the disc, and no phase either
    assert np.abs(phase[beyond_rim]).max() < 0.01 * abs(phase[64, 64])


def test_a_wall_that_draws_electrons_together_is_bright_in_overfocus():
    # F = -e v x B: induction down the image deflects to the right, and up it to the left.
    side_px = 128
    _, x = positions(side_px)
    sense = -np.tanh(np.sin(2.0 * np.pi * x / (side_px * PIXEL_NM)) / 0.15)
    moment = np.zeros((2, side_px, side_px))
    moment[0] = 30.0 * sense
    phase = continued_magnetic_phase(moment, pixel_nm=PIXEL_NM)
    assert projected_induction(phase.astype(np.float32), pixel_nm=PIXEL_NM)[0, 64, 32] > 0
    stated = {"voltage_kv": 200.0, "pixel_nm": PIXEL_NM, "border": "periodic"}
    column = VirtualMicroscope(
        Specimen(phase, np.ones_like(phase), PIXEL_NM, 0),
        Microscope.model_validate(stated),
        Detector(),
    )
    for defocus_nm, sign in ((-2e5, 1.0), (2e5, -1.0)):
        image = column.image(defocus_nm)
        assert sign * (image[64, 63] - 1.0) > 0.1  # down on its left, up on its right
        assert sign * (image[64, 0] - 1.0) < -0.1  # the other wall, which drives apart


@pytest.mark.parametrize("kind", ["skyrmion_lattice", "labyrinth"])
def test_neel_walls_are_invisible_until_they_are_tilted(kind):
    bloch, neel, tilted = (
        np.ptp(made(kind, **keys).phase_rad)
        for keys in ({}, {"wall": "neel"}, {"wall": "neel", "tilt_x_deg": 30.0})
    )
    assert bloch > 0.2
    assert neel < 1e-5 * bloch
    assert tilted > 0.05


def test_neel_stripes_show_where_their_walls_change_in_width():
    # The curl of f(h) grad h / |grad h| is that of the slope along the walls alone.
    bloch, neel = (
        made("stripe_domains", size_px=256, wall=wall).phase_rad.std()
        for wall in ("bloch", "neel")
    )
    assert neel / bloch == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("kind", ["skyrmion_lattice", "labyrinth"])
def test_a_bloch_wall_steps_by_the_flux_in_lilley_s_width(kind):
    # Along m_z = tanh(pi d / w) the integral of 1 / cosh(pi d / w) over d is w itself.
    stated = {"period_nm": 320.0, "wall_width_nm": 20.0, "thickness_nm": 20.0}
    phase = made(kind, size_px=160, saturation_t=0.8, **stated).phase_rad
    expected = 0.8 * 20.0 * 20.0 / HBAR_OVER_E_T_NM2
    assert np.ptp(phase) == pytest.approx(expected, rel=0.01)


def test_a_tilted_film_is_thicker_and_shorter_and_holds_as_much():
    keys = {"inner_potential_v": 20.0, "saturation_t": 0.0, "period_nm": 600}
    flat, tilted = (
        made("vortex_discs", diameter_nm=200, **keys, **tilt)
        for tilt in ({}, {"tilt_y_deg": 60.0})
    )
    assert tilted.phase_rad.max() == pytest.approx(2.0 * flat.phase_rad.max(), rel=0.05)
    assert tilted.phase_rad.sum() == pytest.approx(flat.phase_rad.sum(), rel=0.01)
    assert np.count_nonzero(tilted.phase_rad[64] > 1.0) < 24
    assert np.count_nonzero(tilted.phase_rad[:, 64] > 1.0) == 40


def test_a_disc_looks_the_same_from_both_sides_however_steep():
    keys = {"inner_potential_v": 20.0, "saturation_t": 0.0, "period_nm": 600}
    about_y, about_x = (
        made("vortex_discs", diameter_nm=200, **keys, **tilt).phase_rad
        for tilt in ({"tilt_y_deg": 70.0}, {"tilt_x_deg": 70.0})
    )
    np.testing.assert_allclose(about_x, about_y.T, atol=1e-9)


def test_a_wedge_has_no_induction_but_that_of_its_slope():
    volts, thickness_nm = 20.0, 100.0
    specimen = made("wedge", thickness_nm=thickness_nm, inner_potential_v=volts)
    phase = specimen.frame_of(specimen.phase_rad)
    b_y_t, b_x_t = projected_induction(phase, pixel_nm=PIXEL_NM)
    slope = volts * interaction_constant_rad_per_v_nm(200.0) * thickness_nm / 360.0
    assert not b_x_t.any()
    assert not b_y_t[:, :23].any()
    np.testing.assert_allclose(b_y_t[:, 26:], slope * HBAR_OVER_E_T_NM2, rtol=1e-4)
    assert not made("wedge", thickness_nm=thickness_nm).phase_rad.any()


def test_a_wire_is_as_thick_and_holds_as_much_as_a_cylinder_between_half_balls():
    keys = {"size_px": 160, "diameter_nm": 120}
    electric = made("nanowire", saturation_t=0, **keys | ELECTRIC).phase_rad
    per_nm = 20.0 * interaction_constant_rad_per_v_nm(200.0)
    assert electric.max() == pytest.approx(per_nm * 120.0, rel=0.02)
    # It is .8 of the frame's 800 nm long, the balls included.
    volume_nm3 = math.pi * 60.0**2 * (640.0 - 120.0) + 4.0 / 3.0 * math.pi * 60.0**3
    held_nm3 = electric.sum() * PIXEL_NM**2 / per_nm
    assert held_nm3 == pytest.approx(volume_nm3, rel=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wire_steps_by_the_flux_along_it_less_what_returns_beside_it(seed):
    # Of the flux along a line between two charges, L apart, what comes back between the
    # distances -d and d from its middle leaves (2 / pi) atan(L / 2 d): .95 to .64 here.
    keys = {"seed": seed, "size_px": 160, "diameter_nm": 40}
    magnetic = made("nanowire", saturation_t=0.7, **keys).phase_rad
    thickness = made("nanowire", saturation_t=0, **keys | ELECTRIC).phase_rad
    y, x = positions(192)
    moments = [[(thickness * a * b).sum() for a in (y, x)] for b in (y, x)]
    along_y, along_x = np.linalg.eigh(moments)[1][:, 1]  # where it is longest
    distance_nm = np.array([35.0, 60.0, 100.0, 200.0])
    across_px = np.outer([along_x, -along_y], distance_nm) / PIXEL_NM
    one, other = (
        ndimage.map_coordinates(magnetic, 95.5 + side_px, order=3)
        for side_px in (across_px, -across_px)
    )
    length_nm = 640.0 - 40.0 + 4.0 / 3.0 * 20.0  # of a cylinder that holds as much
    left = 2.0 / math.pi * np.arctan(0.5 * length_nm / distance_nm)
    flux_t_nm2 = np.abs(one - other) * HBAR_OVER_E_T_NM2
    np.testing.assert_allclose(flux_t_nm2, 0.7 * math.pi * 20.0**2 * left, rtol=0.01)


def test_the_spectrum_of_a_random_field_falls_as_stated():
    keys = {"phase_rms_rad": 3.0, "spectrum_exponent": 3.0, "inner_potential_v": 20.0}
    specimen = made("random_field", margin_px=0, size_px=256, **keys)
    assert specimen.phase_rad.std() == pytest.approx(3.0)
    power = np.abs(np.fft.fft2(specimen.phase_rad)) ** 2
    q = np.hypot(np.fft.fftfreq(256)[:, np.newaxis], np.fft.fftfreq(256))
    rings = np.geomspace(0.02, 0.4, 8)
    means = [power[(q > low) & (q < high)].mean() for low, high in pairwise(rings)]
    slope, _ = np.polyfit(np.log(np.sqrt(rings[1:] * rings[:-1])), np.log(means), 1)
    assert slope == pytest.approx(-3.0, abs=0.15)
