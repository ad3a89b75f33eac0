"""Provenance as formats carry it: flat pairs of a key and a text or number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Facts: TypeAlias = Mapping[str, str | int | float]


def as_lines(facts: Facts) -> str:
    """Return one line ``key: value`` for each fact."""
    return "".join(
        f"{key}: {' '.join(str(value).split())}\n" for key, value in facts.items()
    )
