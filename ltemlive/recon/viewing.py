"""What an estimate was made of, kept to look at it: frame by frame, and beside TIE.

Nothing here changes an estimate, so that nobody can tell afterwards what was looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.events import AdviceGiven, FrameView, TieView
from ltemlive.recon.innovation import predicted_alone, unseen_score
from ltemlive.recon.objective import UNSEEN
from ltemlive.recon.preparation import of_images
from ltemlive.recon.transport import tie_phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.events import Event, PhaseEstimate
    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The frames of an estimate and the state that predicts them."""

    model: SeriesModel
    """Without the images that are ready to be solved, which take most of the memory."""
    state: SolverState | None
    """Without its search; None where the method predicts no image."""

    @classmethod
    def of(cls, model: SeriesModel, state: SolverState | None) -> Basis:
        """Keep of a model and a state what views need; both stay as they are."""
        series = of_images(model.series, np.zeros(0, int))
        kept = None if state is None else replace(state, search=None)
        return cls(replace(model, series=series), kept)

    def view(self, seq: int | None, estimate: PhaseEstimate) -> Event:
        """Return the view of a frame, or (None) of TIE; an advice where there is none.

        Parameters
        ----------
        estimate
            The one that was made of this.
        """
        return self._of_tie(estimate) if seq is None else self._of_frame(seq, estimate)

    def _of_frame(self, seq: int, estimate: PhaseEstimate) -> Event:
        known = {member.seq: member for member in self.model.members}
        if seq not in known:
            text = f"frame {seq}: no estimate of {estimate.series} knows it, or not yet"
            return AdviceGiven(text, "warning", estimate.ordinal)
        if self.state is None:
            text = f"frame {seq}: only method ad predicts images"
            return AdviceGiven(text, "warning", estimate.ordinal)
        member = known[seq]
        measured, predicted, sigma = self._compared(member, self.state)
        return FrameView(
            ordinal=estimate.ordinal,
            series=estimate.series,
            rev=estimate.rev,
            is_final=estimate.is_final,
            seq=seq,
            measured=measured**2,
            predicted=predicted**2,
            residual=(measured - predicted) / np.float32(sigma),
            pixel_nm=estimate.pixel_nm,
            score=self._score(member, self.state, estimate),
            aside=None if member.aside is None else member.aside.reason,
        )

    def _compared(
        self, member: Member, state: SolverState
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Return measured and predicted amplitude on the frame, and sigma of the noise."""
        image, field = member.image, self.model.field
        prediction = predicted_alone(self.model, member, state)
        measured = field.crop(prediction.measured.numpy())
        is_unseen = measured == UNSEEN
        if member.is_aligned and image.bad is not None:
            # Of an image that shows the amplitude itself they are filled.
            is_unseen |= image.bad
        measured, predicted = (
            np.where(is_unseen, np.float32(np.nan), each)
            for each in (measured, field.crop(prediction.predicted.numpy()))
        )
        return measured, predicted, image.sigma

    def _score(
        self, member: Member, state: SolverState, estimate: PhaseEstimate
    ) -> float | None:
        if member.aside is not None:
            score = unseen_score(self.model, member, state).whole
        else:
            scores = dict(zip(estimate.seqs_used, estimate.holdout, strict=False))
            score = scores.get(member.seq, math.nan)
        return score if math.isfinite(score) else None

    def _of_tie(self, estimate: PhaseEstimate) -> Event:
        try:
            phase = tie_phase(self.model)
        except FrameError:
            text = "no phase by TIE: it needs one image on each side of focus"
            return AdviceGiven(text, "warning", estimate.ordinal)
        return TieView(
            estimate.ordinal,
            estimate.series,
            estimate.rev,
            estimate.is_final,
            phase,
            estimate.pixel_nm,
        )
