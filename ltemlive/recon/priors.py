"""What is expected of a phase before it is measured, and how stiff each wave of it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow import Tensor


def differences(phase_rad: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences (along y, along x) [rad per pixel], wrapping around."""
    return (
        tf.roll(phase_rad, -1, axis=0) - phase_rad,
        tf.roll(phase_rad, -1, axis=1) - phase_rad,
    )


def total_variation(phase_rad: Tensor, smoothing_rad: Tensor) -> Tensor:
    """Return the sum of |grad phase| over pixels [rad], quadratic below the smoothing.

    Isotropic (Rudin, Osher & Fatemi 1992). The smoothing must stay well below the
    gradients that matter: at 0.05 rad per pixel it no longer denoises.
    """
    along_y, along_x = differences(phase_rad)
    steepness = tf.sqrt(along_y**2 + along_x**2 + smoothing_rad**2)
    return tf.reduce_sum(steepness - smoothing_rad)


def mean_steepness(phase_rad: Tensor) -> Tensor:
    """Return the mean of |grad phase| [rad per pixel]."""
    along_y, along_x = differences(phase_rad)
    return tf.reduce_mean(tf.sqrt(along_y**2 + along_x**2))


def squared_wavenumber(ny: int, nx: int) -> Tensor:
    """Return (2 pi q)^2 [1/pixel^2] on the half plane, shape (ny, nx // 2 + 1)."""
    along_y = tf.cast(tf.range(ny), tf.float32)
    along_y = tf.minimum(along_y, ny - along_y) / ny
    along_x = tf.cast(tf.range(nx // 2 + 1), tf.float32) / nx
    return (2.0 * math.pi) ** 2 * (along_y[:, tf.newaxis] ** 2 + along_x**2)
