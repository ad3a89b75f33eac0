"""From frames to what the solver takes: normalised, denoised, padded, on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from skimage.restoration import denoise_tv_chambolle

from ltemlive.physics import optics
from ltemlive.physics.pixels import bad_pixels, filled, saturated_pixels
from ltemlive.recon.field import ALIGNED, UPRIGHT, split_shift
from ltemlive.recon.objective import UNSEEN, FocalSeries
from ltemlive.recon.resampling import turned_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ltemlive.frames import Frame
    from ltemlive.recon.field import Field, Shift, Turn
    from ltemlive.series import Microscope

SIGMA_FLOOR = 5e-3
"""Noise below this part of the amplitude is not believed: the model is no better."""
N_RINGS = 24
LEAST_SIGNIFICANCE = 10.0
"""Standard errors by which a ring of waves must exceed the noise to be a signal; the
shortest rings hold few waves, whose power is far from Gaussian."""
OUTLIER_SPREADS = 8.0
"""Pixels farther from the median than so many median distances are no part of an image."""
INTENSITY_FLOOR = 1e-3
"""Of the exit wave, relative to the mean, so that its amplitude stays positive."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredImage:
    """One image as the objective compares it."""

    amplitude: NDArray[np.float32]
    """sqrt(intensity / mean), shape (ny, nx)."""
    defocus_nm: float
    sigma: float
    """Standard deviation of the noise in ``amplitude``."""
    contrast: float
    """Standard deviation of what is not noise; 0 where nothing stands out."""
    significance: tuple[float, ...]
    """Standard errors by which each ring of waves exceeds the noise."""
    mean: float = 1.0
    """Of the intensity, as the camera counts it."""
    saturation: float = 0.0
    """Share of its pixels that pile up at the highest value."""
    bad: NDArray[np.bool_] | None = None
    """Which pixels say nothing: filled in ``amplitude``, and without weight."""


def measured_image(frame: Frame, defocus_nm: float) -> MeasuredImage:
    """Return a frame as amplitude with its noise; bad pixels are filled, and not seen."""
    bad = bad_pixels(frame.image)
    intensity = np.maximum(filled(frame.image, bad), 0.0)
    mean = float(intensity.mean(dtype=np.float64))
    amplitude = np.sqrt(intensity / np.float32(mean if mean > 0.0 else 1.0))
    # What is filled in has no noise of its own.
    good = 1.0 - float(bad.mean())
    sigma = noise_sigma(amplitude) / max(good, 1.0 / bad.size) ** 0.5
    clipped = _without_outliers(amplitude)
    significance = ring_significance(clipped)
    contrast = contrast_beyond_noise(clipped) if is_significant(significance) else 0.0
    return MeasuredImage(
        amplitude,
        defocus_nm,
        sigma,
        contrast,
        tuple(significance),
        mean,
        float(saturated_pixels(frame.image).mean()),
        bad if bad.any() else None,
    )


def noise_sigma(amplitude: NDArray[np.float32]) -> float:
    """Return the standard deviation of white noise in an image of amplitudes.

    From the corners of its power spectrum, beyond the Nyquist circle, where an image of
    smooth objects has no power; their median, which for white noise is ln 2 of the mean.
    """
    power = np.abs(np.fft.rfft2(amplitude - amplitude.mean())) ** 2
    qy, qx = optics.frequency_grid(amplitude.shape, 1.0)
    is_corner = qy**2 + qx[:, : power.shape[1]] ** 2 > 0.25
    mean_power = float(np.median(power[is_corner])) / np.log(2.0)
    return max(float(np.sqrt(mean_power / amplitude.size)), SIGMA_FLOOR)


def contrast_beyond_noise(amplitude: NDArray[np.float32]) -> float:
    """Return the standard deviation of an image less its white noise; never quite 0."""
    variance = noise_sigma(amplitude) ** 2
    excess = float(amplitude.var(dtype=np.float64)) - variance
    return float(np.sqrt(max(excess, 1e-4 * variance)))


def ring_significance(amplitude: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return by how many standard errors each ring of waves exceeds white noise.

    Without the mean and without the corners, from which the noise is estimated.
    """
    return _ring_excess(amplitude, noise_sigma(amplitude), offset=1.0)


def signal_significance(
    amplitude: NDArray[np.float32], sigma: float
) -> NDArray[np.float64]:
    """Return the ring significance that an image without noise would have under noise."""
    return _ring_excess(amplitude, sigma, offset=0.0)


def _ring_excess(
    amplitude: NDArray[np.float32], sigma: float, *, offset: float
) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft2(amplitude - amplitude.mean())) ** 2
    relative = power / (amplitude.size * sigma**2) - offset
    qy, qx = optics.frequency_grid(amplitude.shape, 1.0)
    q = np.hypot(qy, qx[:, : power.shape[1]])
    edges = np.geomspace(0.99 / max(amplitude.shape), 0.5, N_RINGS)
    rings = np.digitize(q, edges)
    count = np.bincount(rings.ravel(), minlength=N_RINGS + 1)
    excess = np.bincount(rings.ravel(), relative.ravel(), minlength=N_RINGS + 1)
    return np.asarray((excess / np.sqrt(np.maximum(count, 1)))[1:-1])


def is_significant(significance: NDArray[np.float64]) -> bool:
    """Return whether a ring stands out of the noise beyond all chance."""
    return bool(np.max(significance) >= LEAST_SIGNIFICANCE)


def _without_outliers(amplitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image whose hot pixels, which look like noise, are clipped."""
    middle = np.median(amplitude)
    spread = OUTLIER_SPREADS * float(np.median(np.abs(amplitude - middle)))
    if spread == 0.0:
        return amplitude
    return np.clip(amplitude, middle - spread, middle + spread)


def exit_amplitude(in_focus: Sequence[MeasuredImage]) -> NDArray[np.float32]:
    """Return the amplitude of the exit wave, mean square 1, from images in focus.

    As in the paper: the mean of the images, denoised by total variation (Chambolle 2004)
    with the noise level as weight, and its square root.
    """
    intensity = np.mean([image.amplitude**2 for image in in_focus], axis=0)
    sigma = 2.0 * np.hypot.reduce([image.sigma for image in in_focus]) / len(in_focus)
    denoised = denoise_tv_chambolle(intensity, weight=sigma)  # type: ignore[no-untyped-call]
    denoised = np.maximum(denoised, INTENSITY_FLOOR)
    return np.asarray(np.sqrt(denoised / denoised.mean()), dtype=np.float32)


def empty_series(field: Field, microscope: Microscope) -> FocalSeries:
    """Return a series without images and with constant amplitude."""
    ny, nx = field.shape
    blur_shape = (ny, nx // 2 + 1) if optics.blurs_intensity(microscope) else (0, 0)
    seen = field.pad(np.ones(field.frame_shape, np.float32), mirror=False)
    return FocalSeries(
        amplitude=tf.ones(field.shape, tf.float32),
        measured=tf.zeros([0, ny, nx], tf.float32),
        transfer=tf.zeros([0, ny, nx], tf.complex64),
        blur=tf.zeros([0, *blur_shape], tf.float32),
        weight=tf.constant(seen),
        precision=tf.zeros([0], tf.float32),
        focus=tf.zeros(field.shape, tf.float32),
        focus_precision=tf.zeros([]),
        stiffness=tf.zeros([2, ny, nx // 2 + 1], tf.float32),
    )


def with_amplitude(
    series: FocalSeries, field: Field, amplitude: NDArray[np.float32]
) -> FocalSeries:
    """Return the series with another first guess of the amplitude, its border mirrored."""
    return series._replace(amplitude=tf.constant(field.pad(amplitude, mirror=True)))


def with_image(
    series: FocalSeries,
    field: Field,
    image: MeasuredImage,
    microscope: Microscope,
    shift_px: Shift = ALIGNED,
    turn: Turn = UPRIGHT,
) -> FocalSeries:
    """Return the series with one more image, and stiffer by what it shows."""
    shape = field.shape
    contrasts = np.stack(optics.weak_contrasts(shape, image.defocus_nm, microscope))
    contrasts = contrasts[..., : shape[1] // 2 + 1]
    stiffness = _precision(image) * contrasts**2
    series = series._replace(
        stiffness=series.stiffness + tf.constant(stiffness, tf.float32)
    )
    return with_measured(series, field, image, microscope, shift_px, turn)


def with_measured(
    series: FocalSeries,
    field: Field,
    image: MeasuredImage,
    microscope: Microscope,
    shift_px: Shift = ALIGNED,
    turn: Turn = UPRIGHT,
) -> FocalSeries:
    """Return the series with one more image, its stiffness as it was.

    Whole pixels of its shift move the image, the rest moves what is predicted of it: so
    nothing that was measured is interpolated, unless the frame is turned.
    """
    shape, defocus_nm, precision = field.shape, image.defocus_nm, _precision(image)
    is_aligned = shift_px == ALIGNED and turn == UPRIGHT
    if is_aligned and optics.shows_amplitude(shape, defocus_nm, microscope):
        # In the mean of several images what fills a bad pixel is as good as nothing.
        aligned = field.place(image.amplitude, (0, 0), unseen=UNSEEN)
        return _with_focus(series, aligned, precision)
    measured, part_px = _placed(field, image, shift_px, turn)
    transfer = optics.transfer_function(shape, defocus_nm, microscope)
    if any(part_px):
        transfer = transfer * field.ramp(part_px)
    blur = np.zeros((0, 0), np.float32)
    if optics.blurs_intensity(microscope):
        blur = optics.intensity_blur(shape, defocus_nm, microscope)
    return series._replace(
        measured=tf.concat([series.measured, measured[np.newaxis]], axis=0),
        transfer=tf.concat([series.transfer, transfer[np.newaxis]], axis=0),
        blur=tf.concat([series.blur, blur[np.newaxis]], axis=0),
        precision=tf.concat([series.precision, precision[np.newaxis]], axis=0),
    )


def _precision(image: MeasuredImage) -> NDArray[np.float32]:
    return np.asarray(1.0 / image.sigma**2, np.float32)


def _placed(
    field: Field, image: MeasuredImage, shift_px: Shift, turn: Turn
) -> tuple[NDArray[np.float32], Shift]:
    """Return an image where it lies on the field, and how much of its shift is left."""
    if turn != UPRIGHT:
        # Its square root has kinks where the intensity vanishes, which no grid resolves.
        intensity = turned_back(
            image.amplitude**2, field, shift_px, turn, unseen=np.nan, bad=image.bad
        )
        amplitude = np.sqrt(np.maximum(intensity, 0.0))
        return np.where(np.isfinite(amplitude), amplitude, UNSEEN), ALIGNED
    whole, part_px = split_shift(shift_px)
    amplitude = image.amplitude
    if image.bad is not None:
        amplitude = np.where(image.bad, np.float32(UNSEEN), amplitude)
    return field.place(amplitude, whole, unseen=UNSEEN), part_px


def of_images(series: FocalSeries, indices: Sequence[int] | NDArray[Any]) -> FocalSeries:
    """Return the series with some of the images that have optics of their own.

    Its stiffness stays as it was.
    """
    return series._replace(
        measured=tf.gather(series.measured, indices),
        transfer=tf.gather(series.transfer, indices),
        blur=tf.gather(series.blur, indices),
        precision=tf.gather(series.precision, indices),
    )


def _with_focus(
    series: FocalSeries, measured: NDArray[np.float32], precision: NDArray[np.float32]
) -> FocalSeries:
    """Return the series with one more image in focus, averaged with those before."""
    whole = series.focus_precision + precision
    share = precision / whole
    focus = (1.0 - share) * series.focus + share * measured
    return series._replace(focus=focus, focus_precision=whole)
