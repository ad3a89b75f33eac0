"""What is taken back from the prior where the data know better.

Total variation pays for every slope, so it flattens what it touches, also waves that the
data know well. So it may pull no wave farther from the data than a multiple of that wave's
noise. To take back what is beyond is the linear term of a Bregman iteration (Osher et al.
2005), given only to the waves that need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from ltemlive.recon.priors import prior_and_gradient
from ltemlive.recon.spectrum import filtered

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.priors import Prior

PULL_LIMITS = (2.0, 6.0)
"""How far the prior may pull a wave of the phase and of the log amplitude from the data, in
standard deviations of its noise. Of waves that are noise alone e^-4 exceed two. The noise
of an amplitude that is pulled less takes from the scale of the phase."""


def relief_of(prior: Prior, unknowns: Tensor, weight: Tensor, stiffness: Tensor) -> Tensor:
    """Return the part of the prior's pull that exceeds ``PULL_LIMITS``, (2, ny, nx).

    Where the search rests, the data are stretched by S times the error and balance the
    prior's pull; noise alone accounts for sqrt(S). ``stiffness`` is S, half planes,
    (2, ny, nx // 2 + 1).
    """
    bare = prior._replace(relief=tf.zeros_like(unknowns))
    _, pull = prior_and_gradient(unknowns, weight, bare)
    pull *= weight  # the border is not the data's to relieve
    spectrum = tf.signal.rfft2d(pull)
    noise = tf.sqrt(tf.reduce_sum(weight) * stiffness)
    limits = tf.constant(PULL_LIMITS)[:, tf.newaxis, tf.newaxis]
    excess = 1.0 - tf.minimum(1.0, limits * noise / (tf.abs(spectrum) + 1e-9))
    return weight * filtered(pull, excess)
