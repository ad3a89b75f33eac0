"""Sums over images that are both quick and exact enough, within compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow import Tensor


def total(image: Tensor) -> Tensor:
    """Return the sum over all elements, a scalar.

    As a product with ones, which XLA vectorises; its plain sum takes twice as long on the
    CPU. Row by row and then over the rows, so that rounding does not pile up.
    """
    return tf.reduce_sum(tf.linalg.matvec(image, tf.ones([image.shape[-1]])))


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Return the sum of the products, a scalar."""
    return total(one * other)
