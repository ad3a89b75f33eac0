"""The forward model: from a phase and an amplitude to what the camera should see.

This is the only physics of the reconstruction; its gradient is taken by automatic
differentiation. Transfer functions and blurs come from ``physics.optics`` as arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow import Tensor

INTENSITY_FLOOR = 1e-6
"""Keeps the square root differentiable where no electron is expected (mean is 1)."""


def exit_wave_spectrum(cosine: Tensor, sine: Tensor, amplitude: Tensor) -> Tensor:
    """Return the DFT of a exp(i phase), complex64, from cosine and sine of the phase."""
    return tf.signal.fft2d(tf.complex(amplitude * cosine, amplitude * sine))


def predicted_amplitude(spectrum: Tensor, transfer: Tensor, blur: Tensor | None) -> Tensor:
    """Return the square root of the predicted intensity, float32, shape (ny, nx).

    Parameters
    ----------
    spectrum
        DFT of the exit wave, complex64, (ny, nx).
    transfer
        Transfer function of this defocus, complex64, (ny, nx).
    blur
        Multiplies the real DFT of the intensity, float32, (ny, nx // 2 + 1); None where
        nothing blurs it.
    """
    wave = tf.signal.ifft2d(spectrum * transfer)
    intensity = tf.math.real(wave) ** 2 + tf.math.imag(wave) ** 2
    if blur is not None:
        spread = tf.signal.rfft2d(intensity) * tf.complex(blur, tf.zeros_like(blur))
        intensity = tf.signal.irfft2d(spread, fft_length=tf.shape(intensity))
    return tf.sqrt(tf.maximum(intensity, 0.0) + INTENSITY_FLOOR)
