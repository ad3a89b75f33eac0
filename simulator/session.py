"""Several series in a row, and which specimens have something to change between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationInfo, field_validator

from simulator.section import Section
from simulator.specimen_keys import MOMENT, USED_BY, Kind

if TYPE_CHECKING:
    from simulator.specimen_scenario import SpecimenScenario

DRAWN: frozenset[Kind] = frozenset(
    {
        "resolution_target",
        "vortex_discs",
        "stripe_domains",
        "labyrinth",
        "nanowire",
        "random_field",
    }
)
"""Kinds of which another seed makes another specimen."""
JUMPING = DRAWN - {"random_field"}
"""Kinds with domains of which one can reverse."""
TURNED = USED_BY["saturation_t"] - {"micromagnetic"}
"""Kinds whose magnetisation turns round with its sign; a file has the one it has."""


class SessionScenario(Section):
    """The section ``session``: series of one specimen, one after the other."""

    series_count: int = Field(1, ge=1, le=1000)
    """The second one is called ``<series>-2``, and so on."""
    changes: Literal["nothing", "senses", "reversal"] = "nothing"
    """From one series to the next, beside noise and stage: the senses of the magnetisation
    are drawn anew, or all of them turn round."""

    @field_validator("changes")
    @classmethod
    def _has_another_series(cls, changes: str, info: ValidationInfo) -> str:
        if info.data.get("series_count") == 1 and cls.is_wanted("changes", changes):
            raise ValueError("nothing, for a series_count of 1 has nothing to change after")
        return changes

    def without_effect(self, specimen: SpecimenScenario) -> list[str]:
        """Return why nothing of a specimen would change, if so."""
        if self.changes == "nothing":
            return []
        kinds = DRAWN if self.changes == "senses" else TURNED
        return unchanged(specimen, f"changes: {self.changes}", kinds)


def unchanged(specimen: SpecimenScenario, key: str, kinds: frozenset[Kind]) -> list[str]:
    """Return why ``key``, which is for some kinds, changes nothing of a specimen, if so."""
    if specimen.kind not in kinds:
        return [f"{key} only with specimen.kind {', '.join(sorted(kinds))}"]
    missing = [name for name in MOMENT if not getattr(specimen, name)]
    return [f"{key} only with specimen.{name} above 0" for name in missing]
