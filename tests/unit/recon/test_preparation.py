from dataclasses import replace

import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta
from ltemlive.physics.optics import intensity_blur, transfer_function, weak_contrasts
from ltemlive.physics.pixels import filled
from ltemlive.recon.field import solved_field
from ltemlive.recon.objective import UNSEEN
from ltemlive.recon.preparation import (
    SIGMA_FLOOR,
    MeasuredImage,
    empty_series,
    exit_amplitude,
    measured_image,
    noise_sigma,
    with_amplitude,
    with_image,
)
from ltemlive.series import Microscope

SHAPE = (20, 27)
FREE = Microscope(voltage_kv=200.0, pixel_nm=20.0)
PERIODIC = FREE.model_copy(update={"border": "periodic"})
WAVE = FREE.model_copy(update={"coherence": "wave"})
BEHIND_CAMERA = WAVE.model_copy(update={"detector_mtf": 0.8})


def speckle(shape=SHAPE, seed=0):
    return (1.0 + np.random.default_rng(seed).random(shape)).astype(np.float32)


def frame_of(image):
    return Frame(FrameMeta(seq=4, defocus_nm=1e5), image)


def image_of(amplitude, *, defocus_nm=1e5, sigma=0.05):
    return MeasuredImage(amplitude.astype(np.float32), defocus_nm, sigma, 0.1, (0.0,))


# One frame as the objective compares it


@pytest.mark.parametrize("pixel_type", ["|u1", "<u2", ">u2", "<i2", "<u4", "<f4", "<f8"])
def test_the_amplitude_is_the_root_of_intensity_over_mean(pixel_type):
    counts = np.random.default_rng(1).integers(1, 100, SHAPE).astype(pixel_type)
    amplitude = measured_image(frame_of(counts), 1e5).amplitude
    assert amplitude.dtype == np.float32
    expected = np.sqrt(counts.astype(np.float64) / counts.astype(np.float64).mean())
    np.testing.assert_allclose(amplitude, expected, rtol=1e-5)


def test_pixels_that_say_nothing_are_filled_and_have_no_weight():
    image = speckle()
    image[2, 3], image[5, 6], image[7, 8] = np.nan, np.inf, -np.inf
    image[12, 20] = 1e4
    bad = ~np.isfinite(image)
    bad[12, 20] = True
    found = measured_image(frame_of(image), 1e5)
    expected = measured_image(frame_of(filled(image, bad)), 1e5)
    np.testing.assert_array_equal(found.amplitude, expected.amplitude)
    assert np.isnan(image[2, 3])
    np.testing.assert_array_equal(found.bad, bad)
    assert expected.bad is None
    field = solved_field(SHAPE, FREE, 8)
    series = with_image(empty_series(field, FREE), field, found, FREE, (3.2, 1.0))
    seen = field.crop(series.measured[0].numpy() != UNSEEN)
    np.testing.assert_array_equal(seen[:-3, :-1], ~bad[3:, 1:])


def test_a_hot_pixel_costs_the_estimate_of_the_noise_nothing():
    rng = np.random.default_rng(3)
    image = 1.0 + 0.1 * rng.standard_normal((64, 64))
    before = measured_image(frame_of(image), 1e5)
    image[10, 20], image[40, 41] = 500.0, 0.0
    after = measured_image(frame_of(image), 1e5)
    assert after.sigma == pytest.approx(before.sigma, rel=0.02)
    assert after.mean == pytest.approx(before.mean, rel=0.02)


def test_the_noise_of_a_frame_of_which_half_is_missing_is_that_of_the_other_half():
    rng = np.random.default_rng(4)
    image = (1.0 + 0.1 * rng.normal(size=(128, 128))).astype(np.float32)
    image[:, 64:] = np.nan
    found = measured_image(frame_of(image), 1e5)
    assert found.bad.mean() == 0.5
    assert found.sigma == pytest.approx(0.05, rel=0.05)


def test_negative_counts_are_no_electrons():
    image = speckle()
    image[:4, :4] = -3.0
    amplitude = measured_image(frame_of(image), 1e5).amplitude
    assert amplitude[0, 0] == 0.0
    assert np.isfinite(amplitude).all()


def test_a_dark_frame_gives_a_dark_amplitude_and_no_warning():
    image = measured_image(frame_of(np.zeros(SHAPE, np.uint16)), 1e5)
    assert not image.amplitude.any()
    assert image.sigma == SIGMA_FLOOR


# Noise


@pytest.mark.parametrize("shape", [(96, 96), (95, 130), (128, 61)])
@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.2])
def test_the_noise_of_white_noise_is_found(shape, sigma):
    rng = np.random.default_rng(7)
    image = (1.0 + sigma * rng.standard_normal(shape)).astype(np.float32)
    assert noise_sigma(image) == pytest.approx(sigma, rel=0.1)


def test_smooth_structure_does_not_count_as_noise():
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:96, :80]
    structure = 1.0 + 0.3 * np.sin(2 * np.pi * y / 32) * np.cos(2 * np.pi * x / 16)
    noisy = structure + 0.05 * rng.standard_normal(structure.shape)
    assert noise_sigma(noisy.astype(np.float32)) == pytest.approx(0.05, rel=0.1)


def test_ten_per_cent_of_noise_in_the_intensity_is_five_in_the_amplitude():
    rng = np.random.default_rng(7)
    counts = 1.0 + 0.1 * rng.standard_normal((128, 128))
    image = measured_image(frame_of(counts.astype(np.float32)), 1e5)
    assert image.sigma == pytest.approx(0.05, rel=0.1)


def test_an_image_without_noise_is_not_believed_beyond_the_floor():
    assert noise_sigma(np.ones(SHAPE, np.float32)) == SIGMA_FLOOR


@pytest.mark.parametrize("shape", [(64, 64), (200, 130)])
@pytest.mark.parametrize("seed", range(8))
def test_noise_alone_has_no_contrast(shape, seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(20.0, shape)
    for image in (np.sqrt(counts / 20.0), 1.0 + 0.05 * rng.standard_normal(shape)):
        assert measured_image(frame_of(image.astype(np.float32) ** 2), 1e5).contrast == 0.0


@pytest.mark.parametrize("contrast", [0.02, 0.1])
def test_contrast_is_what_is_not_noise(contrast):
    rng = np.random.default_rng(7)
    wave = np.sqrt(2.0) * np.sin(2.0 * np.pi * np.arange(128) / 16.0)
    image = 1.0 + contrast * wave + 0.05 * rng.standard_normal((128, 128))
    clean = measured_image(frame_of(image.astype(np.float32) ** 2), 1e5)
    assert clean.contrast == pytest.approx(contrast, rel=0.2)
    image[5, 7] = 30.0
    hot = measured_image(frame_of(image.astype(np.float32) ** 2), 1e5)
    assert hot.contrast == pytest.approx(contrast, rel=0.3)


# The amplitude of the exit wave


def test_the_exit_amplitude_is_denoised_and_has_mean_square_one():
    rng = np.random.default_rng(2)
    truth = np.ones((64, 64))
    truth[:, 32:] = 0.8
    truth /= np.sqrt(np.mean(truth**2))
    noisy = truth + 0.05 * rng.standard_normal(truth.shape)
    amplitude = exit_amplitude([image_of(noisy)])
    assert np.mean(amplitude.astype(np.float64) ** 2) == pytest.approx(1.0, rel=1e-5)
    assert np.std(amplitude - truth) < 0.5 * np.std(noisy - truth)


def test_more_images_in_focus_give_a_better_amplitude():
    rng = np.random.default_rng(2)
    noisy = [image_of(1.0 + 0.1 * rng.standard_normal((48, 48))) for _ in range(4)]
    noisy = [replace(image, sigma=0.1) for image in noisy]
    assert exit_amplitude(noisy).std() < 0.7 * exit_amplitude(noisy[:1]).std()


def test_the_order_of_images_in_focus_does_not_matter():
    rng = np.random.default_rng(2)
    clean, noisy = (
        image_of(1.0 + sigma * rng.standard_normal((48, 48)), sigma=sigma)
        for sigma in (0.01, 0.2)
    )
    np.testing.assert_allclose(
        exit_amplitude([clean, noisy]), exit_amplitude([noisy, clean]), atol=1e-5
    )


# The series on the device


@pytest.mark.parametrize(
    ("optics", "blur_shape"),
    [(FREE, (64, 37)), (WAVE, (0, 0)), (BEHIND_CAMERA, (64, 37))],
)
def test_an_empty_series_has_the_shapes_of_its_kind(optics, blur_shape):
    series = empty_series(solved_field((44, 52), optics, 10), optics)
    assert series.measured.shape == (0, 64, 72)
    assert series.transfer.shape == (0, 64, 72)
    assert series.blur.shape == (0, *blur_shape)
    assert series.stiffness.shape == (2, 64, 37)
    assert float(np.sum(series.weight)) == 44 * 52


@pytest.mark.parametrize("optics", [FREE, WAVE, BEHIND_CAMERA])
def test_an_image_brings_its_optics_and_its_weight(optics):
    field = solved_field(SHAPE, optics, 6)
    first, second = (
        image_of(speckle(seed=seed), defocus_nm=defocus_nm, sigma=sigma)
        for seed, defocus_nm, sigma in [(0, 2e5, 0.05), (1, -1e6, 0.1)]
    )
    series = empty_series(field, optics)
    for image in (first, second):
        series = with_image(series, field, image, optics)
    np.testing.assert_allclose(series.precision, [400.0, 100.0], rtol=1e-5)
    np.testing.assert_array_equal(field.crop(series.measured[1].numpy()), second.amplitude)
    transfer = transfer_function(field.shape, -1e6, optics)
    np.testing.assert_array_equal(series.transfer[1], transfer)
    half_plane = slice(field.shape[1] // 2 + 1)
    stiffness = sum(
        np.stack(weak_contrasts(field.shape, image.defocus_nm, optics))[..., half_plane]
        ** 2
        / image.sigma**2
        for image in (first, second)
    )
    np.testing.assert_allclose(series.stiffness, stiffness, rtol=1e-4, atol=1e-3)
    if optics != WAVE:
        np.testing.assert_array_equal(
            series.blur[0], intensity_blur(field.shape, 2e5, optics)
        )


@pytest.mark.parametrize("optics", [FREE, WAVE])
def test_images_in_focus_become_one_that_needs_no_optics(optics):
    field = solved_field(SHAPE, optics, 6)
    first, second = (
        image_of(speckle(seed=seed), defocus_nm=0.0, sigma=sigma)
        for seed, sigma in [(0, 0.05), (1, 0.1)]
    )
    series = empty_series(field, optics)
    for image in (first, second):
        series = with_image(series, field, image, optics)
    assert series.measured.shape[0] == 0
    assert float(series.focus_precision) == pytest.approx(500.0)
    np.testing.assert_allclose(
        field.crop(series.focus.numpy()),
        0.8 * first.amplitude + 0.2 * second.amplitude,
        rtol=1e-5,
    )
    np.testing.assert_allclose(series.stiffness[1], 500.0, rtol=0.05)


def test_an_image_in_focus_through_a_strong_lens_keeps_its_optics():
    strong = FREE.model_copy(update={"pixel_nm": 1.0, "spherical_aberration_nm": 1e8})
    field = solved_field(SHAPE, strong, 6)
    image = image_of(speckle(), defocus_nm=0.0)
    series = with_image(empty_series(field, strong), field, image, strong)
    assert series.measured.shape[0] == 1
    assert float(series.focus_precision) == 0.0


def test_another_amplitude_replaces_the_one_before():
    field = solved_field(SHAPE, FREE, 6)
    series = with_amplitude(empty_series(field, FREE), field, speckle())
    np.testing.assert_array_equal(field.crop(series.amplitude.numpy()), speckle())
    assert (series.amplitude.numpy() > 0.5).all()
