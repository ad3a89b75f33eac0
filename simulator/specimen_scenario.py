"""What stands in the beam, as a scenario tells it, and what of that contradicts itself."""

from __future__ import annotations

import math

from pydantic import Field, ValidationInfo, field_validator

from ltemlive.frames import MAX_SIDE_PX, MIN_SIDE_PX
from simulator.section import Section
from simulator.specimen_keys import MOMENT, USED_BY, WHY_NOT, Kind, Side, Wall


class SpecimenScenario(Section):
    """The section ``specimen``; defaults are 10 nm of permalloy on a membrane."""

    kind: Kind = "resolution_target"
    file: str | None = Field(None, min_length=1, validate_default=True)
    """Of a micromagnetic state (OVF), from the folder of the scenario."""
    seen_from: Side = "z"
    """The axis of the file that points towards the eye, against the beam."""
    size_px: int = Field(512, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    """Side of the square frame."""
    margin_px: int = Field(64, ge=0, le=4096)
    """How far the field goes on beyond each side of the frame; see ``border``."""
    thickness_nm: float = Field(10.0, ge=0.0, le=1000.0)
    saturation_t: float = Field(1.0, ge=0.0, le=3.0)
    """mu0 Ms; 1 T times 10 nm bends the phase by 0.0152 rad/nm."""
    inner_potential_v: float = Field(20.0, ge=0.0, le=100.0)
    """Mean inner potential of the film, less that of what it replaces."""
    membrane_amplitude: float = Field(0.66, gt=0.0, le=1.0)
    film_amplitude: float = Field(0.63, gt=0.0, le=1.0)
    """Of the wave behind film and membrane together."""
    absorption_nm: float | None = Field(None, gt=0.0, le=1e5)
    """Thickness that leaves 1/e of the intensity; null: ``film_amplitude`` says."""
    tilt_x_deg: float = Field(0.0, ge=-70.0, le=70.0)
    """About x, from y (down) towards the beam's direction."""
    tilt_y_deg: float = Field(0.0, ge=-70.0, le=70.0)
    """About y, from the beam's direction towards x (right)."""
    period_nm: float = Field(240.0, gt=0.0, le=1e6)
    """From one stripe of a sense, skyrmion or disc to the next."""
    diameter_nm: float = Field(160.0, gt=0.0, le=1e6, validate_default=True)
    """Of a disc, a skyrmion (where m_z = 0) or a wire."""
    wall: Wall = "bloch"
    """Whether the magnetisation turns along a wall (Bloch) or across it (Neel)."""
    wall_width_nm: float = Field(30.0, gt=0.0, le=1e4, validate_default=True)
    """After Lilley: pi times the wall parameter."""
    phase_rms_rad: float = Field(2.0, ge=0.0, le=1e3)
    spectrum_exponent: float = Field(4.0, ge=0.0, le=8.0)
    """The power of the phase falls as frequency to minus this."""

    @field_validator("file")
    @classmethod
    def _is_there(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("kind") == "micromagnetic":
            raise ValueError("the file of a state (OVF)")
        return value

    @field_validator(*USED_BY)
    @classmethod
    def _is_used(cls, value: object, info: ValidationInfo) -> object:
        name, kind = str(info.field_name), info.data.get("kind")
        if kind is not None and kind not in USED_BY[name] and cls.is_wanted(name, value):
            raise ValueError(f"it left out, for a {kind} {WHY_NOT[name]}")
        return value

    @field_validator("wall", "wall_width_nm")
    @classmethod
    def _shows_walls(cls, value: object, info: ValidationInfo) -> object:
        name, kind = str(info.field_name), info.data.get("kind")
        missing = [key for key in MOMENT if info.data.get(key) == 0.0]
        if missing and kind in USED_BY[name] and cls.is_wanted(name, value):
            raise ValueError(f"it left out, for no wall shows where {missing[0]} is 0")
        return value

    @field_validator("absorption_nm")
    @classmethod
    def _absorbs_one_way(cls, value: float | None, info: ValidationInfo) -> float | None:
        film = info.data.get("film_amplitude")
        if value is not None and film and cls.is_wanted("film_amplitude", film):
            raise ValueError("it left out, for film_amplitude says how much is absorbed")
        return value

    @field_validator("tilt_y_deg")
    @classmethod
    def _turns_one_way(cls, value: float, info: ValidationInfo) -> float:
        if value and info.data.get("tilt_x_deg"):
            raise ValueError("0 beside tilt_x_deg, for one axis of two can be turned")
        return value

    @field_validator("diameter_nm")
    @classmethod
    def _keeps_apart(cls, value: float, info: ValidationInfo) -> float:
        period_nm = info.data.get("period_nm", math.inf)
        repeated = USED_BY["period_nm"] & USED_BY["diameter_nm"]
        if info.data.get("kind") in repeated and value >= period_nm:
            raise ValueError(f"less than period_nm ({period_nm:g})")
        return value

    @field_validator("wall_width_nm")
    @classmethod
    def _leaves_domains(cls, value: float, info: ValidationInfo) -> float:
        half_nm = 0.5 * info.data.get("period_nm", math.inf)
        if info.data.get("kind") in USED_BY["wall_width_nm"] and value > half_nm:
            raise ValueError(f"at most half of period_nm ({half_nm:g})")
        return value
