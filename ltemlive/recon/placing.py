"""Frames that have been looked at, put against the reference, and the phase with them.

What no data can tell: all frames may move together, a shift proportional to defocus is a
plane of the phase and a magnification proportional to it a parabola, and all signs may be
wrong at once. The reference frame stays as it is, most of the phase has no plane where
frames are shifted and no parabola where they are turned, if it is little of them, and of
the signs most are right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ltemlive.physics.optics import growth_of_parabola, shift_of_plane
from ltemlive.recon.field import ALIGNED, UPRIGHT, Field, Turn
from ltemlive.recon.model import known_as, with_members, with_used
from ltemlive.recon.priors import no_prior
from ltemlive.recon.resampling import turned_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ltemlive.recon.field import Shift
    from ltemlive.recon.members import Member, Sign
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState

BEGIN_AS_ONE_PX = 0.6
"""Frames that were registered within this begin as aligned, and move if they pull: an image
in focus may be registered as far off, and frames that lie as one need never have moved. The
same of how far turns move the middle of a frame's edge."""
LEAST_SHIFT_PX, MOST_SHIFT_PX = 0.002, 0.1
"""How far a plane of the phase that is taken for shift moves any frame, at least and at
most. Registration leaves up to .03 of it; what is beyond is the sample's: of two domains
the larger has a slope, and is not to lose it."""
LEAST_GROWTH_PX, MOST_GROWTH_PX = 0.01, 0.5
"""The same of a parabola and the middle of a frame's edge; registration leaves up to .3."""
LAGS = 8
"""Steps of differences along a side: the longer, the less do noise and small domains tell,
and the more of them do walls."""
OUTLYING = 3.7
"""Median distances from the median, beyond which differences are of walls and steps (2.5
standard deviations of a Gaussian)."""
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


def levelled(model: SeriesModel, state: SolverState) -> SeriesModel:
    """Return the model with the plane of its phase taken for what it is of shift.

    Where frames are shifted, and it is no more than registration may have left. The phase
    follows in the round that begins, and its prior, and the other side of the field, no
    longer pull at what no data can tell.
    """
    is_unmoved = all(shift_px == ALIGNED for shift_px in model.shifts_px)
    if is_unmoved or model.field.wraps:
        return model
    slopes_rad = _slopes_rad(model.field.crop(state.phase.numpy()))
    about_nm = model.used[model.reference].image.defocus_nm

    def moved_px(member: Member) -> NDArray[np.float64]:
        away_nm = member.image.defocus_nm - about_nm
        moved = [shift_of_plane(each, away_nm, model.microscope) for each in slopes_rad]
        return np.asarray(member.turn.matrix @ moved)

    farthest_px = max(np.abs(moved_px(each)).max() for each in model.used)
    if not LEAST_SHIFT_PX <= farthest_px <= MOST_SHIFT_PX:
        return model
    members = []
    for member in model.members:
        by_y, by_x = moved_px(member).tolist()
        (there_y, there_x), found = member.shift_px, member.registered_px
        members.append(
            replace(
                member,
                shift_px=(there_y + by_y, there_x + by_x),
                registered_px=found and (found[0] + by_y, found[1] + by_x),
            )
        )
    return with_members(model, members)


def _slopes_rad(phase_rad: NDArray[np.float32]) -> list[float]:
    """Return the slopes along y and x [rad per pixel] of most of a phase."""
    slopes = []
    for along_rad in (phase_rad, phase_rad.T):
        by = max(len(along_rad) // LAGS, 1)
        slopes.append(_of_most((along_rad[by:] - along_rad[:-by]).ravel() / by))
    return slopes


def without_parabola(
    model: SeriesModel, state: SolverState
) -> tuple[SeriesModel, SolverState]:
    """Return both with the parabola of the phase taken for what it is of magnification.

    Where frames are turned, and may be magnified, and it is no more than registration may
    have left. Images stay as they are, to first order; where the reference frame is
    defocused all of them miss what that would grow by, and the phase has to follow. The
    prior of long waves and that of edges no longer pull at what no data can tell.
    """
    is_upright = all(turn == UPRIGHT for turn in model.turns)
    if is_upright or not state.settings.refine_magnification or model.field.wraps:
        return model, state
    curvature_rad = _curvature_rad(model.field.crop(state.phase.numpy()))
    about_nm = model.used[model.reference].image.defocus_nm

    def grown(member: Member) -> Turn:
        away_nm = member.image.defocus_nm - about_nm
        growth = growth_of_parabola(curvature_rad, away_nm, model.microscope)
        return Turn(0.0, growth)

    frame_shape = model.field.frame_shape
    farthest_px = max(grown(each).reach_px(frame_shape) for each in model.used)
    if not LEAST_GROWTH_PX <= farthest_px <= MOST_GROWTH_PX:
        return model, state
    # Those set aside, too: they may come back.
    members = [
        replace(member, turn=Turn(*np.add(member.turn, grown(member)).tolist()))
        for member in model.members
    ]
    y, x = model.field.from_middle()
    parabola = np.stack([curvature_rad * (y**2 + x**2), np.zeros(model.field.shape)])
    unknowns = state.unknowns - tf.constant(parabola, tf.float32)
    return with_members(model, members), replace(state, unknowns=unknowns)


def _curvature_rad(phase_rad: NDArray[np.float32]) -> float:
    """Return c [rad] of the parabola c r^2 (r in pixels) of most of a phase.

    The mean of its second differences but for outliers: domains stay uniform, and what is
    flat stays flat, whatever walls and steps lie between them. Least squares would bend a
    roof, and tilt the flat parts about a disc.
    """
    found = []
    for along_rad in (phase_rad, phase_rad.T):
        by = max(len(along_rad) // LAGS, 1)
        middle = along_rad[by:-by]
        apart = along_rad[: -2 * by] + along_rad[2 * by :]
        found.append((apart - 2.0 * middle).ravel() / (2.0 * by**2))
    return _of_most(np.concatenate(found))


def _of_most(values: NDArray[Any]) -> float:
    """Return the mean but for outliers."""
    away = np.abs(values - np.median(values))
    return float(values[away <= OUTLYING * np.median(away)].mean(dtype=float))


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
