"""What the simulator plays, as a YAML file tells it; every default lives here, once.

The defaults are the demo; ``config/demo.yaml`` spells the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.frames import MAX_SIDE_PX, MIN_SIDE_PX
from ltemlive.series import Microscope
from simulator.detector import NoiseKind, PixelType
from simulator.faults import Faults
from simulator.flaws import CameraScenario
from simulator.imaging import Imaging
from simulator.plans import DefocusPlan
from simulator.session import DRAWN, SessionScenario, kinds_that_change
from simulator.specimen_keys import USED_BY, WHY_NOT, Kind, Wall
from simulator.stage import StageScenario

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.camera import CameraSettings

Defocus = Annotated[float, Field(ge=-1e9, le=1e9)]
Drift = Annotated[float, Field(ge=-100.0, le=100.0)]

_PIXELS_NEEDED = {"period_nm": 4.0, "diameter_nm": 4.0, "wall_width_nm": 1.0}
"""What must not be finer than so many pixels."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SpecimenScenario(_Section):
    """What stands in the beam; defaults are 10 nm of permalloy on a membrane."""

    kind: Kind = "resolution_target"
    file: str | None = Field(None, min_length=1, validate_default=True)
    """Of a micromagnetic state (OVF), from the folder of the scenario."""
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
        default = cls.model_fields[name].default
        if kind is not None and kind not in USED_BY[name] and value != default:
            raise ValueError(f"it left out, for a {kind} {WHY_NOT[name]}")
        return value

    @field_validator("absorption_nm")
    @classmethod
    def _absorbs_one_way(cls, value: float | None, info: ValidationInfo) -> float | None:
        default = cls.model_fields["film_amplitude"].default
        if value is not None and info.data.get("film_amplitude", default) != default:
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

    def check_sampling(self, pixel_nm: float) -> None:
        """Return if a frame of such pixels can show what is in the specimen.

        Raises
        ------
        ConfigError
            One line per length that is too short or too long.
        """
        lines = []
        for name, count in _PIXELS_NEEDED.items():
            length_nm = getattr(self, name)
            if self.kind in USED_BY[name] and length_nm < count * pixel_nm:
                lines.append(
                    f"specimen.{name}: expected at least {count:g} pixels of {pixel_nm:g} "
                    f"nm, got {length_nm:g} nm; microscope.pixel_nm of "
                    f"{length_nm / count:g} would do"
                )
        frame_nm = self.size_px * pixel_nm
        if self.kind in USED_BY["wall_width_nm"] and self.period_nm > frame_nm:
            lines.append(
                f"specimen.period_nm: expected at most the frame's side ({frame_nm:g} nm), "
                f"got {self.period_nm:g}"
            )
        if lines:
            raise ConfigError("\n".join(lines))


class MicroscopeScenario(Microscope):
    """The keys of ``series.yaml``; ``border: periodic`` leaves the margin out."""

    voltage_kv: float = Field(200.0, ge=10.0, le=3000.0)
    pixel_nm: float = Field(5.0, gt=0.0, le=1e5)

    @field_validator("camera")
    @classmethod
    def _has_none(cls, camera: CameraSettings | None) -> CameraSettings | None:
        if camera is not None:
            raise ValueError(
                "null: the section camera of the scenario says what frames need"
            )
        return camera


class NoiseScenario(_Section):
    """Noise of the camera; ``level`` is for gaussian, ``dose_e_per_px`` for poisson."""

    kind: NoiseKind = "gaussian"
    level: float = Field(0.1, ge=0.0, le=10.0)
    """Standard deviation in units of the mean intensity."""
    dose_e_per_px: float = Field(100.0, gt=0.0, le=1e6)


_DEMO_NM = (0.0, -150_000.0, 150_000.0, -1_600_000.0, 1_600_000.0)


class Scenario(_Section):
    """Everything ``ltemlive simulate`` can be told."""

    series: str = Field("demo", min_length=1, max_length=200)
    """The id that the series gets."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of the senses of the magnetisation, of the noise and of the faults."""
    specimen: SpecimenScenario = SpecimenScenario()
    microscope: MicroscopeScenario = MicroscopeScenario()
    imaging: Imaging = Imaging()
    defocus_nm: tuple[Defocus, ...] = Field(_DEMO_NM, min_length=1)
    """In order of acquisition; positive is underfocus."""
    defocus_plan: DefocusPlan | None = None
    """Instead of ``defocus_nm``."""
    session: SessionScenario = SessionScenario()
    noise: NoiseScenario = NoiseScenario()
    camera: CameraScenario = CameraScenario()
    pixel_type: PixelType = "<f4"
    drift_px_per_frame: tuple[Drift, Drift] = (0.0, 0.0)
    """(dy, dx): how far the stage creeps from one exposure to the next."""
    stage: StageScenario = StageScenario()
    exposure_s: float = Field(1.5, gt=0.0, le=3600.0)
    dead_time_s: float = Field(0.5, ge=0.0, le=3600.0)
    """Readout and change of defocus."""
    faults: Faults = Faults()
    """What goes wrong on the way to the daemon."""

    @property
    def plan_nm(self) -> tuple[float, ...]:
        """The stated defocus of each frame of a series."""
        plan = self.defocus_plan
        return self.defocus_nm if plan is None else plan.defocus_nm

    @field_validator("defocus_plan")
    @classmethod
    def _is_the_only_plan(
        cls, plan: DefocusPlan | None, info: ValidationInfo
    ) -> DefocusPlan | None:
        if plan is not None and info.data.get("defocus_nm", _DEMO_NM) != _DEMO_NM:
            raise ValueError("null beside a list in defocus_nm; take one of them out")
        return plan

    @field_validator("session")
    @classmethod
    def _has_what_changes(
        cls, session: SessionScenario, info: ValidationInfo
    ) -> SessionScenario:
        kinds = kinds_that_change(session.changes)
        _check_kind(kinds, info, f"changes: {session.changes}")
        return session

    @field_validator("stage")
    @classmethod
    def _has_domains(cls, stage: StageScenario, info: ValidationInfo) -> StageScenario:
        if stage.domains_jump_at is not None:
            _check_kind(DRAWN, info, "domains_jump_at")
        return stage

    @field_validator("pixel_type")
    @classmethod
    def _integers_need_counts(cls, value: PixelType, info: ValidationInfo) -> PixelType:
        noise = info.data.get("noise")
        if value != "<f4" and noise is not None and noise.kind != "poisson":
            raise ValueError("<f4, for only noise.kind: poisson counts electrons")
        return value


def _check_kind(kinds: frozenset[Kind] | None, info: ValidationInfo, key: str) -> None:
    """Return if the specimen is one of those that ``key`` is for."""
    specimen = info.data.get("specimen")
    if kinds is not None and specimen is not None and specimen.kind not in kinds:
        raise ValueError(f"{key} only with specimen.kind {', '.join(sorted(kinds))}")


def load_scenario(path: Path | None) -> Scenario:
    """Return the scenario in a YAML file, or the demo's if there is none.

    Raises
    ------
    ConfigError
        One line per wrong key, all at once, each naming file and key.
    """
    if path is None:
        return Scenario()
    plan = documents.load_model(path, Scenario)
    try:
        plan.specimen.check_sampling(plan.microscope.pixel_nm)
    except ConfigError as error:
        lines = [f"{path}: {line}" for line in str(error).splitlines()]
        raise ConfigError("\n".join(lines)) from error
    if plan.specimen.file is None:
        return plan
    file = str(path.parent / plan.specimen.file)
    specimen = plan.specimen.model_copy(update={"file": file})
    return plan.model_copy(update={"specimen": specimen})
