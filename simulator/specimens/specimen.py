"""The exit wave of a specimen, and the field on which it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """An exit wave amplitude exp(i phase) on a field larger than the frame."""

    phase_rad: NDArray[np.float64]
    """Shape (ny + 2 margin, nx + 2 margin)."""
    amplitude: NDArray[np.float64]
    """Of the transmitted wave, 1 where nothing is in the way; same shape."""
    pixel_nm: float
    margin_px: int
    """How far the field goes on beyond each side of the frame."""

    def frame_of(self, field: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the part of a map of this field that a frame shows."""
        ny, nx = field.shape
        margin = self.margin_px
        return field[margin : ny - margin, margin : nx - margin]
