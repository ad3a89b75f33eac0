"""What a session has recorded already, as far as sources ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Key: TypeAlias = tuple[str, str]
"""Producer and series."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where the daemon was started again in mid-session; empty in a new one."""

    numbers: Mapping[Key, Collection[int]] = field(default_factory=dict)
    """The seq of each frame that came, whether it was stored or refused."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """The seq of each stored image of the watched folder, by its label."""


NOTHING_RECORDED = Recorded()
