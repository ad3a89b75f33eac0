"""A defocus series as its sidecar ``series.yaml`` describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ltemlive import documents
from ltemlive.camera import NO_CAMERA, Camera, CameraSettings
from ltemlive.events import Beam
from ltemlive.frames import MAX_SEQ

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.frames import Frame

SERIES_FILE = "series.yaml"


class Optics(BaseModel):
    """The optional keys of ``series.yaml``: how microscope and field are modelled."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    spherical_aberration_nm: float = Field(0.0, ge=-1e11, le=1e11)
    """Third order; a Lorentz lens has metres of it (1e9 nm)."""
    convergence_mrad: float = Field(0.01, ge=0.0, le=10.0)
    """Beam divergence theta_c: half angle at which exp(-(a / theta_c)^2) is 1/e."""
    defocus_spread_nm: float = Field(0.0, ge=0.0, le=1e6)
    astigmatism_nm: float = Field(0.0, ge=-1e7, le=1e7)
    """Two-fold: defocus along ``astigmatism_deg`` less the mean one."""
    astigmatism_deg: float = 0.0
    """From x towards y, in corrected frames."""
    coherence: Literal["intensity", "wave"] = "intensity"
    """Partial spatial coherence: a blur of the intensity, or an envelope on the wave."""
    detector_mtf: float = Field(1.0, ge=0.05, le=1.0)
    """Modulation that the camera leaves at half the Nyquist frequency of corrected frames
    (a wave of four pixels), the size of its pixels included: 0.9 where each counts what
    falls on it and no light spreads; 1: values at points, as of many simulations."""
    border: Literal["free", "periodic"] = "free"
    """What lies outside the frame: an unknown field, or the frame again."""
    beam: Beam = "into_image"
    """Which way electrons go; in an image that the microscope mirrors, out of it. It is the
    sign of the induction."""
    lens_table: tuple[tuple[float, float], ...] = ()
    """(lens value, defocus_nm) of some settings of the lens, for frames that say their
    ``lens_value`` only; between them the defocus is a straight line."""

    @field_validator("lens_table")
    @classmethod
    def _in_order(
        cls, table: tuple[tuple[float, float], ...]
    ) -> tuple[tuple[float, float], ...]:
        if table and len({value for value, _ in table}) < max(len(table), 2):
            raise ValueError("at least two pairs (lens value, defocus_nm), each value once")
        return tuple(sorted(table))

    def defocus_of_lens(self, lens_value: float) -> float:
        """Return the defocus [nm] that ``lens_table`` gives.

        Raises
        ------
        ValueError
            If there is no table, or it does not reach that far; one line with the remedy.
        """
        if not self.lens_table:
            raise ValueError("no lens_table says its defocus; add one, or defocus_nm")
        values, defocus_nm = zip(*self.lens_table, strict=True)
        if not values[0] <= lens_value <= values[-1]:
            raise ValueError(
                f"lens_table goes from {values[0]:g} to {values[-1]:g}; add where "
                f"{lens_value:g} is to it"
            )
        return float(np.interp(lens_value, values, defocus_nm))


class Microscope(Optics):
    """Everything about a series that is the same for each of its images."""

    voltage_kv: float = Field(ge=10.0, le=3000.0)
    pixel_nm: float = Field(ge=1e-6, le=1e5)
    """In the specimen plane; the width of a raw pixel where there is a ``camera``."""
    camera: CameraSettings | None = None
    """What becomes of raw frames before they are solved; null: nothing."""


class SeriesFrame(BaseModel):
    """One entry under ``frames``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    file: str
    defocus_nm: float | None = Field(None, ge=-1e9, le=1e9)
    lens_value: float | None = None
    """Stands for a defocus that is not said, by ``lens_table``."""
    page: int = Field(0, ge=0)
    """Page of a stack, from 0."""
    exposure_s: float | None = Field(None, gt=0.0)
    seq: int | None = Field(None, ge=0, le=MAX_SEQ)
    use: bool | None = None
    """True: use it whether it fits or not; false: set it aside; null: as it fits."""


class SeriesDescription(Microscope):
    """The whole of ``series.yaml``: the microscope and its frames as acquired."""

    series: str | None = None
    """The id its producer gave it; the session folder writes it."""
    frames: tuple[SeriesFrame, ...] = ()

    def microscope(self) -> Microscope:
        """Return what is the same for each image."""
        return Microscope.model_validate(
            {name: getattr(self, name) for name in Microscope.model_fields}
        )


@dataclass(frozen=True, slots=True)
class RejectedFrame:
    """A frame of the series that was not used."""

    frame: str
    """Its file name, or its seq where it has no file."""
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class StoredSeries:
    """The frames of one series that can be used, and those that cannot."""

    title: str
    """The id its producer gave it, or the name of its folder or stack."""
    folder: Path
    """Where ``series.yaml`` is."""
    microscope: Microscope
    frames: tuple[Frame, ...]
    """Raw, in seq order, all of one shape."""
    labels: tuple[str, ...]
    """How the user knows each of ``frames``: file name, and page where it is a stack."""
    rejected: tuple[RejectedFrame, ...]
    camera: Camera = NO_CAMERA
    """What ``microscope.camera`` says, its reference images loaded."""


def load_series_description(path: Path) -> SeriesDescription:
    """Read ``series.yaml``; every error names the file and the key.

    Raises
    ------
    ConfigError
        If the file is missing, is not YAML, or has unknown or impossible values.
    """
    return documents.load_model(path, SeriesDescription)
