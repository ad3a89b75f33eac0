"""What was asked for beside the estimates: one frame, or another method. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ltemlive.dashboard.shown.arrays import array_of, pixel_nm_of
from ltemlive.errors import WireError
from ltemlive.wire.fields import Fields
from ltemlive.wire.limits import MAX_REASON_CHARACTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.wire.results import ResultMessage


@dataclass(frozen=True, slots=True, eq=False)
class FrameViewShown:
    """A frame as it was measured and as a phase predicts it, on the grid of the phase.

    Arrays have shape (ny, nx); NaN where the frame shows nothing.
    """

    ordinal: int
    rev: int
    """Revision of the phase that predicts it."""
    seq: int
    measured: NDArray[np.float32]
    """Intensity relative to its mean, as ``predicted``."""
    predicted: NDArray[np.float32]
    residual: NDArray[np.float32]
    """Measured less predicted, in units of the noise's standard deviation."""
    pixel_nm: float
    score: float | None
    """How it fits what the others predict; None where nobody can tell."""
    reason: str | None
    """Why it is set aside, where it is."""

    @property
    def residual_rms(self) -> float:
        """Return the rms of the residual, 1 for noise alone; NaN where nothing is seen."""
        finite = self.residual[np.isfinite(self.residual)]
        return float(np.sqrt(np.mean(finite**2))) if finite.size else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class TieShown:
    """The phase that the transport-of-intensity equation gives of the same images."""

    ordinal: int
    rev: int
    """Revision of the estimate that it stands beside."""
    phase_rad: NDArray[np.float32]
    """Shape (ny, nx)."""
    pixel_nm: float


View: TypeAlias = FrameViewShown | TieShown


def read_view(message: ResultMessage) -> View:
    """Return the view in a message.

    Raises
    ------
    WireError
        If a key or an array is missing or impossible.
    """
    fields = Fields(message.header, "view")
    ordinal, rev = fields.whole("ordinal"), fields.whole("rev")
    if fields.choice("what", ("frame", "tie")) == "tie":
        phase = array_of(message, "phase", dimensions=2)
        return TieShown(ordinal, rev, phase, pixel_nm_of(message, "phase"))
    measured, predicted, residual = (
        array_of(message, name, dimensions=2)
        for name in ("measured", "predicted", "residual")
    )
    if not measured.shape == predicted.shape == residual.shape:
        raise WireError(
            f"view: expected three images of one shape, got {measured.shape}, "
            f"{predicted.shape} and {residual.shape}"
        )
    reason = message.header.get("reason")
    return FrameViewShown(
        ordinal,
        rev,
        fields.whole("seq"),
        measured,
        predicted,
        residual,
        pixel_nm=pixel_nm_of(message, "measured"),
        score=fields.number_or_none("score", (0.0, 1e12)),
        reason=None
        if reason is None
        else fields.text("reason", most=MAX_REASON_CHARACTERS),
    )
