"""How well each image would have been predicted, had it not been used.

A fit follows the noise of its images, so that a residual r says less of an image the more
of it went into the fit. To first order each wave of an image has a leverage H, its share in
the estimate times what it shows of it, and had it been left out, the estimate would have
missed it by r / (1 - H), with a variance of sigma^2 / (1 - H) (Cook & Weisberg 1982, for
linear models). So

    score = sum |r|^2 / sum sigma^2 (1 - H)

is 1 for an image that the others predict as well as noise and uncertainty allow, and no
image has to be left out to know it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.recon.forward import exit_wave_spectrum, predicted_amplitude
from ltemlive.recon.objective import seen_in
from ltemlive.recon.spectrum import wave_counts, weak_contrasts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState


LEAST_FREEDOM = 1e-3
"""No fit follows all of an image's noise; so that a score stays a number."""
POOR_SCORE = 1.5
"""Of an image that is worth a word. The right model has scores of .95 to 1.05."""


def notes_on_fit(scores: Sequence[float], model: SeriesModel) -> tuple[str, ...]:
    """Return notes if images do not fit the others, the worst first, or show nothing."""
    scored = list(zip(scores, model.seqs, model.defocus_nm, strict=True))
    notes = []
    poor = sorted((each for each in scored if each[0] > POOR_SCORE), reverse=True)
    if poor:
        listed = ", ".join(
            f"{seq} ({defocus_nm * 1e-6:+.4g} mm: {score:.1f})"
            for score, seq, defocus_nm in poor
        )
        notes.append(
            "images do not fit each other (misfit squared, 1 is noise alone): frame "
            f"{listed}; remedy: check defocus, alignment and whether the sample has changed"
        )
    beyond = [str(seq) for score, seq, _ in scored if math.isnan(score)]
    if beyond:
        notes.append(
            f"beyond the field of the reference frame: frame {', '.join(beyond)}, which "
            "says nothing; remedy: bring the sample back, or begin another series"
        )
    return tuple(notes)


class Prediction(NamedTuple):
    """An image as a state predicts it, and as it was measured."""

    predicted: Tensor
    """Scaled to fit, (ny, nx)."""
    measured: Tensor
    precision: Tensor
    of_phase: Tensor
    """How strongly each wave of the phase shows, half plane."""
    of_amplitude: Tensor

    @property
    def misfit(self) -> float:
        """Return the mean squared error in units of noise; NaN where nothing is seen."""
        seen = seen_in(self.measured)
        squares = tf.reduce_sum(seen * (self.predicted - self.measured) ** 2)
        return float(self.precision * squares / tf.reduce_sum(seen))

    def freedom(self, metric: Tensor) -> float:
        """Return the share of its noise that a fit with such a covariance leaves to it."""
        shown = metric[0] * self.of_phase**2 + metric[1] * self.of_amplitude**2
        leverage: NDArray[np.float32] = np.clip((self.precision * shown).numpy(), 0.0, 1.0)
        counts = wave_counts(*self.measured.shape)
        return 1.0 - float(np.average(leverage, weights=counts))


def holdout_scores(state: SolverState, model: SeriesModel) -> tuple[float, ...]:
    """Return the score of each image, in the order in which the model got them.

    Images in focus that show the amplitude itself are scored by their mean. ``state`` is
    one whose search has begun; its metric stands for the covariance of the estimate.
    """
    series = model.series
    scores = [
        image.misfit / max(image.freedom(state.metric), LEAST_FREEDOM)
        for image in predictions(state, series)
    ]
    return tuple(scores[-1 if row is None else row] for row in model.rows)


def predictions(state: SolverState, series: FocalSeries) -> Iterator[Prediction]:
    """Yield the images with optics of their own, and last the mean of those in focus."""
    spectrum = exit_wave_spectrum(tf.cos(state.phase), tf.sin(state.phase), state.amplitude)
    for index in range(series.measured.shape[0]):
        transfer, blur = series.transfer[index], series.blur[index]
        measured, precision = series.measured[index], series.precision[index]
        predicted = predicted_amplitude(
            spectrum, transfer, blur if blur.shape[-1] else None
        )
        scaled = _scaled(predicted, measured)
        contrasts = weak_contrasts(transfer, blur)
        yield Prediction(scaled, measured, precision, *contrasts)
    if float(series.focus_precision) > 0.0:
        scaled = _scaled(state.amplitude, series.focus)
        contrasts = tf.zeros_like(state.metric[0]), tf.ones_like(state.metric[0])
        yield Prediction(scaled, series.focus, series.focus_precision, *contrasts)


def _scaled(predicted: Tensor, measured: Tensor) -> Tensor:
    seen = seen_in(measured)
    overlap = tf.reduce_sum(seen * predicted * measured)
    power = tf.reduce_sum(seen * predicted**2)
    return predicted * tf.math.divide_no_nan(overlap, power)
