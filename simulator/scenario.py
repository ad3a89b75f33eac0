"""What the simulator plays, as a YAML file tells it; every default lives here, once.

The defaults are the demo; ``config/demo.yaml`` spells the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from ltemlive import documents
from ltemlive.frames import MAX_SIDE_PX, MIN_SIDE_PX
from ltemlive.series import Microscope
from simulator.detector import NoiseKind, PixelType
from simulator.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.camera import CameraSettings

Defocus = Annotated[float, Field(ge=-1e9, le=1e9)]
Drift = Annotated[float, Field(ge=-100.0, le=100.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SpecimenScenario(_Section):
    """A thin magnetic film on a membrane; defaults are 10 nm of permalloy."""

    kind: Literal["resolution_target", "stripe_domains"] = "resolution_target"
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


class MicroscopeScenario(Microscope):
    """The keys of ``series.yaml``; ``border: periodic`` leaves the margin out."""

    voltage_kv: float = Field(200.0, ge=10.0, le=3000.0)
    pixel_nm: float = Field(5.0, gt=0.0, le=1e5)

    @field_validator("camera")
    @classmethod
    def _has_none(cls, camera: CameraSettings | None) -> CameraSettings | None:
        if camera is not None:
            raise ValueError("null: frames of the simulator need no correction")
        return camera


class NoiseScenario(_Section):
    """Noise of the camera; ``level`` is for gaussian, ``dose_e_per_px`` for poisson."""

    kind: NoiseKind = "gaussian"
    level: float = Field(0.1, ge=0.0, le=10.0)
    """Standard deviation in units of the mean intensity."""
    dose_e_per_px: float = Field(100.0, gt=0.0, le=1e6)


class Scenario(_Section):
    """Everything ``ltemlive simulate`` can be told."""

    series: str = Field("demo", min_length=1, max_length=200)
    """The id that the series gets."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of the senses of the magnetisation, of the noise and of the faults."""
    specimen: SpecimenScenario = SpecimenScenario()
    microscope: MicroscopeScenario = MicroscopeScenario()
    defocus_nm: tuple[Defocus, ...] = Field(
        (0.0, -150_000.0, 150_000.0, -1_600_000.0, 1_600_000.0), min_length=1
    )
    """In order of acquisition; positive is underfocus."""
    noise: NoiseScenario = NoiseScenario()
    pixel_type: PixelType = "<f4"
    drift_px_per_frame: tuple[Drift, Drift] = (0.0, 0.0)
    """(dy, dx): how far the stage creeps from one exposure to the next."""
    exposure_s: float = Field(1.5, gt=0.0, le=3600.0)
    dead_time_s: float = Field(0.5, ge=0.0, le=3600.0)
    """Readout and change of defocus."""
    faults: Faults = Faults()
    """What goes wrong on the way to the daemon."""

    @field_validator("pixel_type")
    @classmethod
    def _integers_need_counts(cls, value: PixelType, info: ValidationInfo) -> PixelType:
        noise = info.data.get("noise")
        if value == "<u2" and noise is not None and noise.kind != "poisson":
            raise ValueError("<f4, for only noise.kind: poisson counts electrons")
        return value


def load_scenario(path: Path | None) -> Scenario:
    """Return the scenario in a YAML file, or the demo's if there is none.

    Raises
    ------
    ConfigError
        One line per wrong key, all at once, each naming file and key.
    """
    return documents.load_model(path, Scenario) if path is not None else Scenario()
