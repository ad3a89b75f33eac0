"""A specimen that is tilted in the beam, about x or about y.

Turns are right-handed: about x from y (down) towards z (along the beam), about y from z
towards x. What stands at (z, y, x) on the specimen is then seen at

    about x   y' = y cos a - z sin a       about y   x' = x cos b + z sin b

and its magnetisation turns with it. The beam sums over z', so a film is shortened by the
cosine, its path in the beam lengthened by it, and its thickness t shows as a blur over
t sin a: in Fourier space, with k across the beam, the projection of a film is

    t sinc(k . s t / 2) M(k on the film),   s = (-sin a, sin b)

(Mansuripur, J. Appl. Phys. 69, 2455 (1991)). What the beam meets then gives
its phase as an untilted film does: only the components across the beam matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tilt:
    """By how many degrees the specimen is turned; one of the two is zero."""

    x_deg: float = 0.0
    y_deg: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Whether there is none."""
        return (self.x_deg, self.y_deg) == (0.0, 0.0)

    @property
    def foreshortening(self) -> tuple[float, float]:
        """How much shorter lengths along (y, x) of the specimen are seen."""
        return math.cos(math.radians(self.x_deg)), math.cos(math.radians(self.y_deg))

    @property
    def cosine(self) -> float:
        """Thickness over the path that the beam takes through it."""
        return math.prod(self.foreshortening)

    @property
    def parallax(self) -> tuple[float, float]:
        """How far along (y, x) what lies deeper by 1 is seen displaced."""
        return -math.sin(math.radians(self.x_deg)), math.sin(math.radians(self.y_deg))

    def across(
        self, vector: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what of vectors (z, y, x) of the specimen lies across the beam, (y, x)."""
        along_z, along_y, along_x = vector
        (cos_y, cos_x), (shift_y, shift_x) = self.foreshortening, self.parallax
        return along_y * cos_y + along_z * shift_y, along_x * cos_x + along_z * shift_x


def through_thickness(
    seen: NDArray[np.float64], tilt: Tilt, thickness_nm: float, pixel_nm: float
) -> NDArray[np.float64]:
    """Return maps (..., ny, nx) blurred by the parallax of a thickness; they repeat."""
    for axis, shift in zip((-2, -1), tilt.parallax, strict=True):
        if shift == 0.0:
            continue
        side = seen.shape[axis]
        shape = [1] * seen.ndim
        shape[axis] = side // 2 + 1
        # np.sinc(u) is sin(pi u) / (pi u): cycles, not radians.
        blur = np.sinc(np.fft.rfftfreq(side, pixel_nm) * shift * thickness_nm)
        waves = fft.rfft(seen, axis=axis) * blur.reshape(shape)
        seen = np.asarray(fft.irfft(waves, n=side, axis=axis))
    return seen
