import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics.electron import wavelength_nm
from ltemlive.physics.optics import (
    aberration_phase,
    blurs_intensity,
    coherence_envelope,
    delocalisation_px,
    frequency_grid,
    growth_of_parabola,
    intensity_blur,
    shift_of_plane,
    shows_amplitude,
    transfer_function,
    weak_contrasts,
)
from ltemlive.series import Microscope

SHAPES = st.tuples(st.integers(16, 33), st.integers(16, 33))
DEFOCI_NM = st.floats(-2e6, 2e6)


@st.composite
def microscopes(draw, **fixed):
    keys = {
        "voltage_kv": st.floats(30.0, 1000.0),
        "pixel_nm": st.floats(0.5, 50.0),
        "spherical_aberration_nm": st.floats(-1e9, 1e9),
        "convergence_mrad": st.floats(0.0, 0.1),
        "defocus_spread_nm": st.floats(0.0, 1e3),
        "astigmatism_nm": st.floats(-1e4, 1e4),
        "astigmatism_deg": st.floats(-90.0, 90.0),
        "coherence": st.sampled_from(["intensity", "wave"]),
        "detector_mtf": st.just(1.0) | st.floats(0.05, 1.0),
    }
    return Microscope.model_validate(
        {key: draw(values) for key, values in keys.items() if key not in fixed} | fixed
    )


def microscope(**keys):
    return Microscope.model_validate({"voltage_kv": 200.0, "pixel_nm": 5.0} | keys)


def coherent(**keys):
    return microscope(convergence_mrad=0.0, **keys)


def imaged(wave, defocus_nm, lens):
    """Return the intensity, both parts of the transfer applied."""
    shape = wave.shape
    image = np.fft.ifft2(np.fft.fft2(wave) * transfer_function(shape, defocus_nm, lens))
    blur = intensity_blur(shape, defocus_nm, lens)
    return np.fft.irfft2(np.fft.rfft2(np.abs(image) ** 2) * blur, s=shape)


def smooth_phase(shape, *, height_rad=1.0):
    """Return a periodic phase of few waves."""
    y = np.linspace(0.0, 2.0 * np.pi, shape[0], endpoint=False)[:, np.newaxis]
    x = np.linspace(0.0, 2.0 * np.pi, shape[1], endpoint=False)[np.newaxis, :]
    return height_rad * (np.cos(x) * np.sin(2.0 * y) + 0.5 * np.sin(x + y))


def test_the_check_value_of_the_conventions():
    lens = microscope(
        spherical_aberration_nm=1e6,
        convergence_mrad=0.01,
        defocus_spread_nm=500.0,
        coherence="wave",
    )
    chi = aberration_phase((64, 64), 1e6, lens)
    transfer = coherence_envelope((64, 64), 1e6, lens) * np.exp(-1j * chi)
    assert transfer[0, 3] == pytest.approx(0.70571329 + 0.58540152j, abs=1e-8)
    assert transfer_function((64, 64), 1e6, lens)[3, 0] == pytest.approx(
        0.70571329 + 0.58540152j, abs=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(SHAPES, st.floats(0.1, 100.0))
def test_frequencies_are_in_cycles_per_nm_with_zero_first(shape, pixel_nm):
    qy_per_nm, qx_per_nm = frequency_grid(shape, pixel_nm)
    assert qy_per_nm.shape == (shape[0], 1)
    assert qx_per_nm.shape == (1, shape[1])
    assert qy_per_nm[0, 0] == qx_per_nm[0, 0] == 0.0
    assert qx_per_nm[0, 1] == pytest.approx(1.0 / (shape[1] * pixel_nm))
    assert max(np.abs(qy_per_nm).max(), np.abs(qx_per_nm).max()) <= 0.5001 / pixel_nm


@settings(max_examples=50, deadline=None)
@given(microscopes(), SHAPES, DEFOCI_NM)
def test_no_wave_is_amplified(lens, shape, defocus_nm):
    envelope = coherence_envelope(shape, defocus_nm, lens)
    assert envelope.shape == shape
    assert envelope[0, 0] == 1.0
    assert (envelope <= 1.0).all()
    assert (envelope >= 0.0).all()
    assert (intensity_blur(shape, defocus_nm, lens) <= 1.0).all()


@settings(max_examples=50, deadline=None)
@given(microscopes(), SHAPES, DEFOCI_NM)
def test_opposite_waves_are_transferred_alike(lens, shape, defocus_nm):
    transfer = transfer_function(shape, defocus_nm, lens)
    opposite = np.roll(transfer[::-1, ::-1], (1, 1), axis=(0, 1))
    # The Nyquist row of an even side stands for both signs; astigmatism tells them apart.
    rows = [row for row in range(shape[0]) if 2 * row != shape[0]]
    columns = [column for column in range(shape[1]) if 2 * column != shape[1]]
    kept = np.ix_(rows, columns)
    np.testing.assert_allclose(transfer[kept], opposite[kept], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(
    microscopes(spherical_aberration_nm=0.0, astigmatism_nm=0.0, defocus_spread_nm=0.0),
    SHAPES,
)
def test_in_focus_a_pure_phase_is_invisible(lens, shape):
    intensity = imaged(np.exp(1j * smooth_phase(shape, height_rad=2.0)), 0.0, lens)
    np.testing.assert_allclose(intensity, 1.0, atol=1e-5)
    assert np.abs(weak_contrasts(shape, 0.0, lens)[0]).max() == 0.0


@settings(max_examples=50, deadline=None)
@given(microscopes(coherence="intensity", defocus_spread_nm=0.0), SHAPES, DEFOCI_NM)
def test_intensity_is_conserved(lens, shape, defocus_nm):
    wave = (1.0 + 0.3 * smooth_phase(shape)) * np.exp(1j * smooth_phase(shape))
    intensity = imaged(wave, defocus_nm, lens)
    assert intensity.mean() == pytest.approx((np.abs(wave) ** 2).mean(), rel=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.floats(30.0, 1000.0), st.floats(1.0, 20.0), st.floats(1e3, 1e6), SHAPES)
def test_underfocus_looks_upstream(voltage_kv, pixel_nm, distance_nm, shape):
    """exp(+i k.r) travels z with exp(-i pi lambda z q^2); underfocus undoes the way."""
    lens = coherent(voltage_kv=voltage_kv, pixel_nm=pixel_nm)
    qy_per_nm, qx_per_nm = frequency_grid(shape, pixel_nm)
    q_squared = qy_per_nm**2 + qx_per_nm**2
    upstream = (1.0 + 0.3 * smooth_phase(shape)) * np.exp(1j * smooth_phase(shape))
    travel = np.exp(-1j * np.pi * wavelength_nm(voltage_kv) * distance_nm * q_squared)
    specimen = np.fft.ifft2(np.fft.fft2(upstream) * travel)
    np.testing.assert_allclose(
        imaged(specimen, distance_nm, lens), np.abs(upstream) ** 2, atol=2e-4
    )


def test_a_converging_wave_is_narrower_downstream_at_overfocus():
    """A phase that falls with the radius bends the wave inwards for exp(+i k.r)."""
    lens = coherent()
    y, x = (np.mgrid[:64, :64] - 32) * lens.pixel_nm
    radius_squared = y**2 + x**2
    focal_length_nm = 1e6
    converging = np.exp(-radius_squared / 60.0**2) * np.exp(
        -1j * np.pi * radius_squared / (wavelength_nm(200.0) * focal_length_nm)
    )
    under, over = (imaged(converging, defocus, lens) for defocus in (3e5, -3e5))
    assert over[32, 32] > 1.2 > 0.8 > under[32, 32]


@settings(max_examples=50, deadline=None)
@given(
    microscopes(spherical_aberration_nm=0.0, astigmatism_nm=0.0),
    SHAPES,
    st.floats(1e3, 2e6),
)
def test_contrast_reverses_through_focus(lens, shape, defocus_nm):
    weak = np.exp(1j * smooth_phase(shape, height_rad=1e-3))
    under = imaged(weak, defocus_nm, lens) - 1.0
    over = imaged(weak, -defocus_nm, lens) - 1.0
    np.testing.assert_allclose(under, -over, atol=2e-5)


@settings(max_examples=50, deadline=None)
@given(microscopes(), SHAPES, DEFOCI_NM)
def test_the_weak_contrasts_predict_a_weak_phase_and_a_weak_amplitude(
    lens, shape, defocus_nm
):
    weak = smooth_phase(shape, height_rad=1e-3)
    transfers = weak_contrasts(shape, defocus_nm, lens)
    for wave, transfer in zip((np.exp(1j * weak), np.exp(weak)), transfers, strict=True):
        contrast = imaged(wave, defocus_nm, lens)
        contrast = np.sqrt(contrast / contrast.mean()) - 1.0
        linear = np.fft.ifft2(np.fft.fft2(weak) * transfer).real
        np.testing.assert_allclose(contrast, linear - linear.mean(), atol=2e-5)


@settings(max_examples=50, deadline=None)
@given(microscopes(), SHAPES, DEFOCI_NM)
def test_the_blur_is_laid_out_as_a_real_fourier_transform(lens, shape, defocus_nm):
    blur = intensity_blur(shape, defocus_nm, lens)
    assert blur.shape == np.fft.rfft2(np.zeros(shape)).shape
    assert blur.dtype == np.float32
    qy = np.fft.fftfreq(shape[0], lens.pixel_nm)[:, np.newaxis]
    qx = np.fft.rfftfreq(shape[1], lens.pixel_nm)[np.newaxis, :]
    theta = lens.convergence_mrad * 1e-3 if lens.coherence == "intensity" else 0.0
    expected = np.exp(-((math.pi * theta * defocus_nm) ** 2) * (qy**2 + qx**2))
    expected *= lens.detector_mtf ** ((qy**2 + qx**2) * (4.0 * lens.pixel_nm) ** 2)
    assert blurs_intensity(lens) or (blur == 1.0).all()
    np.testing.assert_allclose(blur, expected, rtol=1e-5, atol=1e-30)


def test_the_blur_is_a_gaussian_of_divergence_times_defocus():
    lens = microscope(convergence_mrad=0.01)
    shape = (48, 65)
    blur = intensity_blur(shape, -1.6e6, lens)
    point = np.zeros(shape)
    point[24, 32] = 1.0
    spread = np.fft.irfft2(np.fft.rfft2(point) * blur, s=shape)
    y, x = (np.arange(side) - side // 2 for side in shape)
    sigma_nm = 1e-5 * 1.6e6 / math.sqrt(2.0)
    assert spread.sum() == pytest.approx(1.0)
    for moment in ((spread.sum(1) * y**2).sum(), (spread.sum(0) * x**2).sum()):
        assert math.sqrt(moment) * lens.pixel_nm == pytest.approx(sigma_nm, rel=1e-3)


def test_the_envelope_on_the_wave_leaves_the_intensity_alone():
    lens = microscope(coherence="wave")
    assert (intensity_blur((16, 17), 1e6, lens) == 1.0).all()
    assert coherence_envelope((16, 17), 1e6, lens).min() < 0.5


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
def test_the_camera_leaves_its_part_of_a_wave_of_four_pixels_whatever_their_width(
    coherence,
):
    x = np.arange(32)
    for pixel_nm in (0.5, 20.0):
        lens = coherent(coherence=coherence, detector_mtf=0.6, pixel_nm=pixel_nm)
        image = np.tile(1.0 + 0.5 * np.sin(0.5 * np.pi * x), (24, 1))
        for waves in (image, image.T):
            blur = intensity_blur(waves.shape, 1e5, lens)
            seen = np.fft.irfft2(np.fft.rfft2(waves) * blur, s=waves.shape)
            np.testing.assert_allclose(seen - 1.0, 0.6 * (waves - 1.0), atol=1e-6)


def test_pixels_that_count_what_falls_on_them_leave_what_an_mtf_of_nine_tenths_does():
    shape = (64, 64)
    blur = intensity_blur(shape, 0.0, microscope(detector_mtf=0.9))
    qy, qx = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])
    counted = np.multiply.outer(np.sinc(qy), np.sinc(qx))
    np.testing.assert_allclose(blur, counted, atol=0.03)


def test_an_image_in_focus_shows_the_amplitude_unless_the_camera_blurs_it():
    assert shows_amplitude((32, 32), 0.0, microscope())
    assert not shows_amplitude((32, 32), 0.0, microscope(detector_mtf=0.9))


def test_with_the_blur_only_the_defocus_spread_damps_the_wave():
    sharp = microscope(coherence="intensity", convergence_mrad=0.1)
    assert (coherence_envelope((16, 17), 1e6, sharp) == 1.0).all()
    spread = microscope(coherence="intensity", defocus_spread_nm=1e3, pixel_nm=0.5)
    assert coherence_envelope((16, 17), 0.0, spread).min() < 0.9


def test_astigmatism_is_defocus_along_one_axis_and_its_opposite_along_the_other():
    astigmatic = coherent(astigmatism_nm=1e4, astigmatism_deg=0.0)
    chi = aberration_phase((32, 32), 0.0, astigmatic)
    stronger, weaker = (
        aberration_phase((32, 32), defocus_nm, coherent()) for defocus_nm in (1e4, -1e4)
    )
    np.testing.assert_allclose(chi[0, :], stronger[0, :])
    np.testing.assert_allclose(chi[:, 0], weaker[:, 0])


@given(microscopes(spherical_aberration_nm=0.0, astigmatism_nm=0.0), DEFOCI_NM)
def test_the_finest_waves_move_by_the_slope_of_their_phase(optics, defocus_nm):
    """Group delay: d chi / dq / 2 pi."""
    chi_rad = aberration_phase((4, 4096), defocus_nm, optics)[0, :2048]
    step_per_nm = 1.0 / (4096 * optics.pixel_nm)
    slope_nm = (chi_rad[-1] - chi_rad[-2]) / step_per_nm / (2.0 * np.pi)
    expected_px = abs(slope_nm) / optics.pixel_nm
    assert delocalisation_px(defocus_nm, optics) == pytest.approx(expected_px, rel=2e-3)


@pytest.mark.parametrize("defocus_nm", [-2e5, 2e5, 4e5])
def test_a_parabola_of_the_phase_magnifies_the_image(defocus_nm):
    lens = coherent(pixel_nm=10.0)
    curvature_rad = 1e-3
    y, x = np.ogrid[-64:64, -64:64]
    spots = sum(np.exp(-((x - at) ** 2 + y**2) / 18.0) for at in (-20.0, 20.0))
    apart_px = []
    for curvature in (0.0, curvature_rad):
        image = imaged(spots * np.exp(1j * curvature * (y**2 + x**2)), defocus_nm, lens)
        halves = np.split(image.sum(axis=0), 2)
        left, right = (
            (half * np.arange(64)).sum() / half.sum() + 64 * place
            for place, half in enumerate(halves)
        )
        apart_px.append(right - left)
    expected = growth_of_parabola(curvature_rad, defocus_nm, lens)
    assert abs(expected) > 1e-3
    assert math.log(apart_px[1] / apart_px[0]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("defocus_nm", [-2e5, 2e5, 4e5])
def test_a_plane_of_the_phase_moves_the_image(defocus_nm):
    lens = coherent(pixel_nm=10.0)
    # A whole number of waves in the field, so that it is continuous.
    slope_rad = 2.0 * np.pi * 3 / 128
    y, x = np.ogrid[-64:64, -64:64]
    spot = np.exp(-(x**2 + y**2) / 50.0)
    image = imaged(spot * np.exp(1j * slope_rad * x), defocus_nm, lens)
    expected = shift_of_plane(slope_rad, defocus_nm, lens)
    assert abs(expected) > 0.1
    assert (image * x).sum() / image.sum() == pytest.approx(expected, rel=0.01)
    assert (image * y).sum() / image.sum() == pytest.approx(0.0, abs=1e-3)
