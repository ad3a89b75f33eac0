"""What a camera makes of an intensity: shot noise or the paper's, and a pixel type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NoiseKind: TypeAlias = Literal["gaussian", "poisson", "none"]
PixelType: TypeAlias = Literal["<f4", "<u2"]


@dataclass(frozen=True, slots=True)
class Detector:
    """A camera without memory: every pixel is independent of every other."""

    noise: NoiseKind = "none"
    level: float = 0.0
    """Gaussian: standard deviation in units of the mean intensity."""
    dose_e_per_px: float = 0.0
    """Poisson: electrons per pixel on average, which are also the counts."""
    pixel_type: PixelType = "<f4"

    def read_out(
        self, intensity: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.generic]:
        """Return one frame of an ``intensity`` whose mean is about 1.

        Gaussian noise is added, so that dark pixels may turn negative, as after a
        subtracted background. Integer pixels saturate.
        """
        reading = intensity
        if self.noise == "gaussian":
            reading = intensity + self.level * rng.standard_normal(intensity.shape)
        elif self.noise == "poisson":
            electrons = np.maximum(intensity, 0.0) * self.dose_e_per_px
            reading = rng.poisson(electrons).astype(np.float64)
        if self.pixel_type == "<u2":
            reading = np.clip(np.rint(reading), 0.0, np.iinfo(np.uint16).max)
        return np.ascontiguousarray(reading, dtype=self.pixel_type)
