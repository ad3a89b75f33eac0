"""What the others say of a frame that comes: its place, its turn, its side of focus.

A frame is compared with what the phase of the others predicts at its own defocus
(``registration``), and at the same defocus on the other side of focus: a sign that was
stated wrongly shows before the frame is used. When nothing is known yet, the weakest
defocused image begins, and each next one is compared after a few steps of the solver on
those before it. Images in focus come last: they show the amplitude, which the defocused
ones tell as well.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ltemlive.physics.optics import is_in_focus
from ltemlive.recon.field import ALIGNED, UPRIGHT, Turn
from ltemlive.recon.innovation import predicted_alone
from ltemlive.recon.placing import conjugated, expected_turn, moved, placed, with_majority
from ltemlive.recon.preparation import empty_series, with_image
from ltemlive.recon.registration import registered_and_turned
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.starts import warm_start
from ltemlive.recon.verdicts import BLANK, is_blank, without_useless

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ltemlive.recon.field import Shift
    from ltemlive.recon.members import Member, Sign
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.registration import Registration
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings

CLEAR = 10.0
"""Clarity below which a frame's place is not believed."""
CLEARLY_REVERSED = 1.5
"""How many times as clear a frame must be on one side of focus as on the other. The right
side has been 3 to 7 times as clear."""
FEWEST_TO_PREDICT = 2
"""Defocused images, of which a phase must know before it predicts another."""
ENOUGH_TO_PLACE = 4
"""Defocused images that place whatever can be placed."""
SAME_PX = 1.0
"""How far frames may turn out to lie from where a phase was made of them."""
STEPS_BETWEEN = 10
"""Of the solver, before the next frame is compared."""
FARTHEST = Turn(math.radians(3.0), 0.04)
"""How far from the turn that is expected one is searched, either way."""


class Look(NamedTuple):
    """What a phase says of an image that it had no part in."""

    shift_px: Shift | None
    """None where it does not show clearly."""
    turn: Turn
    sign: Sign
    """Of its defocus, against the one that it came with."""


def first_looked(model: SeriesModel, settings: SolverSettings) -> SeriesModel:
    """Return the model with each frame where the others predict it, the reference at zero.

    A defocused frame that shows nothing of what they predict stays where the one before it
    is, or is set aside if it shows nothing at all. One in focus lies in their middle then,
    and also beside a single defocused one, which does not tell what is phase and what is
    amplitude. A frame that most others contradict is used with the other sign of defocus.
    """
    model = without_useless(model) if settings.judges_frames else model
    used = [member.with_sign(0) for member in model.used]
    # The weakest first; but those that show nothing by themselves begin nothing.
    used.sort(key=lambda each: (not each.image.contrast, abs(each.stated_nm)))
    chain = _Chain(model, settings)
    in_focus = [each for each in used if is_in_focus(each.stated_nm, model.microscope)]
    for each in used:
        if each not in in_focus:
            chain.take_defocused(each)
    middle = _middle([each.shift_px for each in chain.seen if each.aside is None])
    for each in in_focus:
        chain.take_in_focus(each, middle)
    agreed, _ = with_majority(chain.seen)
    model, _ = placed(model, agreed)
    return model


class _Chain:
    """Frames looked at one after the other, each by the phase of those before it."""

    def __init__(self, model: SeriesModel, settings: SolverSettings) -> None:
        self.seen: list[Member] = []
        self._model = model
        self._settings = settings
        self._known = empty_series(model.field, model.microscope)
        self._state = cold_start(self._known, settings)
        self._n_known = 0
        self._n_solved = 0

    @property
    def _placed(self) -> list[Member]:
        return [each for each in self.seen if each.aside is None]

    def take_defocused(self, member: Member) -> None:
        """Look at a frame and let the phase know of it."""
        last = self._placed[-1].shift_px if self._placed else ALIGNED
        seen = self._look_at(member, last, alone=Look(last, UPRIGHT, 1), fewest=1)
        self.seen.append(seen)
        if seen.aside is None:
            field, microscope = self._model.field, self._model.microscope
            self._known = with_image(
                self._known, field, seen.image, microscope, seen.shift_px, seen.turn
            )
            self._n_known += 1

    def take_in_focus(self, member: Member, middle: Shift) -> None:
        """Look at a frame that shows the amplitude."""
        seen = self._look_at(
            member, middle, alone=Look(None, UPRIGHT, 0), fewest=FEWEST_TO_PREDICT
        )
        self.seen.append(seen)

    def _look_at(
        self, member: Member, otherwise: Shift, *, alone: Look, fewest: int
    ) -> Member:
        if self._n_known < fewest:
            return _as_seen(member, alone, otherwise)
        if self._n_solved < self._n_known:
            state = warm_start(self._state, self._known)
            self._state, _ = refine(state, self._known, STEPS_BETWEEN)
            self._n_solved = self._n_known
        if self._n_known >= FEWEST_TO_PREDICT and _shows_nothing(
            self._model, member, self._state, self._settings
        ):
            return replace(member, aside=BLANK)
        look = looked_at(self._model, member, self._state, self._settings, self._placed)
        return _as_seen(member, look, otherwise)


def looked_on_arrival(
    model: SeriesModel,
    seqs_known: Collection[int],
    state: SolverState | None,
    settings: SolverSettings,
) -> tuple[SeriesModel, SolverState | None]:
    """Return the model with its newest frames in place, and the state that goes with it.

    The phase so far predicts the frames that are not in ``seqs_known``. Where it knows of
    too few images to tell how phase and amplitude lie to each other, or of few and one
    could not be placed, all are looked at anew, and a phase of frames that turn out to lie
    elsewhere, or on the other side of focus, is given up.
    """
    before = [member for member in model.used if member.seq in seqs_known]
    n_known = sum(not is_in_focus(member.stated_nm, model.microscope) for member in before)
    is_lost = any(member.registered_px is None for member in before)
    enough = ENOUGH_TO_PLACE if is_lost else FEWEST_TO_PREDICT
    if state is None or n_known < enough:
        model = first_looked(model, settings)
        if state is not None and _is_other(before, model):
            cold = cold_start(model.series, settings)
            state = replace(cold, steps=state.steps, evaluations=state.evaluations)
        return model, state
    model = without_useless(model) if settings.judges_frames else model
    seen: list[Member] = []
    known = list(before)
    last = before[-1].shift_px
    for each in model.used:
        if each.seq not in seqs_known:
            if _shows_nothing(model, each, state, settings):
                seen.append(replace(each, aside=BLANK))
                continue
            look = looked_at(model, each, state, settings, known)
            each = _as_seen(each, look, last)
            known.append(each)
        seen.append(each)
        last = each.shift_px
    seen, is_reversed = with_majority(seen)
    if is_reversed:
        state = conjugated(state)
    may_be_one = all(member.is_aligned for member in before)
    model, origin = placed(model, seen, may_be_one=may_be_one)
    if not origin.is_aligned:
        state = moved(state, model.field, origin.shift_px, origin.turn)
    return model, state


def looked_at(
    model: SeriesModel,
    member: Member,
    state: SolverState,
    settings: SolverSettings,
    known: Sequence[Member] = (),
) -> Look:
    """Return where a frame lies on a phase that it had no part in, and with which sign.

    ``known`` are the frames of the phase, which tell how it may be turned.
    """
    expected, reach = expected_turn(known, member), reach_of(settings)
    here = compared(model, member, state, expected, reach)
    sign: Sign = 0
    is_asked = not is_in_focus(member.image.defocus_nm, model.microscope)
    if settings.judges_frames and is_asked:
        mirrored = member.with_defocus(-member.image.defocus_nm)
        beyond = expected_turn(known, mirrored)
        there = compared(model, mirrored, state, beyond, UPRIGHT)
        if not _is_clear(here, beside=there):
            there = compared(model, mirrored, state, beyond, reach)
        if _is_clear(here, beside=there):
            sign = 1
        elif _is_clear(there, beside=here):
            here, sign = there, -1
    if not settings.aligns_frames:
        return Look(ALIGNED, UPRIGHT, sign)
    if here.clarity > CLEAR:
        return Look(here.shift_px, here.turn, sign)
    return Look(None, expected, sign)


def reach_of(settings: SolverSettings) -> Turn:
    """Return how far from the turn that is expected a frame is looked for."""
    if not settings.aligns_frames:
        return UPRIGHT
    return Turn(
        FARTHEST.rotation_rad * settings.refine_rotation,
        FARTHEST.log_magnification * settings.refine_magnification,
    )


def compared(
    model: SeriesModel, member: Member, state: SolverState, expected: Turn, reach: Turn
) -> Registration:
    """Return where a frame lies on a phase and amplitude that it had no part in."""
    prediction = predicted_alone(model, member.aligned(), state)
    predicted = model.field.crop(prediction.predicted.numpy())
    return registered_and_turned(member.image.amplitude, predicted, expected, reach)


def _is_clear(found: Registration, *, beside: Registration) -> bool:
    return found.clarity > max(CLEAR, CLEARLY_REVERSED * beside.clarity)


def _as_seen(member: Member, look: Look, otherwise: Shift) -> Member:
    shift_px = look.shift_px or otherwise
    there = replace(member, shift_px=shift_px, registered_px=look.shift_px, turn=look.turn)
    return there.with_sign(look.sign)


def _shows_nothing(
    model: SeriesModel, member: Member, state: SolverState, settings: SolverSettings
) -> bool:
    """Return whether a defocused frame is blank; in focus a pure phase shows nothing."""
    is_asked = settings.judges_frames and member.wish is None
    may_go = is_asked and not is_in_focus(member.stated_nm, model.microscope)
    return may_go and is_blank(model, member, state)


def _is_other(before: Sequence[Member], model: SeriesModel) -> bool:
    """Return whether a phase was made of other frames, or lying elsewhere, than now."""
    now = {member.seq: member for member in model.members}
    return any(
        now[member.seq].aside is not None
        or member.image.defocus_nm * now[member.seq].image.defocus_nm < 0.0
        or member.distance_px(now[member.seq], model.field.frame_shape) > SAME_PX
        for member in before
    )


def _middle(shifts_px: Sequence[Shift]) -> Shift:
    along_y, along_x = np.mean(shifts_px, axis=0) if shifts_px else ALIGNED
    return float(along_y), float(along_x)
