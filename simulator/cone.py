"""The tilts that stand for the cone of a beam, as many as an image needs.

They lie on a square grid, weighted by exp(-(a / theta)^2): the trapezoidal rule converges
exponentially for a Gaussian, once its steps are as fine as what they move.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.physics.electron import wavelength_nm

if TYPE_CHECKING:
    from ltemlive.series import Microscope
    from simulator.imaging import Imaging

CONE_RADII = 3.5
"""Where the cone of tilts is cut off, in standard deviations: 0.2 % lie outside."""
CONE_STEP = 1.2
"""The widest step of its tilts: the rule is exact to 1e-6 there, for a cone by itself."""


def widest_step_rad(optics: Microscope, imaging: Imaging, defocus_nm: float) -> float:
    """Return the tilt that moves the image of no wave by more than ``tilt_step_px``."""
    step_nm = imaging.tilt_step_px * optics.pixel_nm
    steepest = 0.5 * wavelength_nm(optics.voltage_kv) / optics.pixel_nm
    spherical_nm = optics.spherical_aberration_nm * steepest**2
    strongest_nm = sum(map(abs, (defocus_nm, optics.astigmatism_nm, spherical_nm)))
    return step_nm / max(strongest_nm, 1e-9)


def tilts(convergence_mrad: float, *, step_rad: float) -> list[tuple[float, float, float]]:
    """Return (weight, y, x) [rad] of the tilts that stand for a cone.

    ``step_rad`` is how far neighbours may be apart; they are nearer in a narrow cone.
    """
    spread = _spread_rad(convergence_mrad)
    if spread == 0.0:
        return [(1.0, 0.0, 0.0)]
    step = min(CONE_STEP * spread, step_rad)
    n_steps = int(CONE_RADII * spread / step)
    along = np.arange(-n_steps, n_steps + 1) * step
    tilt_y, tilt_x = (each.ravel() for each in np.meshgrid(along, along, indexing="ij"))
    inside = np.hypot(tilt_y, tilt_x) <= CONE_RADII * spread
    tilt_y, tilt_x = tilt_y[inside], tilt_x[inside]
    weights = np.exp(-0.5 * ((tilt_y / spread) ** 2 + (tilt_x / spread) ** 2))
    weights /= weights.sum()
    return list(zip(weights.tolist(), tilt_y.tolist(), tilt_x.tolist(), strict=True))


def widest_convergence_mrad(count: int, *, step_rad: float) -> float:
    """Return the cone that takes up to ``count`` tilts, of the 25 or more that any takes.

    Their squared distances from the middle are integers, in steps: half of one less than
    that of the first tilt too many leaves it out.
    """
    squares = np.arange(-math.isqrt(count), math.isqrt(count) + 1) ** 2
    from_middle = np.sort(np.add.outer(squares, squares), axis=None)
    most_steps = math.sqrt(from_middle[count] - 0.5)
    return most_steps * step_rad / CONE_RADII / _spread_rad(1.0)


def _spread_rad(convergence_mrad: float) -> float:
    """Return the standard deviation of the tilts along each axis."""
    return convergence_mrad * 1e-3 / math.sqrt(2.0)
