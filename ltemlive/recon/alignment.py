"""Where each frame of a series lies: found as the series grows, refined with the phase.

A frame is registered against what the phase of the others predicts at its own defocus
(``registration``). When nothing is known yet, the weakest defocused image begins, and each
next one is registered after a few steps of the solver on those before it. Images in focus
come last: they show the amplitude, which the defocused ones tell as well.

Later every frame is moved by one Newton step of its own misfit between the rounds of the
solver (``joint``). Where its slope vanishes, so does that of the joint problem: once the
phase has adapted to the shifts, only theirs is left (envelope theorem).

What no data can tell: all frames may move together, and a shift proportional to defocus is
a plane of the phase. The reference frame stays at zero, and the plane is what it is when
the frames are registered one after the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.physics.optics import is_in_focus
from ltemlive.recon.field import ALIGNED
from ltemlive.recon.innovation import predictions
from ltemlive.recon.model import with_shifts
from ltemlive.recon.objective import seen_in
from ltemlive.recon.preparation import empty_series, with_image
from ltemlive.recon.priors import no_prior
from ltemlive.recon.registration import registered
from ltemlive.recon.solver import cold_start, refine, warm_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.field import Field, Shift
    from ltemlive.recon.innovation import Prediction
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.preparation import MeasuredImage
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings

CLEAR = 10.0
"""Clarity below which a frame's place is not believed."""
FEWEST_TO_PREDICT = 2
"""Defocused images, of which a phase must know before it predicts another."""
ENOUGH_TO_PLACE = 4
"""Defocused images that place whatever can be placed."""
SAME_PX = 1.0
"""How far frames may turn out to lie from where a phase was made of them."""
STEPS_BETWEEN = 10
"""Of the solver, before the next frame is registered."""
LEFT_PX = 0.15
"""What registration leaves (standard deviation): a frame that says less stays."""
LEAST_STEP_PX = 0.01
"""Where no frame would move by more, none is moved."""
BEGIN_AS_ONE_PX = 0.6
"""Frames that were registered within this begin as aligned, and move if they pull: an image
in focus may be registered as far off, and frames that lie as one need never have moved."""
AS_ONE_PX = 0.2
"""Frames that all lie within this of the reference are taken as aligned: registration is
not better by far, and the plane of the phase depends on it."""


def first_aligned(model: SeriesModel, settings: SolverSettings) -> SeriesModel:
    """Return the model with each frame where the others predict it, the reference at zero.

    A defocused frame that shows nothing of what they predict stays where the one before it
    is. One in focus lies in their middle then, and also beside a single defocused one,
    which does not tell what is phase and what is amplitude.
    """
    order = [int(index) for index in np.argsort(np.abs(model.defocus_nm), kind="stable")]
    in_focus = [k for k in order if is_in_focus(model.defocus_nm[k], model.microscope)]
    defocused = [k for k in order if k not in in_focus]
    shifts: dict[int, Shift] = {}
    known = empty_series(model.field, model.microscope)
    state, last = cold_start(known, settings), ALIGNED
    found: dict[int, Shift | None] = {}
    for index in defocused:
        image, found[index] = model.images[index], last
        if shifts:
            state, _ = refine(warm_start(state, known), known, STEPS_BETWEEN)
            found[index] = located(model, image, state)
        shifts[index] = last = found[index] or last
        known = with_image(known, model.field, image, model.microscope, last)
    if len(defocused) >= FEWEST_TO_PREDICT:
        state, _ = refine(warm_start(state, known), known, STEPS_BETWEEN)
    middle = _middle(list(shifts.values()))
    for index in in_focus:
        found[index] = None
        if len(defocused) >= FEWEST_TO_PREDICT:
            found[index] = located(model, model.images[index], state)
        shifts[index] = found[index] or middle
    if _may_lie_as_one(shifts, model.reference):
        return with_shifts(model, (ALIGNED,) * len(order))
    return placed(model, shifts, found)


def placed(
    model: SeriesModel, shifts: Mapping[int, Shift], found: Mapping[int, Shift | None]
) -> SeriesModel:
    """Return the model with its frames at ``shifts``, by place, less the reference's.

    ``found`` is what registration said of them; None: it did not show clearly.
    """
    origin_y, origin_x = shifts[model.reference]
    registered_px = tuple(
        None if each is None else (each[0] - origin_y, each[1] - origin_x)
        for each in (found[index] for index in sorted(found))
    )
    there = with_shifts(model, _relative(shifts, model.reference))
    return replace(there, registered_px=registered_px)


def located(model: SeriesModel, image: MeasuredImage, state: SolverState) -> Shift | None:
    """Return where an image lies on a phase and amplitude that it had no part in.

    None where it does not show clearly.
    """
    field, microscope = model.field, model.microscope
    alone = with_image(empty_series(field, microscope), field, image, microscope)
    (prediction,) = predictions(state, alone)
    found = registered(image.amplitude, field.crop(prediction.predicted.numpy()))
    return found.shift_px if found.clarity > CLEAR else None


def aligned_on_arrival(
    model: SeriesModel, n_before: int, state: SolverState | None, settings: SolverSettings
) -> tuple[SeriesModel, SolverState | None]:
    """Return the model with its newest frames in place, and the state that goes with it.

    The phase so far predicts the frames from the ``n_before``-th on. Where it knows of too
    few images to tell how phase and amplitude lie to each other, or of few and one could
    not be placed, all are aligned anew, and a phase of frames that lay elsewhere is given
    up.
    """
    n_known = sum(
        not is_in_focus(value, model.microscope) for value in model.defocus_nm[:n_before]
    )
    before_px, is_lost = model.shifts_px[:n_before], None in model.registered_px[:n_before]
    enough = ENOUGH_TO_PLACE if is_lost else FEWEST_TO_PREDICT
    if state is None or n_known < enough:
        model = first_aligned(model, settings)
        astray_px = np.abs(np.subtract(before_px, model.shifts_px[:n_before]))
        if state is not None and astray_px.max(initial=0.0) > SAME_PX:
            cold = cold_start(model.series, settings)
            state = replace(cold, steps=state.steps, evaluations=state.evaluations)
        return model, state
    found = dict(enumerate(model.registered_px[:n_before]))
    shifts = dict(enumerate(before_px))
    for index in range(n_before, len(model.images)):
        found[index] = located(model, model.images[index], state)
        shifts[index] = found[index] or shifts[index - 1]
    if set(before_px) == {ALIGNED} and _may_lie_as_one(shifts, model.reference):
        return with_shifts(model, (ALIGNED,) * len(shifts)), state
    origin = shifts[model.reference]
    if origin != ALIGNED:
        state = moved(state, model.field, origin)
    return placed(model, shifts, found), state


def moved(state: SolverState, field: Field, shift_px: Shift) -> SolverState:
    """Return the state as another frame sees it, one that lies ``shift_px`` away.

    What was expected of the phase is forgotten.
    """
    spectrum = tf.signal.fft2d(tf.cast(state.unknowns, tf.complex64))
    unknowns = tf.math.real(tf.signal.ifft2d(spectrum * field.ramp(shift_px)))
    return replace(state, unknowns=unknowns, prior=no_prior(field.shape))


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
    shifts = {}
    for index, (pull, astray) in enumerate(zip(pulls, strayed, strict=True)):
        stiffness = pull.stiffness + np.eye(2) / LEFT_PX**2
        step = -np.linalg.solve(stiffness, pull.slope + astray / LEFT_PX**2)
        along_y, along_x = model.shifts_px[index] + step
        shifts[index] = (float(along_y), float(along_x))
    relative = _relative(shifts, model.reference)
    if np.abs(relative).max() < AS_ONE_PX:
        relative = (ALIGNED,) * len(relative)
    if np.abs(np.subtract(relative, model.shifts_px)).max() < LEAST_STEP_PX:
        return model
    return replace(with_shifts(model, relative), registered_px=model.registered_px)


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


def _may_lie_as_one(shifts: Mapping[int, Shift], reference: int) -> bool:
    return bool(np.abs(_relative(shifts, reference)).max(initial=0.0) < BEGIN_AS_ONE_PX)


def _middle(shifts: Sequence[Shift]) -> Shift:
    along_y, along_x = np.mean(shifts, axis=0) if shifts else ALIGNED
    return float(along_y), float(along_x)


def _relative(shifts: Mapping[int, Shift], reference: int) -> tuple[Shift, ...]:
    """Return the shifts in the order of the frames, less that of the reference."""
    origin_y, origin_x = shifts[reference]
    return tuple(
        (shifts[index][0] - origin_y, shifts[index][1] - origin_x)
        for index in sorted(shifts)
    )
