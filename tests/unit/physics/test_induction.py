import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics import electron
from ltemlive.physics.induction import phase_gradient, projected_induction


def plane(along_y, along_x, *, shape=(17, 20), pixel_nm=5.0):
    """Return a phase that rises by so many rad/nm."""
    y, x = np.mgrid[: shape[0], : shape[1]] * pixel_nm
    return (along_y * y + along_x * x).astype(np.float32)


def deflected_wave_vector(
    induction_t, thickness_nm, *, voltage_kv, beam="into_image", n_steps=200
):
    """Return (k_y, k_x) [rad/nm] of an electron behind a slab, by Newton and Lorentz.

    Axes as in the images: x right, y down, z into the image, which is right-handed.
    """
    gamma = electron.lorentz_factor(voltage_kv)
    speed = electron.LIGHT_SPEED_M_PER_S * np.sqrt(1.0 - gamma**-2)
    mass = gamma * electron.ELECTRON_MASS_KG
    sense = 1.0 if beam == "into_image" else -1.0
    momentum = np.array([0.0, 0.0, sense * mass * speed])
    induction = np.array([induction_t[1], induction_t[0], 0.0])
    # A magnetic field does no work: the mass is the same at each step.
    step_s = thickness_nm * 1e-9 / speed / n_steps
    for _ in range(n_steps):
        force = -electron.ELECTRON_CHARGE_C * np.cross(momentum / mass, induction)
        halfway = (momentum + 0.5 * step_s * force) / mass
        momentum += step_s * -electron.ELECTRON_CHARGE_C * np.cross(halfway, induction)
    hbar = electron.PLANCK_J_S / (2.0 * np.pi)
    return momentum[1] / hbar * 1e-9, momentum[0] / hbar * 1e-9


@settings(max_examples=20, deadline=None)
@given(
    st.floats(-2.0, 2.0),
    st.floats(-2.0, 2.0),
    st.floats(1.0, 100.0),
    st.floats(60.0, 1000.0),
    st.sampled_from(["into_image", "out_of_image"]),
)
def test_uniform_induction_deflects_like_the_lorentz_force(
    induction_y_t, induction_x_t, thickness_nm, voltage_kv, beam
):
    """Behind the slab the wave is exp(i (k_y y + k_x x)): the phase rises along k."""
    along_y, along_x = deflected_wave_vector(
        (induction_y_t, induction_x_t), thickness_nm, voltage_kv=voltage_kv, beam=beam
    )
    induction = projected_induction(plane(along_y, along_x), pixel_nm=5.0, beam=beam)
    expected = np.array([induction_y_t, induction_x_t]) * thickness_nm
    np.testing.assert_allclose(
        induction.mean(axis=(1, 2)), expected, atol=1e-4 * np.abs(expected).max() + 1e-6
    )


def test_one_tesla_through_ten_nm_is_fifteen_mrad_per_nm():
    induction_y, induction_x = projected_induction(plane(0.0, 0.0152), pixel_nm=5.0)
    assert induction_y.mean() == pytest.approx(10.0, rel=1e-3)
    assert induction_x.mean() == pytest.approx(0.0, abs=1e-3)


def test_a_flux_quantum_lies_between_two_phases_that_differ_by_pi():
    """Flux through a strip: B_y t integrated along x."""
    width_px = 20
    phase = plane(0.0, np.pi / (width_px * 5.0), shape=(16, width_px + 1))
    induction_y, _ = projected_induction(phase, pixel_nm=5.0)
    flux = induction_y[8, 1:].sum() * 5.0
    assert flux == pytest.approx(electron.FLUX_QUANTUM_T_NM2, rel=1e-4)


def test_the_gradient_is_y_first_and_per_nm():
    gradient = phase_gradient(plane(0.25, -0.5, pixel_nm=2.0), pixel_nm=2.0)
    assert gradient.shape == (2, 17, 20)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient[0], 0.25, atol=1e-5)
    np.testing.assert_allclose(gradient[1], -0.5, atol=1e-5)


def test_the_induction_is_free_of_divergence():
    phase = np.random.default_rng(1).normal(size=(24, 31)).astype(np.float32)
    induction_y, induction_x = projected_induction(phase, pixel_nm=3.0)
    divergence = np.gradient(induction_y, 3.0, axis=0) + np.gradient(
        induction_x, 3.0, axis=1
    )
    scale = np.abs(np.gradient(induction_y, 3.0, axis=0)).max()
    assert np.abs(divergence).max() < 1e-5 * scale


@pytest.mark.parametrize("shape", [(1, 8), (8, 1), (1, 1)])
def test_along_one_pixel_there_is_no_gradient(shape):
    phase = np.arange(8.0, dtype=np.float32)[: shape[0] * shape[1]].reshape(shape)
    along_y, along_x = phase_gradient(phase, pixel_nm=2.0)
    np.testing.assert_array_equal(along_y, 0.5 if shape == (8, 1) else 0.0)
    np.testing.assert_array_equal(along_x, 0.5 if shape == (1, 8) else 0.0)
