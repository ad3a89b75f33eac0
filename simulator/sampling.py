"""What a scenario asks of pixels and waves that these cannot do: only the whole knows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from ltemlive.physics.electron import wavelength_nm
from ltemlive.refusals import part_of, refusal, rounded_down, rounded_up
from simulator.cone import CONE_RADII
from simulator.imaging import Imaging
from simulator.microscope_scenario import MicroscopeScenario
from simulator.plans import DEFOCI, DEMO_NM, DefocusPlan
from simulator.specimen_keys import MOMENT, USED_BY
from simulator.specimen_scenario import SpecimenScenario
from simulator.stage import StageScenario
from simulator.summing import too_many_images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import InitErrorDetails


Part = TypeVar("Part", bound=BaseModel)

_PIXELS_NEEDED = {"period_nm": 4.0, "diameter_nm": 4.0, "wall_width_nm": 1.0}
"""What must not be finer than so many pixels."""


def beyond_sampling(values: Any) -> Iterator[InitErrorDetails]:
    """Yield an error for each key that asks for what pixels and waves cannot do.

    ``values`` may be anything that a scenario is made of: a section with anything else
    wrong in it is left out.
    """
    specimen = _section(values, "specimen", SpecimenScenario)
    microscope = _section(values, "microscope", MicroscopeScenario)
    imaging = _section(values, "imaging", Imaging)
    if specimen is not None and microscope is not None:
        yield from _unseen_by_pixels(specimen, microscope.pixel_nm)
    if imaging is not None and microscope is not None:
        yield from _idle_aperture(microscope, imaging)
        strongest_nm = _strongest_nm(values)
        if strongest_nm is not None:
            yield from too_many_images(microscope, imaging, strongest_nm)


def _section(values: Any, name: str, model: type[Part]) -> Part | None:
    """Return a section of what is not checked yet; None if anything in it is wrong."""
    section = part_of(values, name)
    try:
        return model.model_validate({} if section is None else section)
    except ValidationError:
        return None


def _strongest_nm(values: Any) -> float | None:
    """Return how far from 0 the true defocus gets; None if what says so is wrong."""
    stage = _section(values, "stage", StageScenario)
    plan = _section(values, "defocus_plan", DefocusPlan)
    stated = part_of(values, "defocus_nm")
    try:
        stated_nm = DEMO_NM if stated is None else DEFOCI.validate_python(stated)
    except ValidationError:
        return None
    if stage is None or plan is None:
        return None
    is_planned = part_of(values, "defocus_plan") is not None
    reckoned_nm = stage.reckoned_nm(plan.defocus_nm if is_planned else stated_nm)
    return max(map(abs, reckoned_nm))


def _unseen_by_pixels(
    specimen: SpecimenScenario, pixel_nm: float
) -> Iterator[InitErrorDetails]:
    """Yield an error for each length of a specimen that is too short or too long."""
    for name, count in _PIXELS_NEEDED.items():
        length_nm, least_nm = getattr(specimen, name), count * pixel_nm
        if _is_shown(specimen, name) and length_nm < least_nm:
            yield refusal(
                ("specimen", name),
                f"at least {rounded_up(least_nm)} ({count:g} x pixel_nm), or "
                f"microscope.pixel_nm of at most {rounded_down(length_nm / count)}",
                length_nm,
            )
    frame_nm = specimen.size_px * pixel_nm
    if specimen.kind in USED_BY["wall_width_nm"] and specimen.period_nm > frame_nm:
        yield refusal(
            ("specimen", "period_nm"),
            f"at most {rounded_down(frame_nm)} (the frame's side), or specimen.size_px of "
            f"at least {math.ceil(specimen.period_nm / pixel_nm)}",
            specimen.period_nm,
        )


def _is_shown(specimen: SpecimenScenario, name: str) -> bool:
    is_magnetic = all(getattr(specimen, key) for key in MOMENT)
    return specimen.kind in USED_BY[name] and (is_magnetic or name != "wall_width_nm")


def _idle_aperture(
    microscope: MicroscopeScenario, imaging: Imaging
) -> Iterator[InitErrorDetails]:
    """Yield an error if an aperture stops no wave, or all of the undeviated beam."""
    radius_mrad = imaging.aperture_mrad
    if radius_mrad is None:
        return
    grid_nm = microscope.pixel_nm / imaging.oversampling
    steepest_mrad = 0.5e3 * wavelength_nm(microscope.voltage_kv) / grid_nm
    beam_mrad = CONE_RADII * microscope.convergence_mrad / math.sqrt(2.0)
    off_y, off_x = map(abs, imaging.aperture_centre_mrad)
    farthest_mrad = math.hypot(steepest_mrad + off_y, steepest_mrad + off_x) + beam_mrad
    nearest_mrad = math.hypot(off_y, off_x) - beam_mrad
    if radius_mrad >= farthest_mrad:
        expected = (
            f"less than {rounded_down(farthest_mrad)}, beyond which a grid of {grid_nm:g} "
            "nm has no wave, or it left out"
        )
    elif radius_mrad < nearest_mrad:
        expected = (
            f"at least {rounded_up(nearest_mrad)}, or aperture_centre_mrad nearer to 0, "
            "for nothing of the undeviated beam passes"
        )
    else:
        return
    yield refusal(("imaging", "aperture_mrad"), expected, radius_mrad)
