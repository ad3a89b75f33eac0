"""A lattice of skyrmions in a film that points against them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulator.specimens.matter import Film

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.matter import Field
    from simulator.tilt import Tilt

_TAIL = 15.0
"""After so many wall parameters a skyrmion has ended: exp(-15) of it is left."""


def skyrmion_film(scenario: SpecimenScenario, field: Field, tilt: Tilt) -> Film:
    """Return a hexagonal lattice that fits the field, which is repeated beyond it.

    Each skyrmion is a round domain of radius R in a wall of the parameter D, in which the
    magnetisation turns by (Wang, Yuan & Wang, Commun. Phys. 1, 31 (2018))

        theta(r) = 2 atan(sinh(R / D) / sinh(r / D))

    from the beam's direction reversed, in its middle. Its component in the plane,
    sin(theta), points away from the middle (Neel) or round it (Bloch). Where tails of
    neighbours meet they add up, so that without curl each there is none between them.
    The lattice gives way by half a row at most, so that it has whole rows.
    """
    position_nm = [field.position_nm(each) for each in tilt.foreshortening]
    radius_nm = 0.5 * scenario.diameter_nm
    wall_nm = scenario.wall_width_nm / math.pi
    reach_nm = radius_nm + _TAIL * wall_nm
    direction = np.zeros((3, field.side_px, field.side_px))
    direction[0] = 1.0
    side_nm = [float(each[-1] - each[0]) + float(each[1] - each[0]) for each in position_nm]
    for middle in _sites(side_nm[0], side_nm[1], scenario.period_nm):
        pixels, distances = zip(
            *(
                _within(each, side, place, reach_nm)
                for each, side, place in zip(position_nm, side_nm, middle, strict=True)
            ),
            strict=True,
        )
        dy, dx = np.meshgrid(*distances, indexing="ij")
        window = np.ix_(*pixels)
        for component, part in zip(
            direction, _skyrmion(dy, dx, radius_nm, wall_nm, scenario.wall), strict=True
        ):
            # A field smaller than a skyrmion's tails meets each pixel more than once.
            np.add.at(component, window, part)
    return Film(np.ones(direction.shape[1:]), direction, goes_on=True)


def _skyrmion(
    dy: NDArray[np.float64],
    dx: NDArray[np.float64],
    radius_nm: float,
    wall_nm: float,
    wall: str,
) -> tuple[NDArray[np.float64], ...]:
    """Return what a skyrmion adds to (m_z, m_y, m_x) of the film around it."""
    distance = np.maximum(np.hypot(dy, dx), 1e-6 * wall_nm)
    # sinh(R/D) / sinh(r/D) without overflow
    half_turn = np.exp((radius_nm - distance) / wall_nm)
    half_turn *= -np.expm1(-2.0 * radius_nm / wall_nm) / -np.expm1(
        -2.0 * distance / wall_nm
    )
    theta = 2.0 * np.arctan(half_turn)
    out_y, out_x = (np.sin(theta) / distance * each for each in (dy, dx))
    in_plane = (out_y, out_x) if wall == "neel" else (out_x, -out_y)
    return (np.cos(theta) - 1.0, *in_plane)


def _sites(
    height_nm: float, width_nm: float, period_nm: float
) -> Iterator[tuple[float, float]]:
    """Yield the middles (y, x) of a hexagonal lattice with whole rows and columns."""
    n_columns = max(round(width_nm / period_nm), 1)
    n_rows = 2 * max(round(height_nm / (math.sqrt(3.0) * period_nm)), 1)
    for row in range(n_rows):
        for column in range(n_columns):
            yield (
                (row - n_rows / 2) * height_nm / n_rows,
                (column - n_columns / 2 + 0.5 * (row % 2)) * width_nm / n_columns,
            )


def _within(
    position_nm: NDArray[np.float64], side_nm: float, middle_nm: float, reach_nm: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the pixels near ``middle_nm`` along an axis that repeats, and how far away."""
    step_nm = side_nm / position_nm.size
    first = math.ceil((middle_nm - reach_nm - position_nm[0]) / step_nm)
    last = math.floor((middle_nm + reach_nm - position_nm[0]) / step_nm)
    index = np.arange(first, last + 1)
    return index % position_nm.size, position_nm[0] + index * step_nm - middle_nm
