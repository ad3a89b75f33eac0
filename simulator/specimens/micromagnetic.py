"""A state that a micromagnetic code has computed, put into the beam.

It is seen as such codes draw it, x to the right, y up, z towards the eye, or from the side
that ``seen_from`` names (``orientation``); then it is tilted. Its middle stands in the
middle of the frame. A state larger than the field is not cut: what lies beyond is summed
as well, for its stray field, and the microscope shows the middle.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import ConfigError
from simulator.orientation import turned
from simulator.ovf import read_ovf
from simulator.specimens.matter import Matter
from simulator.tilt import through_thickness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from simulator.ovf import VectorField
    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.matter import Field
    from simulator.tilt import Tilt

MU_0_T_M_PER_A = 1.25663706127e-6

_T_PER_UNIT = {
    "a/m": MU_0_T_M_PER_A,
    "ka/m": 1e3 * MU_0_T_M_PER_A,
    "t": 1.0,
    "mt": 1e-3,
}
_NO_UNIT = ("", "1", "none")
"""Of directions; ubermag writes None."""
_LEAST_A_PER_M = 10.0
"""No magnet has less; codes write A/m above directions whose length is 1."""
_LONGEST_DIRECTION = 1.01
MOST_PX = 4096
"""Sides of a state that is larger than the field: its phase takes 4 GB of memory."""
_LEAST_FILLED = 1e-6
"""Of the longest vector: a cell with less is empty."""


def micromagnetic_matter(scenario: SpecimenScenario, field: Field, tilt: Tilt) -> Matter:
    """Return what the beam meets in the state of ``scenario.file``.

    Each layer of cells is projected to where its depth puts it, then all are added up.
    Between the middles of cells the magnetisation changes evenly, and the outermost
    fade over one cell: in all there is as much as the file has.

    Raises
    ------
    ConfigError
        If the file cannot be used, or does not say how strong the magnetisation is.
    """
    path = Path(str(scenario.file))
    state = read_ovf(path)
    t_per_unit = _t_per_unit(path, state, scenario)
    vectors, cell_nm = turned(state.vectors, state.cell_nm, scenario.seen_from)
    field = _field_of(path, vectors.shape[:3], cell_nm, field, tilt)
    n_at_once = _layers_at_once(len(vectors), cell_nm[0], tilt, field.pixel_nm)
    summed = np.zeros((3, field.side_px, field.side_px))
    for layer, depth_nm in _layers(vectors, cell_nm[0], n_at_once):
        summed += _projected(layer, depth_nm, cell_nm, field, tilt)
    if not tilt.is_flat:
        step_nm = n_at_once * cell_nm[0]
        summed = through_thickness(summed, tilt, step_nm, field.pixel_nm)
    summed *= cell_nm[0] / tilt.cosine
    thickness_nm = np.maximum(summed[0], 0.0)
    thickest_nm = max(float(thickness_nm.max()), 1e-9)
    return Matter(thickness_nm, t_per_unit * summed[1:], thickness_nm / thickest_nm)


def _t_per_unit(path: Path, state: VectorField, scenario: SpecimenScenario) -> float:
    """Return mu0 M [T] of a vector of length 1 in the file."""
    longest = float(np.sqrt((state.vectors**2).sum(axis=-1).max()))
    unit = state.unit.lower()
    is_direction = unit in _NO_UNIT or (unit == "a/m" and longest < _LEAST_A_PER_M)
    where = f"{path}: valueunits {state.unit or 'not stated'}, longest vector {longest:.3g}"
    is_stated = "saturation_t" in scenario.model_fields_set
    is_usual = scenario.saturation_t == type(scenario).model_fields["saturation_t"].default
    if not longest:
        raise ConfigError(f"{where}: expected a magnetisation in the data, got only zeros")
    if is_direction and longest > _LONGEST_DIRECTION:
        raise ConfigError(f"{where}: expected a unit in the header, or vectors of length 1")
    if is_direction and not is_stated:
        raise ConfigError(
            f"{where}: expected specimen.saturation_t beside directions, got none; add it"
        )
    if is_direction:
        return scenario.saturation_t
    if unit not in _T_PER_UNIT:
        raise ConfigError(f"{where}: expected A/m, kA/m, T, mT or 1")
    if is_stated and not is_usual:
        raise ConfigError(
            f"{where}: expected no specimen.saturation_t, for the file says how strong the "
            f"magnetisation is, got {scenario.saturation_t:g}; remove it"
        )
    return _T_PER_UNIT[unit]


def _field_of(
    path: Path,
    shape: tuple[int, ...],
    cell_nm: tuple[float, float, float],
    field: Field,
    tilt: Tilt,
) -> Field:
    """Return a field as wide as the state, and not less than ``field``."""
    depth_nm = shape[0] * cell_nm[0]
    sides_nm = [
        count * edge_nm * shortening + depth_nm * abs(parallax)
        for count, edge_nm, shortening, parallax in zip(
            shape[1:], cell_nm[1:], tilt.foreshortening, tilt.parallax, strict=True
        )
    ]
    largest_nm, seen = max(sides_nm), f"{sides_nm[1]:.4g} x {sides_nm[0]:.4g} nm"
    pixel_nm = field.pixel_nm
    needed_px = math.ceil(largest_nm / pixel_nm - 1e-6)
    if field.side_px == field.frame_px < needed_px:
        raise ConfigError(
            f"{path}: expected a state within the frame ({field.frame_nm:.4g} nm), whose "
            f"sides join without a margin, got {seen}; specimen.size_px of {needed_px} "
            "would do, or border: free and a margin_px"
        )
    # The outermost cells fade over half a cell beyond their edges.
    extent_nm = largest_nm + max(cell_nm[1:])
    wide = field.holding(extent_nm)
    if wide.side_px > max(MOST_PX, field.side_px):
        raise ConfigError(
            f"{path}: expected a state of at most {MOST_PX} pixels of {pixel_nm:g} nm, got "
            f"{seen}; microscope.pixel_nm of {1.01 * extent_nm / MOST_PX:.3g} would do"
        )
    return wide


def _layers_at_once(n_layers: int, cell_z_nm: float, tilt: Tilt, pixel_nm: float) -> int:
    """Return how many layers are seen within half a pixel of each other."""
    parallax_nm = cell_z_nm * math.hypot(*tilt.parallax)
    if n_layers * parallax_nm <= 0.5 * pixel_nm:
        return n_layers
    return max(1, math.floor(0.5 * pixel_nm / parallax_nm))


def _layers(
    vectors: NDArray[np.float64], cell_z_nm: float, n_at_once: int
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield sums of layers (4, ny, nx), of filled cells and vectors, with their depth."""
    nz = vectors.shape[0]
    strength = np.sqrt((vectors**2).sum(axis=-1))
    is_filled = strength > _LEAST_FILLED * strength.max()
    for first in range(0, nz, n_at_once):
        last = min(first + n_at_once, nz)
        moment = np.moveaxis(vectors[first:last].sum(axis=0), -1, 0)
        filled = is_filled[first:last].sum(axis=0)
        yield (
            np.concatenate([filled[np.newaxis], moment]),
            0.5 * (first + last - nz) * cell_z_nm,
        )


def _projected(
    layer: NDArray[np.float64],
    depth_nm: float,
    cell_nm: tuple[float, float, float],
    field: Field,
    tilt: Tilt,
) -> NDArray[np.float64]:
    """Return a layer as (filled, across y, across x) on the microscope's pixels."""
    seen = np.stack([layer[0], *tilt.across(layer[1:])])
    onto_y, onto_x = (
        _resampling(cells, edge_nm * shortening, depth_nm * parallax, field)
        for cells, edge_nm, shortening, parallax in zip(
            seen.shape[1:], cell_nm[1:], tilt.foreshortening, tilt.parallax, strict=True
        )
    )
    return np.asarray(onto_y @ seen @ onto_x.T)


def _resampling(
    n_cells: int, cell_nm: float, shift_nm: float, field: Field
) -> NDArray[np.float64]:
    """Return the mean over each pixel of straight lines between cells, (pixels, cells)."""
    middle_nm = (np.arange(n_cells) - (n_cells - 1) / 2.0) * cell_nm + shift_nm
    edge_nm = np.arange(field.side_px + 1) * field.pixel_nm
    edge_nm -= 0.5 * field.side_px * field.pixel_nm
    passed = _below_hat((edge_nm[:, np.newaxis] - middle_nm) / cell_nm)
    return np.diff(passed, axis=0) * (cell_nm / field.pixel_nm)


def _below_hat(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of a triangle of half width 1 and area 1 that lies below ``u``."""
    u = np.clip(u, -1.0, 1.0)
    return np.where(u < 0.0, 0.5 * (1.0 + u) ** 2, 1.0 - 0.5 * (1.0 - u) ** 2)
