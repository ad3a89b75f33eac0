"""What a source has counted since it was opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SourceCounters:
    """Counters named as areaDetector names them; frames unless it says otherwise."""

    received: int = 0
    """Came in, whatever became of them."""
    dropped: int = 0
    """Never came, as the numbers around them show."""
    disordered: int = 0
    """Came after a later one."""
    duplicate: int = 0
    """Came again."""
    rejected: int = 0
    """Came but could not be used."""
    foreign: int = 0
    """Messages that could not even be attributed to a producer."""
