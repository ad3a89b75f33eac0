"""Specimens whose thickness is the point: a wire, a wedge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from simulator.pattern import EDGE_NM
from simulator.specimens.matter import Matter

if TYPE_CHECKING:
    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.jumps import Chance
    from simulator.specimens.matter import Field

_WIRE_OF_FRAME = 0.8
"""Length of the wire over the side of the frame: both ends are seen."""
_EDGE_OF_FRAME = 0.25
"""Where the wedge begins, from the left side of the frame."""


def nanowire(scenario: SpecimenScenario, field: Field, chance: Chance) -> Matter:
    """Return a round wire with round ends, magnetised along itself, in a random direction.

    Its rim is rounded as if by contamination, since its thickness would rise with an
    infinite slope; what is there in all stays the same.
    """
    angle_rad = chance.pattern.uniform(0.0, 2.0 * math.pi)
    along = (math.sin(angle_rad), math.cos(angle_rad))
    position = field.position_nm()
    y, x = position[:, np.newaxis], position[np.newaxis, :]
    radius_nm = 0.5 * scenario.diameter_nm
    half_nm = max(0.5 * _WIRE_OF_FRAME * field.frame_nm - radius_nm, 0.0)
    from_middle = y * along[0] + x * along[1]
    beyond_end = np.maximum(np.abs(from_middle) - half_nm, 0.0)
    from_axis = np.hypot(y * along[1] - x * along[0], beyond_end)
    thickness = 2.0 * np.sqrt(np.maximum(radius_nm**2 - from_axis**2, 0.0))
    rim_px = max(EDGE_NM / field.pixel_nm, 1.0)
    thickness = ndimage.gaussian_filter(thickness, rim_px, mode="constant")
    sense = 1.0 if chance.jump is None else -1.0  # it is all of one domain
    moment = sense * scenario.saturation_t * thickness * np.reshape(along, (2, 1, 1))
    return Matter(thickness, moment)


def wedge(scenario: SpecimenScenario, field: Field) -> Matter:
    """Return a wedge that begins in the frame and has its full thickness at the right."""
    edge_nm = (_EDGE_OF_FRAME - 0.5) * field.frame_nm
    slope = scenario.thickness_nm / (0.5 * field.frame_nm - edge_nm)
    rise = np.maximum(field.position_nm() - edge_nm, 0.0) * slope
    return Matter(np.tile(rise, (field.side_px, 1)))
