"""A phase that is nothing but random, with a spectrum that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.matter import Field


def random_phase(
    scenario: SpecimenScenario, field: Field, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a Gaussian random phase [rad] whose power falls as q to the power -p.

    It is repeated beyond the field, has no mean, and the stated root mean square.
    """
    side = field.side_px
    q = np.hypot(np.fft.fftfreq(side)[:, np.newaxis], np.fft.rfftfreq(side)[np.newaxis, :])
    q[0, 0] = 1.0
    waves = fft.rfft2(rng.standard_normal((side, side)))
    waves *= q ** (-0.5 * scenario.spectrum_exponent)
    waves[0, 0] = 0.0
    phase = np.asarray(fft.irfft2(waves, s=(side, side)))
    rms_rad = np.sqrt((phase**2).mean())
    return np.asarray(phase * (scenario.phase_rms_rad / rms_rad))
