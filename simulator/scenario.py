"""What the simulator plays, as a YAML file tells it; every default lives here, once.

The defaults are the demo; ``config/demo.yaml`` spells the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ltemlive import documents, refusals
from simulator.detector import NoiseKind, PixelType
from simulator.faults import Faults
from simulator.flaws import CameraScenario
from simulator.imaging import Imaging
from simulator.microscope_scenario import MicroscopeScenario
from simulator.plans import DEMO_NM, Defoci, DefocusPlan
from simulator.sampling import beyond_sampling
from simulator.section import Section
from simulator.session import SessionScenario
from simulator.specimen_scenario import SpecimenScenario
from simulator.stage import StageScenario

if TYPE_CHECKING:
    from pathlib import Path

Drift = Annotated[float, Field(ge=-100.0, le=100.0)]


_NOISE_OF = {"level": "gaussian", "dose_e_per_px": "poisson"}


class NoiseScenario(Section):
    """Noise of the camera; ``level`` is for gaussian, ``dose_e_per_px`` for poisson."""

    kind: NoiseKind = "gaussian"
    level: float = Field(0.1, ge=0.0, le=10.0)
    """Standard deviation in units of the mean intensity."""
    dose_e_per_px: float = Field(100.0, gt=0.0, le=1e6)

    @field_validator(*_NOISE_OF)
    @classmethod
    def _is_used(cls, value: float, info: ValidationInfo) -> float:
        key = str(info.field_name)
        kind, of = info.data.get("kind"), _NOISE_OF[key]
        if kind not in (None, of) and cls.is_wanted(key, value):
            raise ValueError(f"it left out, for only {of} noise has it")
        return value


class Scenario(Section):
    """Everything ``ltemlive simulate`` can be told."""

    series: str = Field("demo", min_length=1, max_length=200)
    """The id that the series gets."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of the senses of the magnetisation, of the noise and of the faults."""
    specimen: SpecimenScenario = SpecimenScenario()
    microscope: MicroscopeScenario = MicroscopeScenario()
    imaging: Imaging = Imaging()
    defocus_nm: Defoci = DEMO_NM
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

    @model_validator(mode="wrap")
    @classmethod
    def _can_be_computed(
        cls, values: Any, make: ModelWrapValidatorHandler[Scenario]
    ) -> Scenario:
        """Refuse what the sampling cannot do beside every other error."""
        return refusals.made(values, make, beside=beyond_sampling(values))

    @property
    def plan_nm(self) -> tuple[float, ...]:
        """The stated defocus of each frame of a series."""
        plan = self.defocus_plan
        return self.defocus_nm if plan is None else plan.defocus_nm

    @field_validator("microscope")
    @classmethod
    def _has_a_margin(
        cls, microscope: MicroscopeScenario, info: ValidationInfo
    ) -> MicroscopeScenario:
        specimen = info.data.get("specimen", SpecimenScenario())
        is_wanted = specimen.is_wanted("margin_px", specimen.margin_px)
        if microscope.border == "periodic" and is_wanted and specimen.margin_px:
            raise ValueError("border: free beside specimen.margin_px, or that left out")
        return microscope

    @field_validator("imaging")
    @classmethod
    def _has_tilts(cls, imaging: Imaging, info: ValidationInfo) -> Imaging:
        microscope = info.data.get("microscope")
        has_none = microscope is not None and microscope.convergence_mrad == 0.0
        if has_none and imaging.is_wanted("tilt_step_px", imaging.tilt_step_px):
            raise ValueError("tilt_step_px left out, for convergence_mrad: 0 has no tilts")
        return imaging

    @field_validator("defocus_plan")
    @classmethod
    def _is_the_only_plan(
        cls, plan: DefocusPlan | None, info: ValidationInfo
    ) -> DefocusPlan | None:
        if plan is not None and info.data.get("defocus_nm", DEMO_NM) != DEMO_NM:
            raise ValueError("null beside a list in defocus_nm; take one of them out")
        return plan

    @field_validator("session")
    @classmethod
    def _has_what_changes(
        cls, session: SessionScenario, info: ValidationInfo
    ) -> SessionScenario:
        if "specimen" in info.data:
            _refuse(session.without_effect(info.data["specimen"]))
        return session

    @field_validator("stage")
    @classmethod
    def _has_what_moves(cls, stage: StageScenario, info: ValidationInfo) -> StageScenario:
        plan_nm = _plan_nm(info)
        if "specimen" in info.data and plan_nm is not None:
            idle = stage.without_effect(info.data["specimen"], len(plan_nm))
            _refuse(idle + stage.shrinks(plan_nm))
        return stage

    @field_validator("faults")
    @classmethod
    def _come_to_pass(cls, faults: Faults, info: ValidationInfo) -> Faults:
        plan_nm = _plan_nm(info)
        if plan_nm is not None and (faults.kill_after or 0) > len(plan_nm):
            _refuse([f"kill_after of at most {len(plan_nm)}, the frames of a series"])
        return faults

    @field_validator("pixel_type")
    @classmethod
    def _integers_need_counts(cls, value: PixelType, info: ValidationInfo) -> PixelType:
        noise = info.data.get("noise")
        if value != "<f4" and noise is not None and noise.kind != "poisson":
            raise ValueError("<f4, for only noise.kind: poisson counts electrons")
        return value

    @field_validator("pixel_type")
    @classmethod
    def _holds_the_counts(cls, value: PixelType, info: ValidationInfo) -> PixelType:
        camera, bits = info.data.get("camera"), {"<u2": 16, "|u1": 8}.get(value)
        if bits and camera is not None and (camera.bit_depth or 0) > bits:
            raise ValueError(f"<f4, or a camera.bit_depth of at most {bits}")
        return value


def _plan_nm(info: ValidationInfo) -> tuple[float, ...] | None:
    """Return the stated defocus of each frame; None where a wrong key says it."""
    if not {"defocus_nm", "defocus_plan"} <= set(info.data):
        return None
    plan: DefocusPlan | None = info.data["defocus_plan"]
    stated: tuple[float, ...] = info.data["defocus_nm"]
    return stated if plan is None else plan.defocus_nm


def _refuse(reasons: list[str]) -> None:
    """Return if there is no reason to refuse."""
    if reasons:
        raise ValueError("; ".join(reasons))


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
    if plan.specimen.file is None:
        return plan
    file = str(path.parent / plan.specimen.file)
    specimen = plan.specimen.model_copy(update={"file": file})
    return plan.model_copy(update={"specimen": specimen})
