"""Several series in a row, and which specimens have something to change between them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.section import Section
from simulator.specimen_keys import USED_BY, Kind

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


def kinds_that_change(changes: str) -> frozenset[Kind] | None:
    """Return which kinds of specimens have what ``changes``; None: all of them."""
    return {"senses": DRAWN, "reversal": TURNED}.get(changes)
