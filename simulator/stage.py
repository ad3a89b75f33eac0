"""What moves between exposures: the stage, the image with the lens, and the specimen.

Each frame has its own random numbers, so that longer series keep the frames they had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from ltemlive.refusals import rounded_down
from simulator.section import Section
from simulator.session import JUMPING, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulator.specimen_scenario import SpecimenScenario

Pixels = Annotated[float, Field(ge=-1000.0, le=1000.0)]
NM_PER_MM = 1e6
LEAST_MAGNIFICATION = 0.1
"""What the line through the magnifications may come down to."""
_SIGMAS = 4.0
"""How far random numbers are reckoned with."""


class StageScenario(Section):
    """The section ``stage`` of a scenario; by default nothing moves."""

    jump_px: tuple[Pixels, Pixels] = (0.0, 0.0)
    """(dy, dx) of one jump."""
    jump_at: int = Field(1, ge=1)
    """The first frame after it, counted from 0."""
    walk_px: float = Field(0.0, ge=0.0, le=100.0)
    """Random walk: standard deviation of each step along each axis."""
    rotation_deg_per_mm: float = Field(0.0, ge=-90.0, le=90.0)
    """Of true defocus, from x towards y."""
    rotation_scatter_deg: float = Field(0.0, ge=0.0, le=90.0)
    magnification_per_mm: float = Field(0.0, ge=-0.1, le=0.1)
    """0.01: by one per cent for each mm of true defocus."""
    magnification_scatter: float = Field(0.0, ge=0.0, le=0.1)
    defocus_scale: float = Field(1.0, gt=0.0, le=10.0)
    """True defocus = stated * scale * (1 + scatter) + offset."""
    defocus_scatter: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation from frame to frame."""
    defocus_offset_nm: float = Field(0.0, ge=-1e9, le=1e9)
    contamination_per_s: float = Field(0.0, ge=0.0, le=10.0)
    """Amplitude lost in the middle of the frame, where dirt grows under the beam."""
    domains_jump_at: int | None = Field(None, ge=1)
    """The first frame after one domain has reversed (Barkhausen jump); null: none."""

    @field_validator("jump_at")
    @classmethod
    def _jumps(cls, jump_at: int, info: ValidationInfo) -> int:
        jumps = info.data.get("jump_px") != (0.0, 0.0)
        if cls.is_wanted("jump_at", jump_at) and not jumps:
            raise ValueError("it left out, for jump_px says that nothing jumps")
        return jump_at

    def without_effect(self, specimen: SpecimenScenario, n_frames: int) -> list[str]:
        """Return which keys would do nothing to a series of a specimen, and why."""
        reasons, last = [], n_frames - 1
        if self.domains_jump_at is not None:
            reasons += unchanged(specimen, "domains_jump_at", JUMPING)
        jumps = {
            "jump_px": ("jump_at", self.jump_at if any(self.jump_px) else None),
            "domains_jump_at": ("domains_jump_at", self.domains_jump_at),
        }
        for key, (when, seq) in jumps.items():
            if seq is not None and not last:
                reasons.append(f"a series of several frames beside {key}")
            elif seq is not None and seq > last:
                reasons.append(f"{when} of at most {last}, the last frame")
        return reasons

    def reckoned_nm(self, plan_nm: Sequence[float]) -> list[float]:
        """Return how far to either side scatter may bring the true defoci of a plan."""
        return [
            stated * self.defocus_scale * (1.0 + off * self.defocus_scatter)
            + self.defocus_offset_nm
            for stated in plan_nm
            for off in (-_SIGMAS, _SIGMAS)
        ]

    def shrinks(self, plan_nm: Sequence[float]) -> list[str]:
        """Return which key would make an image of a plan all but vanish, and the remedy."""
        shrunk = max(
            -self.magnification_per_mm * defocus_nm / NM_PER_MM
            for defocus_nm in self.reckoned_nm(plan_nm)
        )
        most = 1.0 - LEAST_MAGNIFICATION - _SIGMAS * self.magnification_scatter
        if shrunk <= most:
            return []
        limit = rounded_down(abs(self.magnification_per_mm) * most / shrunk)
        return [
            f"magnification_per_mm within {limit} of 0, so that the strongest defocus "
            "leaves a tenth of the image's size"
        ]


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """How one frame was really taken."""

    seq: int
    stated_defocus_nm: float
    defocus_nm: float
    shift_px: tuple[float, float]
    """(dy, dx): what stands at r in the specimen stands at r + shift."""
    rotation_deg: float
    magnification: float
    contamination: float
    """-ln of the amplitude that is left in the middle of the frame."""
    state: int
    """0, or 1 after a domain has jumped."""


def frame_truths(
    stage: StageScenario,
    stated_nm: Sequence[float],
    *,
    drift_px: tuple[float, float],
    seconds_per_frame: float,
    random: Callable[[int], np.random.Generator],
) -> Iterator[FrameTruth]:
    """Yield how each frame of a series is taken.

    Parameters
    ----------
    stage
        What moves.
    stated_nm
        Defocus of each frame, as it is told to the daemon.
    drift_px
        (dy, dx) from one frame to the next.
    seconds_per_frame
        From one exposure to the next.
    random
        Returns the random numbers of a frame.
    """
    walked = np.zeros(2)
    for seq, stated in enumerate(stated_nm):
        step_y, step_x, turned, grown, off = random(seq).standard_normal(5)
        if seq:
            walked += stage.walk_px * np.array([step_y, step_x])
        jumped = stage.jump_px if seq >= stage.jump_at else (0.0, 0.0)
        scale = stage.defocus_scale * (1.0 + stage.defocus_scatter * float(off))
        defocus_nm = stated * scale + stage.defocus_offset_nm
        turn_deg = stage.rotation_deg_per_mm * defocus_nm / NM_PER_MM
        growth = stage.magnification_per_mm * defocus_nm / NM_PER_MM
        has_jumped = stage.domains_jump_at is not None and seq >= stage.domains_jump_at
        yield FrameTruth(
            seq=seq,
            stated_defocus_nm=stated,
            defocus_nm=defocus_nm,
            shift_px=(
                seq * drift_px[0] + jumped[0] + float(walked[0]),
                seq * drift_px[1] + jumped[1] + float(walked[1]),
            ),
            rotation_deg=turn_deg + stage.rotation_scatter_deg * float(turned),
            magnification=1.0 + growth + stage.magnification_scatter * float(grown),
            contamination=stage.contamination_per_s * seq * seconds_per_frame,
            state=int(has_jumped),
        )
