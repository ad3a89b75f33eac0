"""What the simulator plays, as a YAML file tells it; every default lives here, once.

The defaults are the demo; ``config/demo.yaml`` spells the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationInfo, field_validator

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.series import Microscope
from simulator.detector import NoiseKind, PixelType
from simulator.faults import Faults
from simulator.flaws import CameraScenario
from simulator.imaging import Imaging
from simulator.plans import DefocusPlan
from simulator.section import Section
from simulator.session import JUMPING, SessionScenario, kinds_that_change
from simulator.specimen_scenario import SpecimenScenario
from simulator.stage import StageScenario

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.camera import CameraSettings
    from simulator.specimen_keys import Kind

Defocus = Annotated[float, Field(ge=-1e9, le=1e9)]
Drift = Annotated[float, Field(ge=-100.0, le=100.0)]


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


class NoiseScenario(Section):
    """Noise of the camera; ``level`` is for gaussian, ``dose_e_per_px`` for poisson."""

    kind: NoiseKind = "gaussian"
    level: float = Field(0.1, ge=0.0, le=10.0)
    """Standard deviation in units of the mean intensity."""
    dose_e_per_px: float = Field(100.0, gt=0.0, le=1e6)


_DEMO_NM = (0.0, -150_000.0, 150_000.0, -1_600_000.0, 1_600_000.0)


class Scenario(Section):
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
            _check_kind(JUMPING, info, "domains_jump_at")
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
