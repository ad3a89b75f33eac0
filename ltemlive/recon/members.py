"""The frames of a series as its model knows them: where each lies, whether it is used."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ltemlive.recon.field import ALIGNED, UPRIGHT

if TYPE_CHECKING:
    from ltemlive.recon.field import Shift, Turn
    from ltemlive.recon.preparation import MeasuredImage

Fault: TypeAlias = Literal["by hand", "saturated", "blank", "misfit"]
Sign: TypeAlias = Literal[-1, 0, 1]
"""Of a defocus against the stated one: -1 is reversed, 0 nobody can tell."""


class Aside(NamedTuple):
    """Why a frame is not used."""

    fault: Fault
    reason: str
    """One line for the user."""
    is_explained: bool = True
    """Whether a phase that knows nothing of the frame has been asked what is wrong."""


BY_HAND = Aside("by hand", "by the user")


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One frame of a series."""

    seq: int
    image: MeasuredImage
    """With the defocus that it is used with."""
    stated_nm: float
    """Defocus that came with it."""
    shift_px: Shift = ALIGNED
    """Where what stands at r in the reference frame stands."""
    registered_px: Shift | None = ALIGNED
    """The same before it was refined with the phase; None: it did not show."""
    turn: Turn = UPRIGHT
    """How it is turned and magnified against the reference frame."""
    sign: Sign = 0
    """As the others tell it; a reversed one is already in ``image``."""
    wish: bool | None = None
    """Whether the user wants it used; None: as it fits."""
    aside: Aside | None = None
    """None: it is used."""
    was_back: bool = False
    """Whether it was set aside and fitted after all: it stays, then."""

    @property
    def is_aligned(self) -> bool:
        """Return whether it lies exactly where the reference frame does."""
        return self.shift_px == ALIGNED and self.turn == UPRIGHT

    @property
    def signed_nm(self) -> float:
        """Return the stated defocus on the side of focus on which the frame is used."""
        return -self.stated_nm if self.sign < 0 else self.stated_nm

    @property
    def log_strayed(self) -> float:
        """Return the logarithm of its defocus against the stated one, signs apart."""
        return math.log(abs(self.image.defocus_nm / self.stated_nm))

    def aligned(self) -> Member:
        """Return the frame as if it lay where the reference frame does."""
        return replace(self, shift_px=ALIGNED, turn=UPRIGHT)

    def against(self, origin: Member) -> Member:
        """Return the frame as it lies against another that has been the reference's."""
        turn = self.turn.less(origin.turn)
        away_y, away_x = turn.matrix @ origin.shift_px

        def less(shift_px: Shift) -> Shift:
            return float(shift_px[0] - away_y), float(shift_px[1] - away_x)

        found = None if self.registered_px is None else less(self.registered_px)
        return replace(self, shift_px=less(self.shift_px), registered_px=found, turn=turn)

    def distance_px(self, other: Member, frame_shape: tuple[int, int]) -> float:
        """Return how far it lies from another, at the middle of its edges at most."""
        away_px = max(
            abs(here - there)
            for here, there in zip(self.shift_px, other.shift_px, strict=True)
        )
        return max(away_px, self.turn.less(other.turn).reach_px(frame_shape))

    def with_wish(self, use: bool | None) -> Member:
        """Return the frame as the user wants it: used, set aside, or (None) as it fits."""
        aside = BY_HAND if use is False else None
        return replace(self.with_sign(0), wish=use, aside=aside, was_back=False)

    def with_defocus(self, defocus_nm: float) -> Member:
        """Return the frame used with another defocus."""
        return replace(self, image=replace(self.image, defocus_nm=defocus_nm))

    def with_sign(self, sign: Sign) -> Member:
        """Return the frame with its defocus as stated, or the other way round."""
        there = replace(self, sign=sign)
        return there.with_defocus(there.signed_nm)
