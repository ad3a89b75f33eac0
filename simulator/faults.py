"""What goes wrong on purpose between the microscope and the daemon, and with which frame.

Pure: the same seed spoils the same frames in the same way, whatever the others suffer.

| fault | over a socket | in a folder |
|---|---|---|
| ``drop`` | never sent, and counted as sent at the end | listed, and never written |
| ``dup`` | sent again after the next frame | written again after the next frame |
| ``reorder`` | sent after the next frame | written after the next frame |
| ``truncate`` | first with half of its pixels | a file cut off for a while, then whole |
| ``garbage`` | first 1 to 8 parts of random bytes | first an image file of random bytes |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from simulator.section import Section

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

MAX_GARBAGE_PARTS = 8
MAX_GARBAGE_PART_BYTES = 4096

_FAULTS, _GARBAGE = 2, 3
"""Streams of random numbers beside those of specimen and camera."""


class Faults(Section):
    """How often each fault happens to a frame, and when the simulator dies."""

    drop: Probability = 0.0
    dup: Probability = 0.0
    reorder: Probability = 0.0
    truncate: Probability = 0.0
    garbage: Probability = 0.0
    kill_after: int | None = Field(None, ge=1)
    """Frames after which the simulator kills itself; null: never."""


class FrameFaults(NamedTuple):
    """What happens to one frame; of one that is dropped, nothing else does."""

    drop: bool
    dup: bool
    reorder: bool
    truncate: bool
    garbage: bool


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults of a whole series, settled beforehand."""

    faults: Faults
    seed: int

    def of_frame(self, seq: int) -> FrameFaults:
        """Return what happens to a frame; a probability changes its own fault alone."""
        draws = np.random.default_rng([self.seed, _FAULTS, seq]).random(5)
        faults = self.faults
        chances = (
            faults.drop,
            faults.dup,
            faults.reorder,
            faults.truncate,
            faults.garbage,
        )
        return FrameFaults(*(bool(hit) for hit in draws < chances))

    def garbage(self, seq: int) -> list[bytes]:
        """Return the parts of random bytes that come before a frame."""
        rng = np.random.default_rng([self.seed, _GARBAGE, seq])
        n_parts = rng.integers(1, MAX_GARBAGE_PARTS, endpoint=True)
        lengths = rng.integers(0, MAX_GARBAGE_PART_BYTES, n_parts, endpoint=True)
        return [rng.bytes(int(length)) for length in lengths]


NO_FAULTS = FaultPlan(Faults(), seed=0)
