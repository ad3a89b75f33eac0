import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics import optics
from ltemlive.recon.spectrum import (
    PowerLaw,
    filtered,
    power_law,
    power_sum,
    squared_wavenumber,
    wave_counts,
    weak_contrasts,
)
from ltemlive.series import Microscope

SHAPES = st.tuples(st.integers(2, 40), st.integers(2, 40))
SHAPE = (96, 80)


@settings(max_examples=30, deadline=None)
@given(shape=SHAPES)
def test_squared_wavenumbers_are_those_of_a_real_transform(shape):
    ny, nx = shape
    q_y, q_x = np.fft.fftfreq(ny)[:, np.newaxis], np.fft.rfftfreq(nx)[np.newaxis, :]
    expected = (2.0 * np.pi) ** 2 * (q_y**2 + q_x**2)
    np.testing.assert_allclose(squared_wavenumber(ny, nx), expected, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(shape=SHAPES)
def test_a_filter_of_ones_changes_nothing(shape):
    image = np.random.default_rng(1).standard_normal((2, *shape)).astype(np.float32)
    same = filtered(tf.constant(image), tf.ones([2, shape[0], shape[1] // 2 + 1]))
    np.testing.assert_allclose(same, image, atol=1e-5)


def random_field(exponent, noise, seed=3):
    """Return an image whose power falls as k^exponent, 50 at k = 1, in white noise."""
    rng = np.random.default_rng(seed)
    wavenumber = np.sqrt(squared_wavenumber(*SHAPE).numpy())
    wavenumber[0, 0] = np.inf
    waves = np.fft.rfft2(rng.standard_normal(SHAPE)) * np.sqrt(50.0 * wavenumber**exponent)
    image = np.fft.irfft2(waves, s=SHAPE) + noise * rng.standard_normal(SHAPE)
    return tf.constant(image, tf.float32)


@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (6, 11)])
def test_a_power_sum_is_the_product_with_the_filtered_image(shape):
    rng = np.random.default_rng(2)
    image = tf.constant(rng.standard_normal(shape), tf.float32)
    factor = tf.constant(1.0 / (1.0 + squared_wavenumber(*shape).numpy()), tf.float32)
    expected = float(tf.reduce_sum(image * filtered(image, factor)))
    assert float(power_sum(image, factor)) == pytest.approx(expected, rel=1e-5)


def white_noise(sigma):
    noise = np.random.default_rng(5).standard_normal(SHAPE)
    return tf.constant(sigma * noise, tf.float32)


def slope_of(image, stiffness):
    """Return the derivative of (image - phase) S (image - phase) / 2 at a flat phase."""
    return -filtered(image, stiffness)


@pytest.mark.parametrize("exponent", [-2.5, -4.0, -5.5])
def test_the_power_law_of_a_random_field_is_found_in_its_noise(exponent):
    noise = 0.3
    stiffness = tf.fill((SHAPE[0], SHAPE[1] // 2 + 1), noise**-2)
    image = random_field(exponent, noise)
    law = power_law(slope_of(image, stiffness), stiffness, np.prod(SHAPE))
    assert law.exponent == pytest.approx(exponent, abs=0.35)
    assert np.log(law.level) == pytest.approx(np.log(50.0), abs=0.7)


def test_waves_to_which_images_are_all_but_blind_do_not_count():
    noise = 0.3
    wavenumber = np.sqrt(squared_wavenumber(*SHAPE).numpy())
    is_blind = np.rint(wavenumber * max(SHAPE) / (2.0 * np.pi)) > 24
    stiffness = np.where(is_blind, 1e-6, noise**-2).astype(np.float32)
    slope = slope_of(random_field(-4.0, noise), stiffness)
    of_others = filtered(white_noise(1e3), is_blind.astype(np.float32))
    law = power_law(slope + of_others, tf.constant(stiffness), np.prod(SHAPE))
    assert law.exponent == pytest.approx(-4.0, abs=0.35)


def test_noise_alone_has_no_power_to_speak_of():
    stiffness = tf.fill((SHAPE[0], SHAPE[1] // 2 + 1), 0.3**-2)
    slope = slope_of(white_noise(0.3), stiffness)
    law = power_law(slope, stiffness, np.prod(SHAPE))
    wavenumber = np.sqrt(squared_wavenumber(*SHAPE).numpy()).ravel()[1:]
    share = law.level * wavenumber**law.exponent / 0.3**2
    assert np.median(share) < 0.01


def test_roughness_is_the_inverse_of_the_power_and_leaves_the_mean_free():
    roughness = PowerLaw(level=4.0, exponent=-3.0).roughness(SHAPE).numpy()
    wavenumber = np.sqrt(squared_wavenumber(*SHAPE).numpy())
    np.testing.assert_allclose(
        roughness.flat[1:], wavenumber.flat[1:] ** 3 / 4.0, rtol=1e-4
    )
    assert roughness[0, 0] == 0.0


@pytest.mark.parametrize("shape", [(8, 10), (7, 9), (8, 9), (7, 10)])
def test_the_half_plane_stands_for_the_whole(shape):
    assert wave_counts(*shape).sum() == math.prod(shape)


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_contrasts_are_those_of_the_optics_wherever_the_image_lies(coherence):
    lens = Microscope(
        voltage_kv=200.0,
        pixel_nm=20.0,
        coherence=coherence,
        spherical_aberration_nm=1e9,
        astigmatism_nm=1e5,
        astigmatism_deg=30.0,
    )
    shape, defocus_nm = (31, 32), -6e5
    qy, qx = np.fft.fftfreq(shape[0])[:, np.newaxis], np.fft.fftfreq(shape[1])
    # Nyquist's wave moves both ways at once: its contrast is that of a standing wave.
    moved = np.exp(-2j * np.pi * (0.3 * qy - 1.7 * qx)).astype(np.complex64)
    transfer = optics.transfer_function(shape, defocus_nm, lens)
    blur = optics.intensity_blur(shape, defocus_nm, lens)
    if coherence == "wave":
        blur = np.zeros((0, 0), np.float32)
    expected = [
        np.abs(each[:, :17]) for each in optics.weak_contrasts(shape, defocus_nm, lens)
    ]
    for each in (transfer, transfer * moved):
        found = weak_contrasts(tf.constant(each), tf.constant(blur))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one[:, :16], other[:, :16], atol=2e-5)
