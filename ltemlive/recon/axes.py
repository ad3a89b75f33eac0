"""Whether the edges of a phase follow the axes of the camera."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.compiled import compiled
from ltemlive.recon.priors import differences
from ltemlive.recon.spectrum import filtered, squared_wavenumber
from ltemlive.recon.sums import total

if TYPE_CHECKING:
    from tensorflow import Tensor

TURNS_DEG = range(5, 90, 5)
"""Of the axes, where edges are asked which they follow."""
STAIRS_PX = 2.0
"""Blur (standard deviation) under which a turned edge shows its direction."""


@compiled
def axial_excess(parts: tuple[Tensor, ...], weight: Tensor) -> Tensor:
    """Return by how much |part| + |part| ... exceeds |(parts)|, a ratio of two means."""
    axial = tf.add_n([tf.abs(part) for part in parts])
    length = tf.sqrt(tf.add_n([part**2 for part in parts]))
    return total(weight * axial) / tf.maximum(total(weight * length), 1e-6)


def is_straight(phase: Tensor, weight: Tensor) -> bool:
    """Return whether the gradient follows the axes more than it follows axes turned anyhow.

    Edges at 15 degrees, too, are likelier under the sum of parts than under the length; but
    they would become stairs. Seen over a few pixels, for the stairs of a sharp edge are
    straight. Edges in all directions alike follow none.
    """
    soft = tf.exp(-0.5 * STAIRS_PX**2 * squared_wavenumber(*phase.shape))
    gradient = along_y, along_x = differences(filtered(phase, soft))
    least = axial_excess(gradient, weight)
    if least >= axial_bound(len(gradient)):
        return False
    for angle in map(math.radians, TURNS_DEG):
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = (cosine * along_y - sine * along_x, sine * along_y + cosine * along_x)
        if axial_excess(turned, weight) <= least:
            return False
    return True


def axial_bound(n: int) -> float:
    """Return the excess below which n parts are likelier to follow the axes.

    exp(-(|part| + |part| ...) / m) tells them better then than exp(-|(parts)| / m), each
    with the m that fits it best. Parts that prefer no direction exceed it: 1.273 for two,
    where the bound is 1.253, and 1.5 for three, where it is 1.465.
    """
    sphere = 2.0 * math.pi ** (n / 2) * math.gamma(n) / math.gamma(n / 2)
    return float(0.5 * sphere ** (1 / n))
