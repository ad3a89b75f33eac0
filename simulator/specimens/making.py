"""From what a scenario says of a specimen to its exit wave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.magnetism import (
    continued_magnetic_phase,
    electrostatic_phase,
    magnetic_phase,
)
from simulator.specimens.domains import labyrinth_film, stripe_film
from simulator.specimens.matter import Field, Film, Matter
from simulator.specimens.micromagnetic import micromagnetic_matter
from simulator.specimens.patterned import disc_film, target_film
from simulator.specimens.random_field import random_phase
from simulator.specimens.skyrmions import skyrmion_film
from simulator.specimens.solids import nanowire, wedge
from simulator.specimens.specimen import Specimen
from simulator.tilt import Tilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.jumps import Chance


def make_specimen(
    scenario: SpecimenScenario,
    *,
    pixel_nm: float,
    voltage_kv: float,
    margin_px: int,
    chance: Chance,
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
    chance
        Draws the senses of the magnetisation, or the pattern of domains, and which of them
        has jumped.
    workers
        Threads of the Fourier transforms.

    Raises
    ------
    ConfigError
        If a file of it is wrong.
    """
    field = Field(scenario.size_px + 2 * margin_px, scenario.size_px, pixel_nm)
    if scenario.kind == "random_field":
        phase_rad = random_phase(scenario, field, chance.pattern)
        amplitude = np.full_like(phase_rad, scenario.membrane_amplitude)
        return Specimen(phase_rad, amplitude, pixel_nm, margin_px)
    matter = _matter(scenario, field, chance)
    phase_rad = electrostatic_phase(
        matter.thickness_nm,
        inner_potential_v=scenario.inner_potential_v,
        voltage_kv=voltage_kv,
    )
    if matter.moment_t_nm is not None:
        phase_of = continued_magnetic_phase if matter.goes_on else magnetic_phase
        phase_rad += phase_of(matter.moment_t_nm, pixel_nm=pixel_nm, workers=workers)
    amplitude = _amplitude(scenario, matter)
    return Specimen(field.part_of(phase_rad), field.part_of(amplitude), pixel_nm, margin_px)


def _matter(scenario: SpecimenScenario, field: Field, chance: Chance) -> Matter:
    if scenario.kind == "nanowire":
        return nanowire(scenario, field, chance)
    if scenario.kind == "wedge":
        return wedge(scenario, field)
    tilt = Tilt(scenario.tilt_x_deg, scenario.tilt_y_deg)
    if scenario.kind == "micromagnetic":
        return micromagnetic_matter(scenario, field, tilt)
    return _film(scenario, field, tilt, chance).in_beam(
        tilt,
        thickness_nm=scenario.thickness_nm,
        saturation_t=scenario.saturation_t,
        pixel_nm=field.pixel_nm,
    )


def _film(scenario: SpecimenScenario, field: Field, tilt: Tilt, chance: Chance) -> Film:
    if scenario.kind == "stripe_domains":
        return stripe_film(scenario, field, chance)
    if scenario.kind == "labyrinth":
        return labyrinth_film(scenario, field, tilt, chance)
    if scenario.kind == "skyrmion_lattice":
        return skyrmion_film(scenario, field, tilt)
    if scenario.kind == "vortex_discs":
        return disc_film(scenario, field, tilt, chance)
    return target_film(field, tilt, chance)


def _amplitude(scenario: SpecimenScenario, matter: Matter) -> NDArray[np.float64]:
    membrane = scenario.membrane_amplitude
    if scenario.absorption_nm is not None:
        # Half in the exponent: the absorption length is that of the intensity.
        return membrane * np.exp(-0.5 * matter.thickness_nm / scenario.absorption_nm)
    if matter.coverage is None:
        return np.full_like(matter.thickness_nm, membrane)
    return membrane + (scenario.film_amplitude - membrane) * matter.coverage
