"""The series that a state predicts, with noise of its own: one whose truth is known.

An estimate made of it may only give what the state has. What else it gives is the fault of
the estimate, and comes of real images as well (parametric bootstrap, Efron 1979).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.recon.innovation import predictions
from ltemlive.recon.objective import seen_in

if TYPE_CHECKING:
    from ltemlive.recon.innovation import Prediction
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState

SEED = 1
"""Always the same noise: what it adds to an estimate stays the same from round to round."""


def rehearsed(model: SeriesModel, state: SolverState) -> SeriesModel:
    """Return the model with each image as predicted, in noise like its own.

    Pure: the same arguments give the same noise.
    """
    rng = np.random.default_rng(SEED)
    series = model.series
    images = [_noisy(image, rng) for image in predictions(state, series)]
    n_images = series.measured.shape[0]
    if n_images:
        series = series._replace(measured=tf.stack(images[:n_images]))
    if len(images) > n_images:
        series = series._replace(focus=images[-1])
    return replace(model, series=series)


def _noisy(image: Prediction, rng: np.random.Generator) -> tf.Tensor:
    """Return an image as predicted, in noise; what was not seen still is not, (ny, nx)."""
    noise = rng.standard_normal(image.predicted.shape, np.float32)
    noisy = image.predicted + tf.constant(noise) / tf.sqrt(image.precision)
    is_seen = seen_in(image.measured) > 0.0
    return tf.where(is_seen, tf.maximum(noisy, 0.0), image.measured)
