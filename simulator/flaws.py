"""What a real camera does beside counting: it blurs, and no two of its pixels are alike.

Light first spreads over neighbouring pixels (modulation transfer), then it is counted with
the noise of ``Detector``, and then each pixel counts in its own way:

    counts = reading * counts_per_electron * sensitivity + dark + read noise (+ hot)

Sensitivity, dark counts, hot and dead pixels are the same in every frame. The references
that undo them are those of an ideal day in the lab: without noise of their own, and hot
pixels have come since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator
from scipy import fft

from ltemlive.camera import NO_CAMERA, Camera, CameraSettings
from simulator.section import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

Share = Annotated[float, Field(ge=0.0, le=0.5)]

HALF_NYQUIST = 0.25
"""Cycles per pixel."""
HOT_TIMES = (10.0, 30.0)
"""What a hot pixel counts more, in mean counts of the frame: drawn between these."""
LEAST_SENSITIVE = 0.05


class CameraScenario(Section):
    """The section ``camera`` of a scenario; the defaults have no flaw at all."""

    mtf: float = Field(1.0, gt=0.0, le=1.0)
    """Modulation that is left at half the Nyquist frequency, a wave of four pixels."""
    mtf_shape: Literal["gaussian", "lorentzian"] = "gaussian"
    counts_per_electron: float = Field(1.0, gt=0.0, le=1e6)
    """Per electron of poisson noise, else per mean intensity."""
    gain_spread: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation of the sensitivity from pixel to pixel, of their mean."""
    dark_counts: float = Field(0.0, ge=0.0, le=1e6)
    """Without beam, in one exposure."""
    dark_spread_counts: float = Field(0.0, ge=0.0, le=1e6)
    """Standard deviation of that from pixel to pixel."""
    read_noise_counts: float = Field(0.0, ge=0.0, le=1e6)
    """Standard deviation in each pixel of each frame."""
    hot_share: Share = 0.0
    """Of all pixels; each counts 10 to 30 times the mean, and no reference knows it."""
    dead_share: Share = 0.0
    """Of all pixels; they see nothing, and the gain reference has 0 there."""
    bit_depth: int | None = Field(None, ge=1, le=32)
    """Counts end at 2^bit_depth - 1; null: where the pixel type ends."""

    @field_validator("mtf_shape")
    @classmethod
    def _blurs(cls, shape: str, info: ValidationInfo) -> str:
        if info.data.get("mtf") == 1.0 and cls.is_wanted("mtf_shape", shape):
            raise ValueError("it left out, for nothing is blurred unless mtf is below 1")
        return shape


@dataclass(frozen=True, slots=True, eq=False)
class Flaws:
    """One camera with its pixels, all maps of shape (ny, nx)."""

    settings: CameraScenario
    sensitivity: NDArray[np.float32]
    """Relative; 0 where a pixel is dead."""
    dark: NDArray[np.float32]
    hot: NDArray[np.float32]
    """In mean counts; 0 where a pixel is not hot."""

    def blurred(self, intensity: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the light makes of an image before it is counted.

        Beyond its border the image goes on as its mirror image.
        """
        settings = self.settings
        if settings.mtf == 1.0:
            return intensity
        cycles_y, cycles_x = (np.arange(side) / (2.0 * side) for side in intensity.shape)
        cycles = np.add.outer(cycles_y**2, cycles_x**2) / HALF_NYQUIST**2
        if settings.mtf_shape == "gaussian":
            transfer = settings.mtf**cycles
        else:
            transfer = 1.0 / (1.0 + (1.0 / settings.mtf - 1.0) * cycles)
        return np.asarray(fft.idctn(fft.dctn(intensity) * transfer))

    def counts(
        self, reading: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return what each pixel says of what it should have counted."""
        settings = self.settings
        ideal = reading * settings.counts_per_electron
        counts = ideal * self.sensitivity + self.dark
        if settings.read_noise_counts:
            counts = counts + settings.read_noise_counts * rng.standard_normal(counts.shape)
        if settings.hot_share:
            counts = counts + self.hot * ideal.mean()
        if settings.bit_depth is not None:
            counts = np.clip(np.rint(counts), 0.0, 2.0**settings.bit_depth - 1.0)
        return np.asarray(counts)

    @property
    def references(self) -> Camera:
        """What frames have to be corrected for, as ``camera`` of series.yaml takes it."""
        images = {}
        if self.dark.any():
            images["dark"] = self.dark
        if np.ptp(self.sensitivity):
            is_alive = self.sensitivity > 0.0
            factor = np.zeros_like(self.sensitivity)
            np.divide(1.0, self.sensitivity, out=factor, where=is_alive)
            images["gain"] = factor
        if not images:
            return NO_CAMERA
        files = {key: f"{key}.tif" for key in images}
        return Camera(CameraSettings.model_validate(files), **images)


def make_flaws(
    settings: CameraScenario, shape: tuple[int, int], rng: np.random.Generator
) -> Flaws:
    """Return a camera; the same generator gives the same pixels."""
    sensitivity = 1.0 + settings.gain_spread * rng.standard_normal(shape)
    dark = settings.dark_counts + settings.dark_spread_counts * rng.standard_normal(shape)
    fate, heat = rng.random(shape), rng.uniform(*HOT_TIMES, shape)
    is_dead = fate < settings.dead_share
    is_hot = fate > 1.0 - settings.hot_share
    return Flaws(
        settings,
        np.where(is_dead, 0.0, np.maximum(sensitivity, LEAST_SENSITIVE)).astype(np.float32),
        np.maximum(dark, 0.0).astype(np.float32),
        np.where(is_hot, heat, 0.0).astype(np.float32),
    )
