"""Where each frame of a series lies and how it is turned, refined with the phase.

Every frame, once it has been placed (``arrival``), is moved by one Newton step of its own
misfit between the rounds of the solver (``joint``). Where its slope vanishes, so does that
of the joint problem: once the phase has adapted to the frames, only theirs is left
(envelope theorem).

What no data can tell: a shift that is common to all frames, or proportional to defocus,
which is a plane of the phase, and a magnification that is proportional to defocus, which is
a parabola (``placing`` says what becomes of both).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.physics.optics import is_in_focus
from ltemlive.recon.field import ALIGNED, UPRIGHT, Turn
from ltemlive.recon.innovation import image_leverage, predictions
from ltemlive.recon.model import with_used
from ltemlive.recon.objective import seen_in
from ltemlive.recon.spectrum import wave_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ltemlive.recon.field import Field
    from ltemlive.recon.innovation import Prediction
    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings

LEFT_PX = 0.15
"""What registration leaves (standard deviation): a frame that says less stays."""
LEAST_STEP_PX = 0.01
"""Where no frame would move by more, at the middle of its edges, none is moved."""
AS_ONE_PX = 0.2
"""Frames that all lie within this of the reference are taken as aligned: registration is
not better by far, and the plane of the phase depends on it. If turns move the middle of no
edge farther, no frame is turned."""
LEFT_AS_ONE_PX = 0.3
"""From which a series that is not turned is: between the two it stays as it is."""
SHARED_PX = 1.2
"""The same, if all defocused frames share the turn; as far as registration must see it. Of
a strong pair alone unripe edges want up to 0.9."""
SURE = 4.0
"""By how many deviations images in focus must tell that. Their noise is in the amplitude,
which then fits them, and what the other frames share is left to follow: of 30 % of noise
2.5 deviations have come."""
FIRM, STEEP, FIRMEST = 25.0, 4, 1e6
"""Stiffness of an image in focus, in units of a prior's, below which that holds it more
tightly; by which power of what is missing, and how many times at most."""


def realigned(model: SeriesModel, state: SolverState) -> SeriesModel:
    """Return the model with each frame moved by one Newton step of its misfit.

    A frame that says little of where it lies stays close to where registration put it,
    among the others; one that says little of its turn, to the line of theirs over defocus.
    """
    pulls = [misfit_pull(image, model.field) for image in _by_frame(model, state)]
    ties = _ties(model, pulls, state.settings)
    is_free = _is_free(state.settings)
    moved = []
    for member, pull, tie in zip(model.used, pulls, ties, strict=True):
        both = Pull(pull.slope + tie.slope, pull.stiffness + tie.stiffness)
        moved.append(_moved(member, both.step(is_free)))
    frame_shape = model.field.frame_shape
    origin = moved[model.reference]
    moved = [member.against(origin) for member in moved]
    if np.abs([member.shift_px for member in moved]).max() < AS_ONE_PX:
        moved = [replace(member, shift_px=ALIGNED) for member in moved]
    if not _are_turned(model, moved, _told_in_focus_px(model, pulls)):
        moved = [replace(member, turn=UPRIGHT) for member in moved]
    farthest_px = max(
        one.distance_px(other, frame_shape)
        for one, other in zip(moved, model.used, strict=True)
    )
    if farthest_px < LEAST_STEP_PX:
        return model
    # What registration said stays as it was said.
    return with_used(
        model,
        [
            replace(there, registered_px=before.registered_px)
            for there, before in zip(moved, model.used, strict=True)
        ],
    )


def pose_deviations(model: SeriesModel, state: SolverState) -> NDArray[np.float64]:
    """Return how well shift [px], rotation [rad] and log magnification are known, (n, 4).

    Standard deviations, of all frames; 0 of what is not refined, and of the reference
    frame, against which they are. What a change of the phase and the amplitude would make
    as well does not count.
    """
    images = list(_by_frame(model, state))
    ties = _ties(model, [misfit_pull(each, model.field) for each in images], state.settings)
    free = np.flatnonzero(_is_free(state.settings))
    deviations = np.zeros((len(images), 4))
    for place, (member, image, tie) in enumerate(
        zip(model.used, images, ties, strict=True)
    ):
        leverage = image_leverage(model, member, state)
        left = _stiffness_left(image, model.field, leverage) + tie.stiffness
        covariance = np.linalg.inv(left[np.ix_(free, free)])
        deviations[place, free] = np.sqrt(np.diag(covariance))
    deviations[model.reference] = 0.0
    return deviations


def _by_frame(model: SeriesModel, state: SolverState) -> list[Prediction]:
    """Return the image of each frame; those in the mean in focus share theirs."""
    predicted = list(predictions(state, model.series))
    return [predicted[-1 if row is None else row] for row in model.rows]


def _is_free(settings: SolverSettings) -> list[bool]:
    return [True, True, settings.refine_rotation, settings.refine_magnification]


class Pull(NamedTuple):
    """What moves an image towards where its prediction fits best, in units of noise.

    By its shift down and right [pixel], its rotation [rad] and its log magnification.
    """

    slope: NDArray[np.float64]
    """Derivative of half its squared misfit, (4,)."""
    stiffness: NDArray[np.float64]
    """Of the same, (4, 4): the inverse covariance, were the phase known."""

    def step(self, is_free: Sequence[bool]) -> NDArray[np.float64]:
        """Return the step to where the slope vanishes, (4,), 0 where nothing is free."""
        free = np.flatnonzero(is_free)
        step = np.zeros(4)
        step[free] = -np.linalg.solve(self.stiffness[np.ix_(free, free)], self.slope[free])
        return step


def misfit_pull(image: Prediction, field: Field) -> Pull:
    """Return the pull of an image's own misfit."""
    seen = seen_in(image.measured).numpy()
    residual = (image.predicted - image.measured).numpy()
    along = seen * _derivatives(image.predicted.numpy(), field)
    precision = float(image.precision)
    slope = np.einsum("pyx,yx->p", along, residual)
    flat = along.reshape(len(along), -1)
    return Pull(precision * slope.astype(float), precision * (flat @ flat.T).astype(float))


def _stiffness_left(
    image: Prediction, field: Field, leverage: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the stiffness of an image's misfit, but for what the others do not tell."""
    along = seen_in(image.measured).numpy() * _derivatives(image.predicted.numpy(), field)
    waves = np.fft.rfft2(along) / math.sqrt(math.prod(field.shape))
    share = wave_counts(*field.shape) * (1.0 - np.minimum(leverage, 1.0))
    flat = (waves * np.sqrt(share)).reshape(len(along), -1)
    return float(image.precision) * (np.conj(flat) @ flat.T).real


def _derivatives(image: NDArray[np.float32], field: Field) -> NDArray[np.float32]:
    """Return by how much each pixel changes as the image moves, turns and grows, (4, ...).

    Turns are about the middle of the frame.
    """
    spectrum = tf.signal.fft2d(tf.cast(image, tf.complex64))
    found = []
    for axis, side in enumerate(image.shape):
        waves = (-2j * np.pi * np.fft.fftfreq(side)).astype(np.complex64)
        waves = waves[:, np.newaxis] if axis == 0 else waves
        found.append(tf.math.real(tf.signal.ifft2d(spectrum * waves)).numpy())
    down, right = found
    y, x = field.from_middle()
    return np.stack([down, right, down * x - right * y, down * y + right * x])


def _ties(
    model: SeriesModel, pulls: Sequence[Pull], settings: SolverSettings
) -> list[Pull]:
    """Return what holds each frame where registration and the other frames say it is."""
    strayed = np.array(
        [
            np.subtract(member.shift_px, member.registered_px or member.shift_px)
            for member in model.used
        ]
    )
    stiffness = np.array([np.diag(pull.stiffness) for pull in pulls]) + 1e-9
    strayed -= np.average(strayed, axis=0, weights=stiffness[:, :2].sum(axis=1))
    widths = math.radians(settings.rotation_width_deg), settings.magnification_width
    holds = np.array([LEFT_PX, LEFT_PX, *widths]) ** -2.0
    # An image in focus fits the amplitude that has been made of it, noise and all, and
    # would turn all other frames if it is the reference.
    in_focus = [is_in_focus(value_nm, model.microscope) for value_nm in model.defocus_nm]
    shows = np.array([image.contrast > 0.0 for image in model.images])
    told = np.where(shows[:, np.newaxis], stiffness, 1e-9)
    ties = np.repeat(holds[np.newaxis], len(pulls), axis=0)
    firmer = 1.0 + (FIRM * holds[2:] / told[in_focus, 2:]) ** STEEP
    ties[in_focus, 2:] *= np.minimum(firmer, FIRMEST)
    turns = np.array(model.turns)
    off_line = np.stack(
        [
            _off_line(turns[:, index], model.defocus_nm, told[:, 2 + index])
            for index in range(2)
        ],
        axis=1,
    )
    away = np.concatenate([strayed, off_line], axis=1)
    return [Pull(tie * each, np.diag(tie)) for tie, each in zip(ties, away, strict=True)]


def _off_line(
    values: NDArray[np.float64],
    defocus_nm: Sequence[float],
    telling: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return values less their line over defocus, by how much each of them tells."""
    along = np.asarray(defocus_nm) / max(1.0, *map(abs, defocus_nm))
    line = np.stack([np.ones_like(along), along], axis=1)
    weight = np.sqrt(telling)
    found, *_ = np.linalg.lstsq(line * weight[:, np.newaxis], values * weight)
    return np.asarray(values - line @ found)


def _told_in_focus_px(model: SeriesModel, pulls: Sequence[Pull]) -> float:
    """Return how well images in focus tell how they are turned, at the middle of an edge.

    A standard deviation; 0 where none is in focus, so that no other can share a turn.
    """
    stiffness = [
        np.diag(pull.stiffness)[2:]
        for pull, defocus_nm in zip(pulls, model.defocus_nm, strict=True)
        if is_in_focus(defocus_nm, model.microscope)
    ]
    if not stiffness:
        return 0.0
    deviation = Turn(*(1.0 / np.sqrt(np.sum(stiffness, axis=0) + 1e-9)).tolist())
    return deviation.reach_px(model.field.frame_shape)


def _are_turned(
    model: SeriesModel, moved: Sequence[Member], told_in_focus_px: float
) -> bool:
    """Return whether turns reach so far that frames are turned.

    Where none is yet, a turn that all defocused frames share must reach farther: one in
    focus tells little of it, and before the amplitude is right that is wrong.
    """
    frame_shape = model.field.frame_shape
    widest_px = max(member.turn.reach_px(frame_shape) for member in moved)
    if any(turn != UPRIGHT for turn in model.turns):
        return widest_px >= AS_ONE_PX
    turns = [
        member.turn
        for member in moved
        if not is_in_focus(member.image.defocus_nm, model.microscope)
    ]
    apart_px = max(
        (one.less(other).reach_px(frame_shape) for one in turns for other in turns),
        default=0.0,
    )
    shared_px = max(SHARED_PX, SURE * told_in_focus_px)
    return min(widest_px, apart_px) >= LEFT_AS_ONE_PX or widest_px >= shared_px


def _moved(member: Member, step: NDArray[np.float64]) -> Member:
    """Return a frame whose content turns out to lie a step away on the field."""
    along_y, along_x = np.add(member.shift_px, member.turn.matrix @ step[:2])
    rotation_rad, log_magnification = np.add(member.turn, step[2:])
    return replace(
        member,
        shift_px=(float(along_y), float(along_x)),
        turn=Turn(float(rotation_rad), float(log_magnification)),
    )
