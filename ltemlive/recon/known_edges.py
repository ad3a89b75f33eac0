"""Edges that a phase is known to have, and what the prior still asks of it there.

To sum lengths is to pay for height, so edges that the images show are lowered, and blurred:
at the edges of discs that was two thirds of what the gradient was off. To weigh the sum
less there lets noise in instead. But an edge has one direction: across it a phase is known
to climb and to bend, along it no more than anywhere. So of each change v that the prior
sums, only what goes the known way k costs less:

    |v|  ->  |v - k (k . v)|,    |k|^2 = 1 - 1 / (1 + r + (r / f)^4),    r = |v_0| / (n m)

with v_0 the change of the softened phase where the round begins, m the mean |v| there, not
softened, over the frame, and n and f numbers. It is the directed total variation of
Ehrhardt & Betcke (2016), whose direction the phase itself tells. Without the fourth power
each would cost up to n m, and corners of edges were rounded by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.compiled import compiled
from ltemlive.recon.spectrum import filtered, squared_wavenumber

if TYPE_CHECKING:
    from tensorflow import Tensor

KNOWN_STEEPNESS, KNOWN_BENDING = 0.3, 4.0
"""Times the mean gradient, and the mean bend, that cost half of what they are long. Nearly
all gradients are known, by their long waves; only bends at edges stand out of the noise."""
FREE = 2.5
"""f: a change beyond so many times that soon costs nothing."""
SOFTNESS_PX = 0.5
"""Blur (standard deviation) of the phase that tells the direction, or its noise does."""


def softened(phase: Tensor) -> Tensor:
    """Return the phase that tells which way its edges go, (ny, nx)."""
    soft = tf.exp(-0.5 * SOFTNESS_PX**2 * squared_wavenumber(*phase.shape))
    return filtered(phase, soft)


@compiled
def known_part(parts: tuple[Tensor, ...], enough: Tensor, weight: Tensor) -> Tensor:
    """Return k of each pixel, (number of parts, ny, nx); zero where ``weight`` is.

    ``parts`` are the changes of a ``softened`` phase; one of length ``enough`` costs half.
    """
    changes = tf.stack(parts)
    length = tf.sqrt(tf.reduce_sum(changes**2, axis=0))
    relative = length / enough
    known = 1.0 - 1.0 / (1.0 + relative + (relative / FREE) ** 4)
    return weight * tf.sqrt(known) * tf.math.divide_no_nan(changes, length)


@compiled
def unknown_part(parts: tuple[Tensor, ...], known: Tensor) -> tuple[Tensor, ...]:
    """Return v - k (k . v) of each pixel, its own transpose."""
    directions = tf.unstack(known)
    along = tf.add_n([k * part for k, part in zip(directions, parts, strict=True)])
    return tuple(part - k * along for k, part in zip(directions, parts, strict=True))
