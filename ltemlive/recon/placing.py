"""Frames that have been looked at, put against the reference, and the phase with them.

What no data can tell: all frames may move together, a shift proportional to defocus is a
plane of the phase and a magnification proportional to it a parabola, and all signs may be
wrong at once. The reference frame stays as it is, the plane and the parabola are what they
are when the frames are registered one after the other, and of the signs most are right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.recon.field import ALIGNED, UPRIGHT, Field, Turn
from ltemlive.recon.model import known_as, with_used
from ltemlive.recon.priors import no_prior
from ltemlive.recon.resampling import turned_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltemlive.recon.field import Shift
    from ltemlive.recon.members import Member, Sign
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState

BEGIN_AS_ONE_PX = 0.6
"""Frames that were registered within this begin as aligned, and move if they pull: an image
in focus may be registered as far off, and frames that lie as one need never have moved. The
same of how far turns move the middle of a frame's edge."""
FARTHEST_LEVERAGE = 4.0
"""Variance of a turn that others foretell, in units of that of theirs."""


def placed(
    model: SeriesModel, members: Sequence[Member], *, may_be_one: bool = True
) -> tuple[SeriesModel, Member]:
    """Return the model with these frames against the reference, and what that was.

    Frames that nearly lie as one begin as if they did, if they may.
    """
    there = known_as(model, members)
    origin = there.used[there.reference]
    found = [member.against(origin) for member in there.used]
    frame_shape = model.field.frame_shape
    if may_be_one:
        if max(each.turn.reach_px(frame_shape) for each in found) < BEGIN_AS_ONE_PX:
            origin = replace(origin, turn=UPRIGHT)
            found = [replace(each, turn=UPRIGHT) for each in found]
        if np.abs([each.shift_px for each in found]).max() < BEGIN_AS_ONE_PX:
            origin = replace(origin, shift_px=ALIGNED)
            found = [
                replace(each, shift_px=ALIGNED, registered_px=ALIGNED) for each in found
            ]
    return with_used(there, found), origin


def expected_turn(known: Sequence[Member], member: Member) -> Turn:
    """Return how a frame is turned by what others of other defocus are.

    Rotation and magnification go in proportion to the defocus, or nearly so. Where that
    would have to be extrapolated too far, as the frame nearest in defocus.
    """
    turns = np.array([each.turn for each in known])
    if not turns.any():
        return UPRIGHT
    defocus_nm = np.array([each.image.defocus_nm for each in known])
    away = defocus_nm - defocus_nm.mean()
    there = member.image.defocus_nm - defocus_nm.mean()
    spread = float(away @ away)
    if spread == 0.0 or 1.0 / len(known) + there**2 / spread > FARTHEST_LEVERAGE:
        nearest = int(np.argmin(np.abs(defocus_nm - member.image.defocus_nm)))
        return known[nearest].turn
    found = turns.mean(axis=0) + there * (away @ turns) / spread
    return Turn(float(found[0]), float(found[1]))


def with_majority(members: Sequence[Member]) -> tuple[list[Member], bool]:
    """Return the frames with the signs that fewer of them contradict.

    And whether these are the opposite of those that they came with.
    """
    n_reversed = sum(member.sign < 0 for member in members)
    if 2 * n_reversed <= sum(member.sign != 0 for member in members):
        return list(members), False
    opposite: dict[Sign, Sign] = {-1: 1, 0: 0, 1: -1}
    return [member.with_sign(opposite[member.sign]) for member in members], True


def conjugated(state: SolverState) -> SolverState:
    """Return the state that gives the same images where all signs of defocus are reversed.

    What was expected of the phase is forgotten.
    """
    mirror = tf.constant([-1.0, 1.0])[:, tf.newaxis, tf.newaxis]
    prior = no_prior(tuple(state.phase.shape))
    return replace(state, unknowns=mirror * state.unknowns, prior=prior)


def moved(state: SolverState, field: Field, shift_px: Shift, turn: Turn) -> SolverState:
    """Return the state as a frame sees it that lies ``shift_px`` away and is turned.

    What was expected of the phase is forgotten.
    """
    unknowns = state.unknowns
    if turn != UPRIGHT:
        back = UPRIGHT.less(turn)
        whole = Field(field.shape, field.shape, (0, 0))
        # About the middle of the frame, which may be half a pixel from the field's.
        middle = np.subtract(field.middle_px, whole.middle_px)
        along_y, along_x = middle - back.matrix @ middle
        about_px = float(along_y), float(along_x)
        unknowns = tf.stack(
            [turned_back(each, whole, about_px, back) for each in unknowns.numpy()]
        )
    spectrum = tf.signal.fft2d(tf.cast(unknowns, tf.complex64))
    unknowns = tf.math.real(tf.signal.ifft2d(spectrum * field.ramp(shift_px)))
    return replace(state, unknowns=unknowns, prior=no_prior(field.shape))
