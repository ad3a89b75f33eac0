"""Where each frame of a series lies, refined with the phase.

Every frame, once it has been placed (``arrival``), is moved by one Newton step of its own
misfit between the rounds of the solver (``joint``). Where its slope vanishes, so does that
of the joint problem: once the phase has adapted to the shifts, only theirs is left
(envelope theorem).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.recon.field import ALIGNED, relative_to
from ltemlive.recon.innovation import predictions
from ltemlive.recon.model import with_shifts
from ltemlive.recon.objective import seen_in

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.field import Shift
    from ltemlive.recon.innovation import Prediction
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState

LEFT_PX = 0.15
"""What registration leaves (standard deviation): a frame that says less stays."""
LEAST_STEP_PX = 0.01
"""Where no frame would move by more, none is moved."""
AS_ONE_PX = 0.2
"""Frames that all lie within this of the reference are taken as aligned: registration is
not better by far, and the plane of the phase depends on it."""


def realigned(model: SeriesModel, state: SolverState) -> SeriesModel:
    """Return the model with each frame moved by one Newton step of its misfit.

    A frame that says little of where it lies stays close to where registration put it,
    among the others.
    """
    predicted = list(predictions(state, model.series))
    pulls = [misfit_pull(predicted[-1 if row is None else row]) for row in model.rows]
    strayed = np.array(
        [
            np.subtract(shift_px, shift_px if found is None else found)
            for shift_px, found in zip(model.shifts_px, model.registered_px, strict=True)
        ]
    )
    telling = [np.trace(pull.stiffness) + 1e-9 for pull in pulls]
    strayed -= np.average(strayed, axis=0, weights=telling)
    shifts: list[Shift] = []
    for shift_px, pull, astray in zip(model.shifts_px, pulls, strayed, strict=True):
        stiffness = pull.stiffness + np.eye(2) / LEFT_PX**2
        step = -np.linalg.solve(stiffness, pull.slope + astray / LEFT_PX**2)
        along_y, along_x = shift_px + step
        shifts.append((float(along_y), float(along_x)))
    relative = relative_to(shifts[model.reference], shifts)
    if np.abs(relative).max() < AS_ONE_PX:
        relative = (ALIGNED,) * len(relative)
    if np.abs(np.subtract(relative, model.shifts_px)).max() < LEAST_STEP_PX:
        return model
    return with_shifts(model, relative, model.registered_px)


class Pull(NamedTuple):
    """What moves an image towards where its prediction fits best, in units of noise."""

    slope: NDArray[np.float64]
    """Derivative of half its squared misfit by its shift, (2,)."""
    stiffness: NDArray[np.float64]
    """Of the same, (2, 2): the inverse covariance of the shift, were the phase known."""


def misfit_pull(image: Prediction) -> Pull:
    """Return the pull of an image's own misfit."""
    seen = seen_in(image.measured)
    residual = image.predicted - image.measured
    along = [seen * derivative for derivative in _derivatives(image.predicted)]
    slope = [tf.reduce_sum(residual * each) for each in along]
    stiffness = [[tf.reduce_sum(one * other) for other in along] for one in along]
    precision = float(image.precision)
    return Pull(precision * np.array(slope, float), precision * np.array(stiffness, float))


def _derivatives(image: Tensor) -> list[Tensor]:
    """Return by how much each pixel changes as the image moves down, and right."""
    spectrum = tf.signal.fft2d(tf.cast(image, tf.complex64))
    found = []
    for axis, side in enumerate(image.shape):
        waves = (-2j * np.pi * np.fft.fftfreq(side)).astype(np.complex64)
        waves = waves[:, np.newaxis] if axis == 0 else waves
        found.append(tf.math.real(tf.signal.ifft2d(spectrum * waves)))
    return found
