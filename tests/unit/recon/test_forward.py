import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics.optics import blurs_intensity, intensity_blur, transfer_function
from ltemlive.recon.forward import (
    INTENSITY_FLOOR,
    exit_wave_spectrum,
    predicted_amplitude,
)
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

SHAPES = st.tuples(st.integers(16, 33), st.integers(16, 33))
DEFOCI_NM = st.floats(-2e6, 2e6)
COHERENCES = st.sampled_from(["intensity", "wave"])
ODD_SHAPE = (27, 34)


def spectrum_of(phase, amplitude):
    return exit_wave_spectrum(tf.cos(phase), tf.sin(phase), amplitude)


def lens(**keys):
    return Microscope.model_validate({"voltage_kv": 200.0, "pixel_nm": 10.0} | keys)


def exit_wave(shape, seed=0, *, steepness_rad=1.0):
    """Return a rough phase [rad] and an amplitude of root mean square 1, float32."""
    rng = np.random.default_rng(seed)
    amplitude = 1.0 + 0.2 * rng.random(shape)
    phase = steepness_rad * rng.standard_normal(shape)
    rms = np.sqrt(np.mean(amplitude**2))
    return phase.astype(np.float32), (amplitude / rms).astype(np.float32)


def predicted(phase, amplitude, defocus_nm, optics):
    """Return what the model predicts, float32, shape (ny, nx)."""
    blur = None
    if blurs_intensity(optics):
        blur = tf.constant(intensity_blur(phase.shape, defocus_nm, optics))
    spectrum = spectrum_of(tf.constant(phase), tf.constant(amplitude))
    transfer = tf.constant(transfer_function(phase.shape, defocus_nm, optics))
    return predicted_amplitude(spectrum, transfer, blur).numpy()


def in_numpy(phase, amplitude, defocus_nm, optics):
    """Return the same by whole complex transforms in double precision."""
    wave = np.fft.fft2(amplitude.astype(np.float64) * np.exp(1j * phase.astype(np.float64)))
    wave = np.fft.ifft2(wave * transfer_function(phase.shape, defocus_nm, optics))
    intensity = np.abs(wave) ** 2
    q_y, q_x = (np.fft.fftfreq(side, optics.pixel_nm) for side in phase.shape)
    radius = np.hypot(q_y[:, np.newaxis], q_x[np.newaxis, :])
    blur = optics.detector_mtf ** ((4.0 * optics.pixel_nm * radius) ** 2)
    if optics.coherence == "intensity":
        theta_rad = optics.convergence_mrad * 1e-3
        blur = blur * np.exp(-((np.pi * theta_rad * defocus_nm * radius) ** 2))
    intensity = np.fft.ifft2(np.fft.fft2(intensity) * blur).real
    return np.sqrt(np.maximum(intensity, 0.0) + INTENSITY_FLOOR)


@settings(max_examples=40, deadline=None)
@given(
    shape=SHAPES,
    defocus_nm=DEFOCI_NM,
    coherence=COHERENCES,
    detector_mtf=st.sampled_from([1.0, 0.7]),
    seed=st.integers(0, 99),
)
def test_the_model_agrees_with_one_in_double_precision(
    shape, defocus_nm, coherence, detector_mtf, seed
):
    optics = lens(
        coherence=coherence,
        detector_mtf=detector_mtf,
        defocus_spread_nm=500.0,
        astigmatism_nm=2e4,
    )
    phase, amplitude = exit_wave(shape, seed)
    np.testing.assert_allclose(
        predicted(phase, amplitude, defocus_nm, optics) ** 2,
        in_numpy(phase, amplitude, defocus_nm, optics) ** 2,
        atol=2e-5,
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"coherence": "intensity"},
        {"coherence": "intensity", "spherical_aberration_nm": 5e9},
        {"coherence": "wave", "spherical_aberration_nm": 5e9, "defocus_spread_nm": 500.0},
        {"coherence": "wave", "astigmatism_nm": 5e4, "astigmatism_deg": 30.0},
    ],
)
@pytest.mark.parametrize("defocus_nm", [-1.6e6, 1.5e5])
def test_the_simulator_which_shares_no_formula_forms_the_same_image(keys, defocus_nm):
    optics = lens(**keys)
    phase, amplitude = exit_wave(ODD_SHAPE)
    specimen = Specimen(
        phase.astype(np.float64), amplitude.astype(np.float64), optics.pixel_nm, 0
    )
    camera = Detector("none", 0.0, 1.0, "<f4")
    expected = VirtualMicroscope(specimen, optics, camera).image(defocus_nm)
    found = predicted(phase, amplitude, defocus_nm, optics) ** 2
    np.testing.assert_allclose(found, expected, atol=5e-5)


def test_the_spectrum_is_that_of_the_exit_wave():
    phase, amplitude = exit_wave(ODD_SHAPE)
    spectrum = spectrum_of(tf.constant(phase), tf.constant(amplitude)).numpy()
    expected = np.fft.fft2(amplitude * np.exp(1j * phase))
    np.testing.assert_allclose(spectrum, expected, atol=2e-3)


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_a_pure_phase_is_invisible_in_focus(coherence):
    phase, _ = exit_wave(ODD_SHAPE, steepness_rad=3.0)
    seen = predicted(phase, np.ones_like(phase), 0.0, lens(coherence=coherence))
    np.testing.assert_allclose(seen, 1.0, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(shape=SHAPES, defocus_nm=DEFOCI_NM)
def test_a_blur_of_the_intensity_conserves_flux(shape, defocus_nm):
    # So weak that nothing is near zero, where a sampled blur undershoots and is clipped.
    phase, amplitude = exit_wave(shape, steepness_rad=0.1)
    seen = predicted(phase, amplitude, defocus_nm, lens(coherence="intensity"))
    assert seen.min() > 0.1
    assert np.mean(seen.astype(np.float64) ** 2) == pytest.approx(1.0, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(shape=SHAPES, defocus_nm=DEFOCI_NM)
def test_an_envelope_on_the_wave_never_adds_flux(shape, defocus_nm):
    phase, amplitude = exit_wave(shape)
    seen = predicted(phase, amplitude, defocus_nm, lens(coherence="wave"))
    assert np.mean(seen.astype(np.float64) ** 2) <= 1.0 + 1e-5


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_the_contrast_of_a_weak_phase_reverses_through_focus(coherence):
    phase, _ = exit_wave(ODD_SHAPE, steepness_rad=1e-2)
    under, over = (
        predicted(phase, np.ones_like(phase), defocus_nm, lens(coherence=coherence)) - 1.0
        for defocus_nm in (1e4, -1e4)
    )
    assert np.std(under) > 1e-3
    assert np.std(under + over) < 0.1 * np.std(under)


def test_the_gradient_is_finite_where_no_electron_arrives():
    phase, amplitude = (tf.constant(part) for part in exit_wave(ODD_SHAPE))
    with tf.GradientTape() as tape:
        tape.watch(phase)
        spectrum = spectrum_of(phase, amplitude * 0.0)
        total = tf.reduce_sum(
            predicted_amplitude(spectrum, tf.ones(ODD_SHAPE, tf.complex64), None)
        )
    assert np.isfinite(tape.gradient(total, phase).numpy()).all()
