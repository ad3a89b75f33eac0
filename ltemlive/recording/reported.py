"""``report.json`` read back: what was written, as the value it was written from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    field_validator,
    model_validator,
)

from ltemlive.camera import CameraSettings
from ltemlive.errors import ConfigError
from ltemlive.events import FrameDeviations, PhaseSigmas
from ltemlive.results import Report, Timing
from ltemlive.series import RejectedFrame

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

_OF_EACH_FRAME = ("defocus_nm", "shift_px", "rotation_deg", "magnification", "holdout")


def read_report(path: Path) -> Report:
    """Return a report; what a later version has added is left out.

    Raises
    ------
    ConfigError
        If the file is missing, damaged, or no report.
    """
    try:
        return _report_of(_Told.model_validate(json.loads(path.read_text("utf-8"))))
    except ValidationError as error:
        problem = _first_problem(error.errors())
        raise _no_report(path, problem) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _no_report(path, str(error)) from error


class _Refused(BaseModel):
    file: str | None = None
    seq: int | None = None
    reason: str


class _Told(BaseModel):
    """A report as JSON has it."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    frames_used: tuple[str, ...]
    frames_rejected: tuple[_Refused, ...]
    defocus_nm: tuple[float, ...]
    noise_sigma: float | None
    steps: int
    gradient_evaluations: int
    seconds: Timing
    objective: tuple[float | None, ...]
    device: str
    versions: dict[str, str]
    method: str
    shift_px: tuple[tuple[float, float], ...] | None = None
    rotation_deg: tuple[float, ...] | None = None
    magnification: tuple[float, ...] | None = None
    camera: CameraSettings | None = None
    convergence_mrad: float | None = None
    deviations: FrameDeviations | None = None
    holdout: tuple[float | None, ...] | None = None
    uncertainty: PhaseSigmas | None = None
    notes: tuple[str, ...] = ()
    truth: dict[str, float] | None = None
    solver: dict[str, Any] | None = None

    @field_validator("deviations", "uncertainty", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        names = (*FrameDeviations._fields, *PhaseSigmas._fields)
        return {key: each for key, each in value.items() if key in names}

    @model_validator(mode="after")
    def _runs_parallel(self) -> Self:
        n_frames = len(self.frames_used)
        told = {name: getattr(self, name) for name in _OF_EACH_FRAME}
        deviations = (self.deviations or FrameDeviations())._asdict()
        told |= {f"deviations.{name}": each for name, each in deviations.items()}
        for name, values in told.items():
            if isinstance(values, tuple) and len(values) != n_frames:
                raise ValueError(
                    f"{name}: expected one for each of {n_frames} frames_used, got "
                    f"{len(values)}"
                )
        if (self.rotation_deg is None) != (self.magnification is None):
            raise ValueError("expected rotation_deg and magnification, got one of them")
        return self


def _report_of(told: _Told) -> Report:
    values = {name: getattr(told, name) for name in _Told.model_fields}
    values["frames_rejected"] = tuple(
        RejectedFrame(str(bad.seq if bad.file is None else bad.file), bad.reason)
        for bad in told.frames_rejected
    )
    values["objective"] = _numbers(told.objective)
    values["holdout"] = None if told.holdout is None else _numbers(told.holdout)
    return Report(**values)


def _numbers(values: tuple[float | None, ...]) -> tuple[float, ...]:
    """Return values as numbers: JSON has null for what was not finite."""
    return tuple(float("nan") if value is None else value for value in values)


def _first_problem(problems: list[ErrorDetails]) -> str:
    where = ".".join(str(part) for part in problems[0]["loc"])
    said = problems[0]["msg"]
    return f"{where}: {said}" if where else said


def _no_report(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        f"{path}: expected the report of a reconstruction, got none "
        f"({' '.join(problem.split())}); make it again with `ltemlive reconstruct`"
    )
