"""What is expected of a phase and an amplitude before they are measured.

The phase of a magnetic film is steep where its thickness has an edge and bends where its
induction turns, and both happen in few places: so the prior sums the gradient, which is
total variation (Rudin, Osher & Fatemi 1992), and the change of the gradient, which is the
total variation of the induction. The logarithm of the amplitude has edges only.

The weights are no knobs: values distributed as exp(-v / m) ask for the weight 1 / m, with m
the mean of the phase so far. Nor is it a knob whether v is the length of a gradient, or the
sum of its parts along the axes, which keeps corners sharp: the likelier one is taken. Of
edges that are known the prior asks for little but their direction (``known_edges``); m is
the mean of all of v, known or not. Where the data know better, the prior is relieved
(``relief``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.compiled import compiled
from ltemlive.recon.known_edges import unknown_part
from ltemlive.recon.spectrum import filtered
from ltemlive.recon.sums import overlap, total

if TYPE_CHECKING:
    from tensorflow import Tensor


class Prior(NamedTuple):
    """The weights of every part; scalars unless it says otherwise."""

    steepness_weight: Tensor
    """Of |grad phase| [1/rad]."""
    steepness_smoothing: Tensor
    """Quadratic below this [rad per pixel]."""
    steepness_is_axial: Tensor
    """1: its components are summed each by itself; 0: its length is."""
    border_weight: Tensor
    """Of half |grad phase|^2 where the camera did not see [1/rad^2]."""
    bending_weight: Tensor
    """Of the change of grad phase [1/rad]."""
    bending_smoothing: Tensor
    bending_is_axial: Tensor
    amplitude_weight: Tensor
    """Of |grad log amplitude|; its square, of half that squared in the border."""
    amplitude_smoothing: Tensor
    known_steepness: Tensor
    """Which way the phase is known to climb (``known_edges``), (2, ny, nx)."""
    known_bending: Tensor
    """And to bend, (3, ny, nx)."""
    roughness: Tensor
    """Inverse power expected of each wave of the phase, half plane, (ny, nx // 2 + 1)."""
    relief: Tensor
    """Taken back from the pull on (phase, log amplitude), (2, ny, nx)."""


def no_prior(shape: tuple[int, int]) -> Prior:
    """Return a prior that asks for nothing, for a field of ``shape``."""
    none, any_smoothing = tf.zeros([]), tf.ones([])
    return Prior(
        *(none, any_smoothing, none, none),
        *(none, any_smoothing, none),
        *(none, any_smoothing),
        known_steepness=tf.zeros([2, *shape]),
        known_bending=tf.zeros([3, *shape]),
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
    phase, log_amplitude = unknowns[0], unknowns[1]
    # Compiled in stages: in one, XLA computes a shifted pixel again for each of its uses.
    gradient = differences(phase)
    bends = bends_of(gradient)
    steep, along_gradient = _edges(
        unknown_part(gradient, prior.known_steepness),
        prior.steepness_weight,
        prior.steepness_smoothing,
        prior.steepness_is_axial,
        prior.border_weight,
        weight,
    )
    nothing = tf.zeros([])
    bent, along_bends = _edges(
        unknown_part(bends, prior.known_bending),
        prior.bending_weight,
        prior.bending_smoothing,
        prior.bending_is_axial,
        nothing,
        weight,
    )
    absorbed, along_absorption = _edges(
        differences(log_amplitude),
        prior.amplitude_weight,
        prior.amplitude_smoothing,
        nothing,
        prior.amplitude_weight**2,
        weight,
    )
    along_gradient = unknown_part(along_gradient, prior.known_steepness)
    along_bends = unknown_part(along_bends, prior.known_bending)
    along_phase = _along_image(_along_gradient(along_bends, along_gradient))
    rough = tf.zeros_like(phase)
    if tf.reduce_any(prior.roughness > 0.0):
        rough = filtered(phase, prior.roughness)
    along = tf.stack([along_phase + rough, _along_image(along_absorption)]) - prior.relief
    value = steep + bent + absorbed + 0.5 * overlap(rough, phase)
    return value - overlap(prior.relief, unknowns), along


@compiled
def differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences (along y, along x) per pixel, wrapping around."""
    return _differences(image)


@compiled
def bends_of(gradient: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the second differences along y, along x, and sqrt 2 times the mixed one.

    From ``differences``; all zero where the induction is uniform.
    """
    return _bends(gradient)


def _differences(image: Tensor) -> tuple[Tensor, Tensor]:
    return tf.roll(image, -1, axis=0) - image, tf.roll(image, -1, axis=1) - image


def _bends(gradient: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    along_y, along_x = gradient
    yy = along_y - tf.roll(along_y, 1, axis=0)
    xx = along_x - tf.roll(along_x, 1, axis=1)
    xy = along_y - tf.roll(along_y, 1, axis=1)
    yx = along_x - tf.roll(along_x, 1, axis=0)
    return yy, xx, math.sqrt(0.5) * (xy + yx)


@compiled
def _along_image(along_gradient: tuple[Tensor, Tensor]) -> Tensor:
    """Return the derivative by an image from that by its ``differences``."""
    image = tf.zeros_like(along_gradient[0])
    with tf.GradientTape() as tape:
        tape.watch(image)
        gradient = _differences(image)
    return tape.gradient(gradient, image, output_gradients=along_gradient)


@compiled
def _along_gradient(
    along_bends: tuple[Tensor, ...], along_gradient: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the derivative by a gradient: its own and that by its ``bends_of``."""
    gradient = (tf.zeros_like(along_gradient[0]), tf.zeros_like(along_gradient[1]))
    with tf.GradientTape() as tape:
        tape.watch(gradient)
        bends = _bends(gradient)
    of_y, of_x = tape.gradient(bends, gradient, output_gradients=along_bends)
    return along_gradient[0] + of_y, along_gradient[1] + of_x


@compiled
def _edges(
    parts: tuple[Tensor, ...],
    weight: Tensor,
    smoothing: Tensor,
    is_axial: Tensor,
    border_weight: Tensor,
    seen: Tensor,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the sum of weighted lengths, and its derivative by each part."""
    with tf.GradientTape() as tape:
        tape.watch(parts)
        length = sum_of_lengths(parts, smoothing, seen)
        length += is_axial * (sum_of_parts(parts, smoothing, seen) - length)
        value = weight * length
        value += border_weight * unevenness(parts, 1.0 - seen)
    return value, tape.gradient(value, parts)


def sum_of_lengths(parts: tuple[Tensor, ...], smoothing: Tensor, weight: Tensor) -> Tensor:
    """Return the sum of weight |(parts)|, quadratic below the smoothing.

    Of ``differences`` it is the isotropic total variation (Rudin, Osher & Fatemi 1992), of
    ``bends_of`` that of the induction. The smoothing must stay well below the lengths that
    matter: at 0.05 rad per pixel it no longer denoises.
    """
    squared = tf.add_n([part**2 for part in parts])
    return total(weight * (tf.sqrt(squared + smoothing**2) - smoothing))


def sum_of_parts(parts: tuple[Tensor, ...], smoothing: Tensor, weight: Tensor) -> Tensor:
    """Return the sum of weight (|part| + |part| ...), each quadratic below the smoothing.

    Of ``differences`` it is the anisotropic total variation, to which a diagonal edge is
    longer than one along an axis, and a corner no longer than its sides.
    """
    lengths = [tf.sqrt(part**2 + smoothing**2) - smoothing for part in parts]
    return total(weight * tf.add_n(lengths))


def unevenness(parts: tuple[Tensor, ...], weight: Tensor) -> Tensor:
    """Return the sum of weight |(parts)|^2 / 2.

    For the unseen border, where total variation would make a slope across the whole field
    cost as much as an edge all around it.
    """
    return 0.5 * total(weight * tf.add_n([part**2 for part in parts]))


@compiled
def mean_steepness(phase_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of |grad phase| [rad per pixel] where ``weight`` is 1.

    The unseen border is left out: it is flat for want of data, not by nature.
    """
    return _mean(differences(phase_rad), weight)


@compiled
def mean_bending(phase_rad: Tensor, weight: Tensor) -> Tensor:
    """Return the mean change of the gradient [rad per pixel] where ``weight`` is 1."""
    return _mean(bends_of(differences(phase_rad)), weight)


def _mean(parts: tuple[Tensor, ...], weight: Tensor) -> Tensor:
    length = tf.sqrt(tf.add_n([part**2 for part in parts]))
    return total(weight * length) / total(weight)
