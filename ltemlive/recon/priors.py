"""What is expected of a phase before it is measured, and how stiff each wave of it is."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow import Tensor

N_RINGS = 40
"""Rings of wavelengths, evenly spaced in their logarithm."""


def differences(phase_rad: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences (along y, along x) [rad per pixel], wrapping around."""
    return (
        tf.roll(phase_rad, -1, axis=0) - phase_rad,
        tf.roll(phase_rad, -1, axis=1) - phase_rad,
    )


def total_variation(phase_rad: Tensor, smoothing_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the sum of |grad phase| over seen pixels [rad], quadratic below the smoothing.

    Isotropic (Rudin, Osher & Fatemi 1992). The smoothing must stay well below the
    gradients that matter: at 0.05 rad per pixel it no longer denoises. Where ``weight`` is
    0, in the unseen border, the phase is only asked to be smooth, half |grad phase|^2 a
    pixel: total variation there would make a slope across the whole field cost as much as
    an edge all around it.
    """
    along_y, along_x = differences(phase_rad)
    squared = along_y**2 + along_x**2
    steepness = tf.sqrt(squared + smoothing_rad**2) - smoothing_rad
    return tf.reduce_sum(weight * steepness + (1.0 - weight) * 0.5 * squared)


def total_variation_gradient(
    phase_rad: Tensor, smoothing_rad: Tensor, weight: Tensor
) -> Tensor:
    """Return the derivative of ``total_variation`` by each pixel, shape (ny, nx)."""
    with tf.GradientTape() as tape:
        tape.watch(phase_rad)
        value = total_variation(phase_rad, smoothing_rad, weight)
    return tape.gradient(value, phase_rad)


def mean_steepness(phase_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of |grad phase| [rad per pixel] where ``weight`` is 1.

    The unseen border is left out: it is flat for want of data, not by nature.
    """
    along_y, along_x = differences(phase_rad)
    steepness = tf.sqrt(along_y**2 + along_x**2)
    return tf.reduce_sum(weight * steepness) / tf.reduce_sum(weight)


def signal_to_noise(phase_rad: Tensor, stiffness: Tensor) -> Tensor:
    """Return the power of each wave of the phase over the noise that the data leave it.

    The power is that of the ring of like wavelengths in the phase itself (empirical
    Bayes); the noise variance of a wave is one over its stiffness. Shape
    (ny, nx // 2 + 1), like ``stiffness``.
    """
    ny, nx = phase_rad.shape
    power = tf.abs(tf.signal.rfft2d(phase_rad)) ** 2 / float(ny * nx)
    rings, count = _rings(ny, nx)
    mean = np.bincount(rings.ravel(), power.numpy().ravel()) / count
    return tf.constant(mean[rings], tf.float32) * stiffness


@cache
def _rings(ny: int, nx: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the ring of each wave of the half plane, and the number of waves in each."""
    wavenumber = np.sqrt(squared_wavenumber(ny, nx).numpy())
    longest = np.min(wavenumber[wavenumber > 0.0])
    edges = np.geomspace(longest * 0.99, wavenumber.max() * 1.01, N_RINGS)
    rings = np.digitize(wavenumber, edges)
    return rings, np.maximum(np.bincount(rings.ravel()), 1.0)


def squared_wavenumber(ny: int, nx: int) -> Tensor:
    """Return (2 pi q)^2 [1/pixel^2] on the half plane, shape (ny, nx // 2 + 1)."""
    along_y = tf.cast(tf.range(ny), tf.float32)
    along_y = tf.minimum(along_y, ny - along_y) / ny
    along_x = tf.cast(tf.range(nx // 2 + 1), tf.float32) / nx
    return (2.0 * math.pi) ** 2 * (along_y[:, tf.newaxis] ** 2 + along_x**2)
