"""Waves of an image: filters, wavenumbers, and how fast the power of a phase falls."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.recon.sums import total

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow import Tensor

N_RINGS = 48
"""Rings of wavelengths, evenly spaced in their logarithm."""
LEAST_RINGS = 3
"""That must stand above the noise, before a power law is believed."""
EXPONENTS = (-6.0, -1.0)
"""Between these a power law is credible; steeper ones owe it to noise."""


class PowerLaw(NamedTuple):
    """Power of each wave of a phase = level (2 pi q)^exponent, q in cycles per pixel."""

    level: float
    """[rad^2]; the DFT's squared modulus over the number of pixels."""
    exponent: float

    def roughness(self, shape: tuple[int, int]) -> Tensor:
        """Return the inverse power of each wave, half plane; 0 for the mean."""
        wavenumber = np.sqrt(squared_wavenumber(*shape).numpy())
        wavenumber[0, 0] = 1.0
        inverse = wavenumber**-self.exponent / self.level
        inverse[0, 0] = 0.0
        return tf.constant(inverse, tf.float32)


def filtered(image: Tensor, factor: Tensor) -> Tensor:
    """Return an image with each wave multiplied by ``factor``, a half plane."""
    spectrum = tf.signal.rfft2d(image) * tf.complex(factor, tf.zeros_like(factor))
    return tf.signal.irfft2d(spectrum, fft_length=image.shape[-2:])


def power_sum(image: Tensor, factor: Tensor) -> Tensor:
    """Return the sum of the image times itself ``filtered`` by the factor, a scalar."""
    ny, nx = image.shape
    twice = np.full(nx // 2 + 1, 2.0, np.float32)  # the half plane stands for both halves
    twice[0] = 1.0
    if nx % 2 == 0:
        twice[-1] = 1.0
    spectrum = tf.signal.rfft2d(image)
    power = tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2
    return total(factor * twice * power) / (ny * nx)


def squared_wavenumber(ny: int, nx: int) -> Tensor:
    """Return (2 pi q)^2 [1/pixel^2] on the half plane, shape (ny, nx // 2 + 1)."""
    along_y = tf.cast(tf.range(ny), tf.float32)
    along_y = tf.minimum(along_y, ny - along_y) / ny
    along_x = tf.cast(tf.range(nx // 2 + 1), tf.float32) / nx
    return (2.0 * math.pi) ** 2 * (along_y[:, tf.newaxis] ** 2 + along_x**2)


def power_law(phase_rad: Tensor, stiffness: Tensor) -> PowerLaw | None:
    """Return the power law of the phase where it stands above its noise, if anywhere.

    Empirical Bayes: from the mean power of rings of like wavelengths, less the noise that
    the data leave there, which is one over their ``stiffness`` (a half plane).
    """
    ny, nx = phase_rad.shape
    power = tf.abs(tf.signal.rfft2d(phase_rad)).numpy() ** 2 / (ny * nx)
    noise = 1.0 / np.maximum(stiffness.numpy(), 1e-6)
    rings, count = _rings(ny, nx)
    wavenumber, signal, noise = (
        np.bincount(rings.ravel(), values.ravel()) / count
        for values in (np.sqrt(squared_wavenumber(ny, nx).numpy()), power - noise, noise)
    )
    is_clear = (signal > noise) & (wavenumber > 0.0)
    if np.count_nonzero(is_clear) < LEAST_RINGS:
        return None
    x, y = np.log(wavenumber[is_clear]), np.log(signal[is_clear])
    trust = np.sqrt(count[is_clear])
    slope, _ = np.polyfit(x, y, 1, w=trust)
    exponent = float(np.clip(slope, *EXPONENTS))
    return PowerLaw(float(np.exp(np.average(y - exponent * x, weights=trust))), exponent)


@cache
def _rings(ny: int, nx: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the ring of each wave of the half plane, and the number of waves in each."""
    wavenumber = np.sqrt(squared_wavenumber(ny, nx).numpy())
    longest = np.min(wavenumber[wavenumber > 0.0])
    edges = np.geomspace(longest * 0.99, wavenumber.max() * 1.01, N_RINGS)
    rings = np.digitize(wavenumber, edges)
    return rings, np.maximum(np.bincount(rings.ravel()), 1.0)
