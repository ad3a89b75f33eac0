"""What a camera makes of an intensity: its noise, its flaws, and a pixel type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.flaws import Flaws

NoiseKind: TypeAlias = Literal["gaussian", "poisson", "none"]
PixelType: TypeAlias = Literal["<f4", "<u2", "|u1"]


@dataclass(frozen=True, slots=True)
class Detector:
    """A camera without memory; only ``flaws`` can make a pixel know its neighbours."""

    noise: NoiseKind = "none"
    level: float = 0.0
    """Gaussian: standard deviation in units of the mean intensity."""
    dose_e_per_px: float = 0.0
    """Poisson: electrons per pixel on average, which are also the counts."""
    pixel_type: PixelType = "<f4"
    flaws: Flaws | None = None
    """None: a camera without any, whose counts are electrons."""

    def read_out(
        self, intensity: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.generic]:
        """Return one frame of an ``intensity`` whose mean is about 1.

        Gaussian noise is added, so that dark pixels may turn negative, as after a
        subtracted background. Integer pixels saturate.
        """
        if self.flaws is not None:
            intensity = self.flaws.blurred(intensity)
        reading = intensity
        if self.noise == "gaussian":
            reading = intensity + self.level * rng.standard_normal(intensity.shape)
        elif self.noise == "poisson":
            electrons = np.maximum(intensity, 0.0) * self.dose_e_per_px
            reading = rng.poisson(electrons).astype(np.float64)
        if self.flaws is not None:
            reading = self.flaws.counts(reading, rng)
        if self.pixel_type != "<f4":
            reading = np.clip(np.rint(reading), 0.0, np.iinfo(self.pixel_type).max)
        return np.ascontiguousarray(reading, dtype=self.pixel_type)
