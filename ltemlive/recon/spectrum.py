"""Waves of an image: filters, wavenumbers, and how fast the power of a phase falls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.optimize import minimize_scalar

from ltemlive.recon.sums import total

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow import Tensor

EXPONENTS = np.arange(-8.0, -0.9, 0.25)
"""Of the power laws that are tried."""
LOG_POWERS = (-30.0, 30.0)
"""Natural logarithm of the power at ``REFERENCE`` lies between these."""
REFERENCE = 0.3
"""Wavenumber [1/pixel]: well within what images show, whatever the field."""
LEAST_STIFFNESS = 0.1
"""Of a ring that counts, relative to the stiffest one and beyond it: where the images are
nearly blind to a wave, the derivative shows products of other waves."""


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
    spectrum = tf.signal.rfft2d(image)
    power = tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2
    return total(factor * wave_counts(ny, nx) * power) / (ny * nx)


def wave_counts(ny: int, nx: int) -> NDArray[np.float32]:
    """Return how many waves of the whole plane each of the half plane stands for."""
    counts = np.full((ny, nx // 2 + 1), 2.0, np.float32)
    counts[:, 0] = 1.0
    if nx % 2 == 0:
        counts[:, -1] = 1.0
    return counts


def weak_contrasts(transfer: Tensor, blur: Tensor) -> tuple[Tensor, Tensor]:
    """Return how strongly a weak phase and a weak log amplitude show, half planes.

    The moduli of ``physics.optics.weak_contrasts``, from a transfer function that may also
    move the image, (ny, nx), and the blur of its intensity, which may be empty. A wave and
    its opposite interfere with what was not scattered.
    """
    opposite = tf.math.conj(tf.roll(transfer[::-1, ::-1], (1, 1), (0, 1)))
    half = transfer.shape[1] // 2 + 1
    of_phase = 0.5 * tf.abs(transfer - opposite)[:, :half]
    of_amplitude = 0.5 * tf.abs(transfer + opposite)[:, :half]
    if blur.shape[-1]:
        return of_phase * blur, of_amplitude * blur
    return of_phase, of_amplitude


def squared_wavenumber(ny: int, nx: int) -> Tensor:
    """Return (2 pi q)^2 [1/pixel^2] on the half plane, shape (ny, nx // 2 + 1)."""
    along_y = tf.cast(tf.range(ny), tf.float32)
    along_y = tf.minimum(along_y, ny - along_y) / ny
    along_x = tf.cast(tf.range(nx // 2 + 1), tf.float32) / nx
    return (2.0 * math.pi) ** 2 * (along_y[:, tf.newaxis] ** 2 + along_x**2)


def power_law(slope: Tensor, stiffness: Tensor, n_seen: float) -> PowerLaw:
    """Return the power law that makes a misfit's derivative at a flat phase the likeliest.

    Empirical Bayes: where the phase is flat, the derivative is to first order minus each
    wave of the true one times its stiffness S, in noise of variance S, so that its power
    has the mean S + S^2 P. P is chosen by the likelihood of all waves (Whittle 1953).

    Parameters
    ----------
    slope
        Derivative of the misfit by each pixel of the phase, where it is flat, (ny, nx).
    stiffness
        Curvature of the misfit per wave of a weak phase, half plane.
    n_seen
        Pixels that the camera saw; where they are tapered, the sum of the squared taper.
    """
    ny, nx = slope.shape
    power = np.abs(tf.signal.rfft2d(slope).numpy()) ** 2 / n_seen
    wavenumber, count, power, stiff = _by_rings(ny, nx, power, stiffness.numpy())
    is_used = stiff > 0.0
    stiffest = int(np.argmax(stiff))
    is_used[stiffest:] = stiff[stiffest:] > LEAST_STIFFNESS * stiff[stiffest]
    wavenumber, count, power, stiff = (
        each[is_used] for each in (wavenumber, count, power, stiff)
    )
    of_noise, stretch = power / stiff, np.log(wavenumber / REFERENCE)

    def cost(log_power: float, exponent: float) -> float:
        expected = 1.0 + stiff * np.exp(log_power + exponent * stretch)
        return float(np.sum(count * (np.log(expected) + of_noise / expected)))

    fits = [
        (
            minimize_scalar(cost, bounds=LOG_POWERS, args=(each,), method="bounded"),
            float(each),
        )
        for each in EXPONENTS
    ]
    best, exponent = min(fits, key=lambda fit: float(fit[0].fun))
    return PowerLaw(math.exp(best.x - exponent * math.log(REFERENCE)), exponent)


def rings_of_waves(ny: int, nx: int) -> NDArray[np.int64]:
    """Return the ring that each wave is in, (ny, nx // 2 + 1); 0 is the mean.

    Rings as wide as the lowest frequency of the longer side.
    """
    cycles = np.sqrt(squared_wavenumber(ny, nx).numpy()) * max(ny, nx) / (2.0 * math.pi)
    return np.asarray(np.rint(cycles), np.int64)


def _by_rings(ny: int, nx: int, *values: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    """Return mean wavenumber, number of waves, and means of values of each ring.

    Without the mean of the image.
    """
    wavenumber = np.sqrt(squared_wavenumber(ny, nx).numpy())
    rings = rings_of_waves(ny, nx).ravel()
    count = np.bincount(rings).astype(np.float64)
    is_used = count > 0.0
    is_used[0] = False
    means = [
        np.bincount(rings, each.ravel().astype(np.float64))[is_used] / count[is_used]
        for each in (wavenumber, *values)
    ]
    return means[0], count[is_used], *means[1:]
