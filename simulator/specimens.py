"""What stands in the beam: the exit wave's phase and amplitude, known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from simulator.magnetism import electrostatic_phase, magnetic_phase
from simulator.pattern import draw
from simulator.resolution_target import resolution_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.scenario import SpecimenScenario

STRIPE_PERIOD_NM = 240.0
"""Two neighbouring domains of the striped film."""


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """An exit wave amplitude exp(i phase) on a field larger than the frame."""

    phase_rad: NDArray[np.float64]
    """Shape (ny + 2 margin, nx + 2 margin)."""
    amplitude: NDArray[np.float64]
    """Of the transmitted wave, 1 where nothing is in the way; same shape."""
    pixel_nm: float
    margin_px: int
    """How far the field goes on beyond each side of the frame."""

    def frame_of(self, field: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the part of a map of this field that a frame shows."""
        ny, nx = field.shape
        margin = self.margin_px
        return field[margin : ny - margin, margin : nx - margin]


def make_specimen(
    scenario: SpecimenScenario,
    *,
    pixel_nm: float,
    voltage_kv: float,
    margin_px: int,
    rng: np.random.Generator,
    workers: int = 1,
) -> Specimen:
    """Return the specimen that a scenario describes.

    Parameters
    ----------
    scenario
        Pattern and material.
    pixel_nm, voltage_kv
        Sampling and beam of the microscope it is put into.
    margin_px
        How far the field goes on beyond each side of the frame.
    rng
        Draws the senses of the magnetisation, or the pattern of domains.
    workers
        Threads of the Fourier transforms.
    """
    coverage, direction = _film(scenario, pixel_nm, margin_px, rng)
    phase_rad = electrostatic_phase(
        coverage * scenario.thickness_nm,
        inner_potential_v=scenario.inner_potential_v,
        voltage_kv=voltage_kv,
    )
    phase_rad += magnetic_phase(
        direction * scenario.saturation_t * scenario.thickness_nm,
        pixel_nm=pixel_nm,
        workers=workers,
    )
    step = scenario.film_amplitude - scenario.membrane_amplitude
    amplitude = scenario.membrane_amplitude + step * coverage
    return Specimen(phase_rad, amplitude, pixel_nm, margin_px)


def _film(
    scenario: SpecimenScenario, pixel_nm: float, margin_px: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage, shape (ny, nx), and in-plane magnetisation, (2, ny, nx)."""
    side_px = scenario.size_px + 2 * margin_px
    if scenario.kind == "stripe_domains":
        return np.ones((side_px, side_px)), stripe_domains(side_px, pixel_nm, rng)
    half_nm = (side_px - 1) / 2.0 * pixel_nm
    position_nm = np.linspace(-half_nm, half_nm, side_px)
    elements = resolution_target(scenario.size_px * pixel_nm, rng)
    return draw(elements, position_nm, position_nm)


def stripe_domains(
    side_px: int, pixel_nm: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the in-plane (m_y, m_x) of meandering stripes, shape (2, side, side).

    The domains point up or down the beam and give no phase; what shows are the Bloch walls
    between them, in which the magnetisation turns through the direction of the wall.
    """
    q_y = np.fft.fftfreq(side_px, pixel_nm)[:, np.newaxis]
    q_x = np.fft.rfftfreq(side_px, pixel_nm)[np.newaxis, :]
    detune = (np.hypot(q_y, q_x) * STRIPE_PERIOD_NM - 1.0) / 0.15
    waves = fft.rfft2(rng.standard_normal((side_px, side_px))) * np.exp(-0.5 * detune**2)
    height = fft.irfft2(waves, s=(side_px, side_px))
    height /= height.std()
    slope_y, slope_x = np.gradient(height)
    steepness = np.maximum(np.hypot(slope_y, slope_x), 1e-9)
    in_plane = 1.0 / np.cosh(3.0 * height)
    return np.asarray(np.stack([slope_x, -slope_y]) * (in_plane / steepness))
