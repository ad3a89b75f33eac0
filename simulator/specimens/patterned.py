"""Films cut into pieces: the resolution target, and a field of discs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulator.pattern import VortexDisc, draw
from simulator.resolution_target import resolution_target
from simulator.specimens.jumps import jumped_element
from simulator.specimens.matter import Film

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.pattern import Element
    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.jumps import Chance
    from simulator.specimens.matter import Field
    from simulator.tilt import Tilt


def target_film(field: Field, tilt: Tilt, chance: Chance) -> Film:
    """Return the resolution target, which fills the frame while it is not tilted."""
    return _drawn(resolution_target(field.frame_nm, chance.pattern), field, tilt, chance)


def disc_film(scenario: SpecimenScenario, field: Field, tilt: Tilt, chance: Chance) -> Film:
    """Return discs at the corners of squares, each with a vortex of random circulation.

    One stands in the middle of the frame, and none is cut by the border of the field.
    """
    room_nm = 0.5 * (field.side_px - 1) * field.pixel_nm - 0.6 * scenario.diameter_nm
    most = max(math.floor(room_nm / scenario.period_nm), 0)
    places_nm = [scenario.period_nm * count for count in range(-most, most + 1)]
    discs = [
        VortexDisc(y, x, scenario.diameter_nm, 1 if chance.pattern.random() < 0.5 else -1)
        for y in places_nm
        for x in places_nm
    ]
    return _drawn(discs, field, tilt, chance)


def _drawn(elements: Sequence[Element], field: Field, tilt: Tilt, chance: Chance) -> Film:
    """Return a film of ``elements``; in their cores and walls it points along the beam."""
    y_nm, x_nm = (field.position_nm(each) for each in tilt.foreshortening)
    coverage, in_plane = draw(elements, y_nm, x_nm)
    if chance.jump is not None:
        jumped = jumped_element(elements, field, tilt, chance.jump)
        in_plane -= 2.0 * draw([jumped], y_nm, x_nm)[1]
    along = np.sqrt(np.maximum(coverage**2 - (in_plane**2).sum(axis=0), 0.0))
    return Film(coverage, np.stack([along, *in_plane]))
