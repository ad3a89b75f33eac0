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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.physics.optics import delocalisation_px
from ltemlive.recon.compiled import compiled
from ltemlive.recon.forward import exit_wave_spectrum, predicted_amplitude
from ltemlive.recon.objective import seen_in
from ltemlive.recon.preparation import empty_series, with_measured
from ltemlive.recon.spectrum import wave_counts, weak_contrasts
from ltemlive.recon.sums import total

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.field import Field
    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState


LEAST_FREEDOM = 1e-3
"""No fit follows all of an image's noise; so that a score stays a number."""
N_PARTS, MUST_SEE = 8, 0.5
"""Parts of a field along each side, and how much of one an image must show."""
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

    @property
    def misfit(self) -> float:
        """Return the mean squared error in units of noise; NaN where nothing is seen."""
        return float(_misfit(self.predicted, self.measured, self.precision))

    @property
    def misfits_by_part(self) -> NDArray[np.float64]:
        """Return the same of each part of the field, NaN where little is seen of one.

        Shape (``N_PARTS``, ``N_PARTS``); rows and columns that are left over do not count.
        """
        seen = seen_in(self.measured).numpy()
        squared = seen * (self.predicted - self.measured).numpy() ** 2
        n_seen, sums = (_sums_by_part(each) for each in (seen, squared))
        n_pixels = math.prod(part_shape(seen.shape))
        with np.errstate(invalid="ignore", divide="ignore"):
            misfits = float(self.precision) * sums / n_seen
        return np.where(n_seen > MUST_SEE * n_pixels, misfits, np.nan)

    def score(self, expected: float, is_outer: NDArray[np.bool_]) -> Score:
        """Return the score, where noise and ignorance explain so much misfit.

        ``is_outer``, (``N_PARTS``, ``N_PARTS``), from ``outer_parts``.
        """
        by_part = self.misfits_by_part / expected
        inner, outer = (_worst(by_part[where]) for where in (~is_outer, is_outer))
        return Score(self.misfit / expected, inner, outer)


class Score(NamedTuple):
    """How an image compares with what the others predict; 1 fits, more does not."""

    whole: float
    worst_part: float
    """Of 8 x 8 parts of the field: a domain that jumped hides in a whole image."""
    worst_outer_part: float = math.nan
    """Of those that show what may lie beyond the frame, where edges are smooth for want of
    data."""

    @property
    def worst(self) -> float:
        """Return that of the worst part, wherever it lies."""
        return float(np.fmax(self.worst_part, self.worst_outer_part))


def part_shape(shape: Sequence[int]) -> tuple[int, int]:
    """Return the pixels of each part of a field."""
    return shape[0] // N_PARTS, shape[1] // N_PARTS


def outer_parts(field: Field, reach_px: float) -> NDArray[np.bool_]:
    """Return which parts of a field lie no farther than this from what no camera saw.

    Their middles, shape (``N_PARTS``, ``N_PARTS``); none where the field wraps around.
    """
    if field.wraps:
        return np.zeros((N_PARTS, N_PARTS), dtype=bool)
    is_inner = []
    for corner, seen, part in zip(
        field.corner, field.frame_shape, part_shape(field.shape), strict=True
    ):
        middles = part * (np.arange(N_PARTS) + 0.5)
        depths = np.minimum(middles - corner, corner + seen - middles)
        is_inner.append(depths > reach_px)
    rows, columns = is_inner
    return np.asarray(~(rows[:, np.newaxis] & columns))


def holdout_scores(state: SolverState, model: SeriesModel) -> tuple[float, ...]:
    """Return the score of each whole image, as ``image_scores`` does."""
    return tuple(score.whole for score in image_scores(state, model))


def image_scores(state: SolverState, model: SeriesModel) -> tuple[Score, ...]:
    """Return the score of each image, in the order in which the model got them.

    Images in focus that show the amplitude itself are scored by their mean. ``state`` is
    one whose search has begun; its metric stands for the covariance of the estimate.
    """
    of_rows = list(predictions(state, model.series))
    expected = [
        max(1.0 - leverage, LEAST_FREEDOM)
        for leverage in _leverages(model.series, state.metric)
    ]
    scores = []
    for row, defocus_nm in zip(model.rows, model.defocus_nm, strict=True):
        place = -1 if row is None else row
        is_outer = _outer_parts(model, defocus_nm)
        scores.append(of_rows[place].score(expected[place], is_outer))
    return tuple(scores)


def predictions(state: SolverState, series: FocalSeries) -> Iterator[Prediction]:
    """Yield the images with optics of their own, and last the mean of those in focus."""
    spectrum = exit_spectrum(state.unknowns)
    for index in range(series.measured.shape[0]):
        measured = series.measured[index]
        predicted = predicted_through(
            spectrum, series.transfer[index], series.blur[index], measured
        )
        yield Prediction(predicted, measured, series.precision[index])
    if float(series.focus_precision) > 0.0:
        predicted = _scaled(state.amplitude, series.focus)
        yield Prediction(predicted, series.focus, series.focus_precision)


def exit_spectrum(unknowns: Tensor) -> Tensor:
    """Return the DFT of the exit wave, complex64, (ny, nx), of phase and log amplitude."""
    phase, log_amplitude = tf.unstack(unknowns)
    return exit_wave_spectrum(tf.cos(phase), tf.sin(phase), tf.exp(log_amplitude))


@compiled
def predicted_through(
    spectrum: Tensor, transfer: Tensor, blur: Tensor, measured: Tensor
) -> Tensor:
    """Return what these optics make of a wave, scaled to fit what was measured."""
    predicted = predicted_amplitude(spectrum, transfer, blur if blur.shape[-1] else None)
    return _scaled(predicted, measured)


def unseen_score(model: SeriesModel, member: Member, state: SolverState) -> Score:
    """Return the score of an image that had no part in the estimate.

    Its prediction misses it by its noise and by what the estimate does not know, so that

        score = mean |r|^2 / sigma^2 (1 + H)
    """
    (prediction,) = predictions(state, _alone(model, member))
    counts = wave_counts(*model.field.shape)
    unknown = image_leverage(model, member, state)
    expected = 1.0 + float(np.sum(counts * unknown) / counts.sum())
    return prediction.score(expected, _outer_parts(model, member.image.defocus_nm))


def image_leverage(
    model: SeriesModel, member: Member, state: SolverState
) -> NDArray[np.float32]:
    """Return how much of the estimate's variance an image shows, in units of its noise.

    By wave, half plane. Of an image that is part of the estimate, its leverage.
    """
    series = _alone(model, member)
    if not series.measured.shape[0]:
        return np.asarray(series.focus_precision * state.metric[1])
    optics = series.transfer[0], series.blur[0], series.precision[0]
    return np.asarray(_leverage_by_wave(*optics, state.metric))


def predicted_alone(model: SeriesModel, member: Member, state: SolverState) -> Prediction:
    """Return an image as a state predicts it that need not know of it."""
    (prediction,) = predictions(state, _alone(model, member))
    return prediction


def _outer_parts(model: SeriesModel, defocus_nm: float) -> NDArray[np.bool_]:
    reach_px = delocalisation_px(defocus_nm, model.microscope)
    return outer_parts(model.field, reach_px)


def _alone(model: SeriesModel, member: Member) -> FocalSeries:
    """Return the series of one image, without its stiffness."""
    empty = empty_series(model.field, model.microscope)
    return with_measured(
        empty, model.field, member.image, model.microscope, member.shift_px, member.turn
    )


def _leverages(series: FocalSeries, metric: Tensor) -> Iterator[float]:
    """Yield the share of its noise that a fit with such a covariance follows, by image."""
    for index in range(series.measured.shape[0]):
        transfer, blur = series.transfer[index], series.blur[index]
        yield float(_leverage(transfer, blur, series.precision[index], metric))
    if float(series.focus_precision) > 0.0:
        yield float(_mean_of_waves(series.focus_precision * metric[1], series.focus))


def _worst(misfits: NDArray[np.float64]) -> float:
    return float(np.nanmax(misfits)) if np.isfinite(misfits).any() else math.nan


def _sums_by_part(image: NDArray[Any]) -> NDArray[np.float64]:
    ny, nx = part_shape(image.shape)
    whole = image[: ny * N_PARTS, : nx * N_PARTS].astype(np.float64)
    sums = whole.reshape(N_PARTS, ny, N_PARTS, nx).sum(axis=(1, 3))
    return np.asarray(sums)


def _scaled(predicted: Tensor, measured: Tensor) -> Tensor:
    seen = seen_in(measured)
    power = total(seen * predicted**2)
    return predicted * tf.math.divide_no_nan(total(seen * predicted * measured), power)


@compiled
def _misfit(predicted: Tensor, measured: Tensor, precision: Tensor) -> Tensor:
    seen = seen_in(measured)
    return precision * total(seen * (predicted - measured) ** 2) / total(seen)


@compiled
def _leverage(transfer: Tensor, blur: Tensor, precision: Tensor, metric: Tensor) -> Tensor:
    return _mean_of_waves(_leverage_by_wave(transfer, blur, precision, metric), transfer)


def _leverage_by_wave(
    transfer: Tensor, blur: Tensor, precision: Tensor, metric: Tensor
) -> Tensor:
    of_phase, of_amplitude = weak_contrasts(transfer, blur)
    return precision * (metric[0] * of_phase**2 + metric[1] * of_amplitude**2)


def _mean_of_waves(half_plane: Tensor, image: Tensor) -> Tensor:
    """Return the mean over all waves of an image, none above 1."""
    counts = wave_counts(*image.shape)
    return total(counts * tf.minimum(half_plane, 1.0)) / counts.sum()
