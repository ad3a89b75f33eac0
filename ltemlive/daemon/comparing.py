"""What a replay found: an estimate computed again, beside what was recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.formats.images import read_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.series import StoredSeries


@dataclass(frozen=True, slots=True)
class ReplayedEstimate:
    """One estimate computed again, beside what was recorded of it."""

    ordinal: int
    series: str
    rev: int
    n_frames: int
    """How many it was made of now; 0 where nothing came of them."""
    is_final: bool
    is_same: bool
    """Bit for bit for a live estimate; within 1e-4 rad rms for a final one."""
    rms_rad: float | None = None
    """Of the difference to the recorded final phase; None if they cannot be compared."""


FINAL_TOLERANCE_RAD = 1e-4


def compared_final(
    ordinal: int, stored: StoredSeries, rev: int, rms_rad: float | None
) -> ReplayedEstimate:
    """Return what became of a final result, ``rms_rad`` from the recorded one."""
    return ReplayedEstimate(
        ordinal,
        stored.title,
        rev,
        len(stored.frames),
        is_final=True,
        is_same=rms_rad is not None and rms_rad <= FINAL_TOLERANCE_RAD,
        rms_rad=rms_rad,
    )


def rms_difference_rad(recorded: Path, phase_rad: NDArray[np.float32]) -> float | None:
    """Return [rad] how far the recorded phase is from ours; None if it cannot be told."""
    try:
        before = read_image(recorded)
    except FrameError:
        return None
    if before.shape != phase_rad.shape:
        return None
    return float(np.sqrt(np.mean((before - phase_rad) ** 2, dtype=np.float64)))
