"""What a specimen is made of: on its own grid, and as the beam meets it.

Vectors are stacked (z, y, x) on the specimen and (y, x) across the beam.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.tilt import through_thickness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.tilt import Tilt


@dataclass(frozen=True, slots=True)
class Field:
    """The square of the microscope's pixels on which an exit wave is wanted."""

    side_px: int
    frame_px: int
    """Side of the frame in its middle."""
    pixel_nm: float

    @property
    def frame_nm(self) -> float:
        """Side of the frame."""
        return self.frame_px * self.pixel_nm

    def holding(self, extent_nm: float) -> Field:
        """Return this field, or one about the same middle that is ``extent_nm`` wide."""
        beyond_px = math.ceil(0.5 * (extent_nm / self.pixel_nm - self.side_px))
        return replace(self, side_px=self.side_px + 2 * max(beyond_px, 0))

    def part_of(self, wider: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what of a square map about the same middle lies in this field."""
        beyond_px = (len(wider) - self.side_px) // 2
        here = slice(beyond_px, beyond_px + self.side_px)
        return wider[here, here]

    def position_nm(self, foreshortening: float = 1.0) -> NDArray[np.float64]:
        """Return where along an axis the pixels are, the frame's middle at 0.

        On a specimen that a tilt shortens by ``foreshortening``, they lie farther apart.
        """
        half_nm = (self.side_px - 1) / 2.0 * self.pixel_nm / foreshortening
        return np.linspace(-half_nm, half_nm, self.side_px)


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A film of one thickness, in pieces or whole, seen along its normal."""

    coverage: NDArray[np.float64]
    """Thickness over that of the full film, shape (ny, nx)."""
    direction: NDArray[np.float64]
    """Coverage times (m_z, m_y, m_x) of the unit magnetisation, shape (3, ny, nx)."""
    goes_on: bool = False
    """Whether the film is repeated beyond the field, or ends with it."""

    def in_beam(
        self, tilt: Tilt, *, thickness_nm: float, saturation_t: float, pixel_nm: float
    ) -> Matter:
        """Return what the beam meets; pixels of the film are those of the image."""
        coverage, across, path_nm = self.coverage, self.direction[1:], thickness_nm
        if not tilt.is_flat:
            path_nm = thickness_nm / tilt.cosine
            seen = np.stack([coverage, *tilt.across(self.direction)])
            seen = through_thickness(seen, tilt, thickness_nm, pixel_nm)
            coverage, across = seen[0], seen[1:]
        moment_t_nm = across * saturation_t * path_nm
        return Matter(coverage * path_nm, moment_t_nm, coverage, self.goes_on)


@dataclass(frozen=True, slots=True, eq=False)
class Matter:
    """What the beam meets on its way, summed along it.

    Its maps are as wide as the field, or wider about the same middle: magnets beyond the
    field have a stray field in it.
    """

    thickness_nm: NDArray[np.float64]
    moment_t_nm: NDArray[np.float64] | None = None
    """(mu0 M_y t, mu0 M_x t), (2, ny, nx); none where nothing is magnetic."""
    coverage: NDArray[np.float64] | None = None
    """How much of a pixel is film rather than bare membrane, 0 to 1; none: no film."""
    goes_on: bool = False
    """Whether it is repeated beyond the field, or ends with it."""
