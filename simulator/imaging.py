"""How images are formed: by a formula for partial coherence, or by adding up its images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from simulator.section import Section

Milliradians = Annotated[float, Field(ge=-100.0, le=100.0)]


class Imaging(Section):
    """The section ``imaging`` of a scenario; see docs/simulator-optics.md."""

    model: Literal["envelope", "incoherent"] = "envelope"
    """``envelope``: a blur of the image, or a damped wave, as ``coherence`` says.
    ``incoherent``: the sum of the images that each focus and tilt of the beam makes."""
    oversampling: int = Field(2, ge=1, le=8)
    """Points along each side of a pixel; it counts what falls on all of them."""
    tilt_step_px: float = Field(1.5, gt=0.0, le=8.0)
    """Neighbouring tilts move the image by no more than this many pixels."""
    aperture_mrad: float | None = Field(None, gt=0.0, le=100.0)
    """Radius of the objective aperture; null: none."""
    aperture_centre_mrad: tuple[Milliradians, Milliradians] = (0.0, 0.0)
    """(y, x) of its middle, from the beam."""

    @field_validator("oversampling", "tilt_step_px", "aperture_mrad")
    @classmethod
    def _is_summed(cls, value: object, info: ValidationInfo) -> object:
        key = str(info.field_name)
        if info.data.get("model") == "envelope" and cls.is_wanted(key, value):
            raise ValueError("it left out, for only imaging.model: incoherent has it")
        return value

    @field_validator("aperture_centre_mrad")
    @classmethod
    def _is_of_an_aperture(
        cls, centre: tuple[float, float], info: ValidationInfo
    ) -> tuple[float, float]:
        has_none = info.data.get("aperture_mrad", centre) is None
        if has_none and cls.is_wanted("aperture_centre_mrad", centre):
            raise ValueError("it left out, for without aperture_mrad there is no aperture")
        return centre


ENVELOPE = Imaging()
