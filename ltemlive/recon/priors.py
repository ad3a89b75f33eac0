"""What is expected of a phase and an amplitude before they are measured.

The phase of a magnetic film is steep where its thickness has an edge and bends where its
induction turns, and both happen in few places: so the prior sums the gradient, which is
total variation (Rudin, Osher & Fatemi 1992), and the change of the gradient, which is the
total variation of the induction. The logarithm of the amplitude has edges only.

The weights are no knobs: values distributed as exp(-v / m) ask for the weight 1 / m, with m
the mean of the phase so far. Where the data know better, the prior is relieved: it may pull
no wave farther from the data than a multiple of that wave's noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.spectrum import filtered
from ltemlive.recon.sums import overlap, total

if TYPE_CHECKING:
    from tensorflow import Tensor

PULL_LIMIT = 2.0
"""How far the prior may pull a wave from the data, in standard deviations of its noise.
Of waves that are noise alone e^-4 exceed it."""


class Prior(NamedTuple):
    """The weights of every part; scalars unless it says otherwise."""

    steepness_weight: Tensor
    """Of |grad phase| [1/rad]."""
    steepness_smoothing: Tensor
    """Quadratic below this [rad per pixel]."""
    border_weight: Tensor
    """Of half |grad phase|^2 where the camera did not see [1/rad^2]."""
    bending_weight: Tensor
    """Of the change of grad phase [1/rad]."""
    bending_smoothing: Tensor
    amplitude_weight: Tensor
    """Of |grad log amplitude|; its square, of half that squared in the border."""
    amplitude_smoothing: Tensor
    roughness: Tensor
    """Inverse power expected of each wave of the phase, half plane, (ny, nx // 2 + 1)."""
    relief: Tensor
    """Taken back from the pull on (phase, log amplitude), (2, ny, nx)."""


def no_prior(shape: tuple[int, int]) -> Prior:
    """Return a prior that asks for nothing, for a field of ``shape``."""
    none, any_smoothing = tf.zeros([]), tf.ones([])
    return Prior(
        *(none, any_smoothing, none) + (none, any_smoothing) * 2,
        roughness=tf.zeros([shape[0], shape[1] // 2 + 1]),
        relief=tf.zeros([2, *shape]),
    )


@tf.function
def prior_and_gradient(
    unknowns: Tensor, weight: Tensor, prior: Prior
) -> tuple[Tensor, Tensor]:
    """Return the prior's value and its derivative, shapes () and (2, ny, nx).

    ``unknowns`` are phase [rad] and log amplitude; ``weight`` is 1 where the camera saw.
    """
    # Not compiled: XLA computes shifted pixels again for each use, at twice the time.
    with tf.GradientTape() as tape:
        tape.watch(unknowns)
        phase, log_amplitude = unknowns[0], unknowns[1]
        value = prior.steepness_weight * total_variation(
            phase, prior.steepness_smoothing, weight
        )
        unseen = 1.0 - weight
        value += prior.border_weight * unevenness(phase, unseen)
        value += prior.amplitude_weight**2 * unevenness(log_amplitude, unseen)
        value += prior.bending_weight * total_bending(
            phase, prior.bending_smoothing, weight
        )
        value += prior.amplitude_weight * total_variation(
            log_amplitude, prior.amplitude_smoothing, weight
        )
        rough = tf.stop_gradient(filtered(phase, prior.roughness))
        # Linear on the tape with the value of a quadratic: half of its derivative.
        value += overlap(rough, phase) - 0.5 * overlap(rough, tf.stop_gradient(phase))
        value -= overlap(prior.relief, unknowns)
    return value, tape.gradient(value, unknowns)


def relief_of(prior: Prior, unknowns: Tensor, weight: Tensor, stiffness: Tensor) -> Tensor:
    """Return the part of the prior's pull that exceeds ``PULL_LIMIT``, (2, ny, nx).

    Total variation pays for every slope, so it flattens what it touches, also waves that
    the data know well. Where the search rests, the data are stretched by S times the error
    and balance the prior's pull; noise alone accounts for sqrt(S). To take back what is
    beyond it is the linear term of a Bregman iteration (Osher et al. 2005), given only to
    the waves that need it. ``stiffness`` is S, half planes, (2, ny, nx // 2 + 1).
    """
    bare = prior._replace(relief=tf.zeros_like(unknowns))
    _, pull = prior_and_gradient(unknowns, weight, bare)
    pull *= weight  # the border is not the data's to relieve
    spectrum = tf.signal.rfft2d(pull)
    n_pixels = float(unknowns.shape[1] * unknowns.shape[2])
    noise = tf.sqrt(n_pixels * stiffness)
    excess = 1.0 - tf.minimum(1.0, PULL_LIMIT * noise / (tf.abs(spectrum) + 1e-9))
    return weight * filtered(pull, excess)


def differences(phase_rad: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences (along y, along x) [rad per pixel], wrapping around."""
    return (
        tf.roll(phase_rad, -1, axis=0) - phase_rad,
        tf.roll(phase_rad, -1, axis=1) - phase_rad,
    )


def total_variation(phase_rad: Tensor, smoothing_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the sum of weight |grad phase| [rad], quadratic below the smoothing.

    Isotropic (Rudin, Osher & Fatemi 1992). The smoothing must stay well below the
    gradients that matter: at 0.05 rad per pixel it no longer denoises.
    """
    along_y, along_x = differences(phase_rad)
    steepness = tf.sqrt(along_y**2 + along_x**2 + smoothing_rad**2) - smoothing_rad
    return total(weight * steepness)


def unevenness(phase_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the sum of weight |grad phase|^2 / 2 [rad^2].

    For the unseen border, where total variation would make a slope across the whole field
    cost as much as an edge all around it.
    """
    along_y, along_x = differences(phase_rad)
    return 0.5 * total(weight * (along_y**2 + along_x**2))


def total_bending(phase_rad: Tensor, smoothing_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the sum over seen pixels of how the gradient changes [rad].

    The Frobenius norm of the symmetric second differences; zero where the induction is
    uniform, h per pixel of length at a wall across which the gradient turns by h.
    """
    bending = tf.sqrt(_squared_bending(phase_rad) + smoothing_rad**2) - smoothing_rad
    return total(weight * bending)


def _squared_bending(phase_rad: Tensor) -> Tensor:
    along_y, along_x = differences(phase_rad)
    yy = along_y - tf.roll(along_y, 1, axis=0)
    xx = along_x - tf.roll(along_x, 1, axis=1)
    xy = along_y - tf.roll(along_y, 1, axis=1)
    yx = along_x - tf.roll(along_x, 1, axis=0)
    return yy**2 + xx**2 + 0.5 * (xy + yx) ** 2


def mean_steepness(phase_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of |grad phase| [rad per pixel] where ``weight`` is 1.

    The unseen border is left out: it is flat for want of data, not by nature.
    """
    along_y, along_x = differences(phase_rad)
    return _mean(tf.sqrt(along_y**2 + along_x**2), weight)


def mean_bending(phase_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the mean change of the gradient [rad per pixel] where ``weight`` is 1."""
    return _mean(tf.sqrt(_squared_bending(phase_rad)), weight)


def _mean(image: Tensor, weight: Tensor) -> Tensor:
    return tf.reduce_sum(weight * image) / tf.reduce_sum(weight)
