"""The series that a state predicts, with or without noise: one whose truth is known.

An estimate made of it may only give what the state has. What else it gives is the fault of
the estimate, and comes of real images as well (parametric bootstrap, Efron 1979).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.recon.innovation import predictions
from ltemlive.recon.objective import UNSEEN, seen_in

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState

SEED = 1
"""Always the same noise: what it adds to an estimate stays the same from round to round."""


def rehearsed(model: SeriesModel, state: SolverState) -> SeriesModel:
    """Return the model with each image as predicted, in noise like its own.

    Pure: the same arguments give the same noise.
    """
    predicted = as_predicted(model.series, state)
    return replace(model, series=in_noise(predicted, np.random.default_rng(SEED)))


def as_predicted(series: FocalSeries, state: SolverState) -> FocalSeries:
    """Return the series with each image as predicted; what was not seen still is not."""
    images = [
        tf.where(seen_in(each.measured) > 0.0, each.predicted, UNSEEN)
        for each in predictions(state, series)
    ]
    n_images = series.measured.shape[0]
    focus = images[n_images] if len(images) > n_images else series.focus
    measured = tf.stack(images[:n_images]) if n_images else series.measured
    return series._replace(measured=measured, focus=focus)


def in_noise(series: FocalSeries, rng: np.random.Generator) -> FocalSeries:
    """Return the series with the noise that each image is believed to have."""

    def noisy(image: Tensor, precision: Tensor) -> Tensor:
        noise = rng.standard_normal(image.shape, np.float32) * tf.math.rsqrt(precision)
        return tf.where(image >= 0.0, tf.maximum(image + noise, 0.0), UNSEEN)

    if series.measured.shape[0]:
        pairs = zip(tf.unstack(series.measured), tf.unstack(series.precision), strict=True)
        series = series._replace(measured=tf.stack([noisy(*pair) for pair in pairs]))
    if float(series.focus_precision) == 0.0:
        return series
    return series._replace(focus=noisy(series.focus, series.focus_precision))
