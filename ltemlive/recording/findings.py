"""What a series showed: calibrated maps, and all that is known of how they came about.

Every file that leaves the house, of a finished series or of what a window shows at the
moment, is written from one ``Findings``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import RecordingError
from ltemlive.physics.induction import phase_gradient, projected_induction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ltemlive.results import Reconstruction, Report
    from ltemlive.series import Microscope

INDUCTION_NOTE = "contains the electrostatic phase"
"""The induction comes from the whole phase as long as nothing separates the two."""

_UNITS_AND_LABELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "phase": ("rad", ("phase",)),
    "gradient": ("rad/nm", ("d/dy", "d/dx")),
    "induction": (
        "T nm",
        (f"B_y t ({INDUCTION_NOTE})", f"B_x t ({INDUCTION_NOTE})"),
    ),
    "amplitude": ("1", ("amplitude",)),
    "uncertainty": ("rad", ("standard deviation of the phase",)),
}


@dataclass(frozen=True, slots=True, eq=False)
class QuantityMap:
    """One quantity on the grid of the frames."""

    name: str
    """For example ``phase``: how files of it are called."""
    values: NDArray[np.float32]
    """Shape (ny, nx), or (2, ny, nx): along y, then along x."""
    unit: str
    labels: tuple[str, ...]
    """One for each component."""

    @property
    def components(self) -> NDArray[np.float32]:
        """Return the values as (n, ny, nx)."""
        return self.values.reshape(-1, *self.values.shape[-2:])


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The maps of one estimate, live or final, with their provenance."""

    title: str
    """How the user knows the series."""
    pixel_nm: float
    maps: tuple[QuantityMap, ...]
    """All of one shape (ny, nx), the one that matters most first."""
    report: Report
    microscope: Microscope | None = None
    """None: who asks does not know it, as a window."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where it comes from, for example ``session`` and ``estimate``."""

    @property
    def shape(self) -> tuple[int, int]:
        """Return (ny, nx) of each map."""
        ny, nx = self.maps[0].values.shape[-2:]
        return int(ny), int(nx)

    def map(self, name: str) -> QuantityMap:
        """Return the map of that name.

        Raises
        ------
        RecordingError
            If there is none.
        """
        for each in self.maps:
            if each.name == name:
                return each
        known = " ".join(each.name for each in self.maps)
        raise RecordingError(f"{self.title}: expected a map `{name}`, got: {known}")


def known_maps(arrays: Mapping[str, NDArray[np.float32]]) -> tuple[QuantityMap, ...]:
    """Return arrays named as those of an estimate with their units and labels.

    Names are ``phase``, ``gradient``, ``induction``, ``amplitude`` and ``uncertainty``;
    others are left out.
    """
    return tuple(
        QuantityMap(name, np.asarray(arrays[name], np.float32), unit, labels)
        for name, (unit, labels) in _UNITS_AND_LABELS.items()
        if name in arrays
    )


def findings_of(result: Reconstruction) -> Findings:
    """Return the findings of a whole series, gradient and induction computed from it."""
    microscope, phase = result.microscope, result.phase_rad
    pixel_nm = microscope.pixel_nm
    arrays = {
        "phase": phase,
        "gradient": phase_gradient(phase, pixel_nm=pixel_nm),
        "induction": projected_induction(phase, pixel_nm=pixel_nm, beam=microscope.beam),
        "amplitude": result.amplitude,
    }
    if result.phase_sigma_rad is not None:
        arrays["uncertainty"] = result.phase_sigma_rad
    return Findings(
        title=result.title,
        pixel_nm=pixel_nm,
        maps=known_maps(arrays),
        report=result.report,
        microscope=microscope,
        origin=result.origin,
    )
