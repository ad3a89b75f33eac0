"""How many images are added up for one defocus, and what takes too many of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ltemlive.physics.electron import wavelength_nm
from ltemlive.refusals import refusal, rounded_down
from simulator.cone import tilts, widest_convergence_mrad, widest_step_rad
from simulator.foci import foci, widest_spread_nm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import InitErrorDetails

    from simulator.imaging import Imaging
    from simulator.microscope_scenario import MicroscopeScenario

MOST_IMAGES = 40_000
"""Tilts times foci; more are refused. At 1.6 mm the demo's beam takes 89, and 267 with a
spread of the focus of 500 nm. So many take four minutes for a frame of 500 x 500 pixels."""
_FAIR_SHARE = math.isqrt(MOST_IMAGES)
"""There may be so many tilts however many foci there are, and so many foci likewise."""


def too_many_images(
    microscope: MicroscopeScenario, imaging: Imaging, strongest_nm: float
) -> Iterator[InitErrorDetails]:
    """Yield an error for the key that takes too many images, or for both.

    ``strongest_nm`` is the defocus farthest from 0, which takes most tilts.
    """
    is_summed = imaging.model == "incoherent"
    if not is_summed and microscope.coherence == "wave":
        return
    grid_nm = microscope.pixel_nm / (imaging.oversampling if is_summed else 1)
    step_rad = widest_step_rad(microscope, imaging, strongest_nm)
    n_tilts = _n_tilts(microscope.convergence_mrad, step_rad) if is_summed else 1
    n_foci = _n_foci(microscope, grid_nm)
    most_tilts = MOST_IMAGES // min(n_foci, _FAIR_SHARE)
    most_foci = MOST_IMAGES // min(n_tilts, _FAIR_SHARE)
    purpose = f"so that {MOST_IMAGES} images do for one defocus"
    if n_tilts > most_tilts:
        most_mrad = widest_convergence_mrad(most_tilts, step_rad=step_rad)
        yield refusal(
            ("microscope", "convergence_mrad"),
            f"at most {rounded_down(most_mrad)} (at a defocus of {strongest_nm:g} nm), or "
            "weaker defocus and aberrations, wider pixels or a wider imaging.tilt_step_px, "
            f"{purpose}",
            microscope.convergence_mrad,
        )
    if n_foci > most_foci:
        most_nm = widest_spread_nm(
            most_foci,
            pixel_nm=grid_nm,
            wavelength_nm=wavelength_nm(microscope.voltage_kv),
        )
        less = " or less imaging.oversampling" if grid_nm < microscope.pixel_nm else ""
        yield refusal(
            ("microscope", "defocus_spread_nm"),
            f"at most {rounded_down(most_nm)} (on a grid of {grid_nm:g} nm), or wider "
            f"pixels{less}, {purpose}",
            microscope.defocus_spread_nm,
        )


def _n_tilts(convergence_mrad: float, step_rad: float) -> int:
    """Return the number of tilts, which is not counted beyond ``MOST_IMAGES``."""
    if convergence_mrad > widest_convergence_mrad(MOST_IMAGES, step_rad=step_rad):
        return MOST_IMAGES + 1
    return len(tilts(convergence_mrad, step_rad=step_rad))


def _n_foci(microscope: MicroscopeScenario, grid_nm: float) -> int:
    """Return the number of foci, which is not counted beyond ``MOST_IMAGES``."""
    spread_nm, electron_nm = (
        microscope.defocus_spread_nm,
        wavelength_nm(microscope.voltage_kv),
    )
    most_nm = widest_spread_nm(MOST_IMAGES, pixel_nm=grid_nm, wavelength_nm=electron_nm)
    if spread_nm > most_nm:
        return MOST_IMAGES + 1
    return len(foci(spread_nm, pixel_nm=grid_nm, wavelength_nm=electron_nm))
