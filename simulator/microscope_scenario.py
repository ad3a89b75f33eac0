"""The column and its beam, as a scenario tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, ValidationInfo, field_validator

from ltemlive.series import Microscope

if TYPE_CHECKING:
    from ltemlive.camera import CameraSettings


class MicroscopeScenario(Microscope):
    """The keys of ``series.yaml``; ``border: periodic`` leaves the margin out."""

    voltage_kv: float = Field(200.0, ge=10.0, le=3000.0)
    pixel_nm: float = Field(5.0, ge=1e-6, le=1e5)

    @field_validator("camera")
    @classmethod
    def _has_none(cls, camera: CameraSettings | None) -> CameraSettings | None:
        if camera is not None:
            raise ValueError(
                "null: the section camera of the scenario says what frames need"
            )
        return camera

    @field_validator("astigmatism_deg")
    @classmethod
    def _is_astigmatic(cls, degrees: float, info: ValidationInfo) -> float:
        if degrees and info.data.get("astigmatism_nm") == 0.0:
            raise ValueError("0 unless there is an astigmatism_nm")
        return degrees

    @field_validator("lens_table")
    @classmethod
    def _is_not_needed(
        cls, table: tuple[tuple[float, float], ...]
    ) -> tuple[tuple[float, float], ...]:
        if table:
            raise ValueError("[], for simulated frames say their defocus themselves")
        return table
