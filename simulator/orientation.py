"""A state turned so that the beam looks at it from the side asked for.

The axes of a file, x, y and z, are right-handed. The one asked for points towards the eye.
Up is z where the state is seen from a side, and y where it is seen from z or -z; right
is what then makes the three right-handed, up x towards the eye. The beam goes on from
the eye, so (z, y, x) here, right-handed as well, are (away, down, right).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.specimen_keys import Side

_AXES = "xyz"
_UP = {"x": "z", "y": "z", "z": "y"}
"""In the picture, by the axis that points to or from the eye."""


def turned(
    vectors: NDArray[np.float64], cell_nm: tuple[float, float, float], seen_from: Side
) -> tuple[NDArray[np.float64], tuple[float, float, float]]:
    """Return a state and its cells in the axes of the microscope.

    Parameters
    ----------
    vectors
        Components (x, y, z) of each cell, shape (nz, ny, nx, 3).
    cell_nm
        Edges of a cell along (z, y, x).
    seen_from
        The axis of the file that points towards the eye.

    Returns
    -------
    vectors
        Components (z, y, x) of each cell, shape (nz, ny, nx, 3), all of the microscope.
    cell_nm
        Edges along its (z, y, x).
    """
    towards, up = _unit(seen_from), _unit(_UP[seen_from[-1]])
    onto = np.stack([-towards, -up, np.cross(up, towards)])
    component, sign = np.abs(onto).argmax(axis=1), onto.sum(axis=1)
    axes = [2 - int(each) for each in component]  # z runs first in memory, x last
    against = tuple(axis for axis in range(3) if sign[axis] < 0)
    moved = np.flip(vectors.transpose(*axes, 3), against)
    along_z, along_y, along_x = (cell_nm[axis] for axis in axes)
    return moved[..., component] * sign, (along_z, along_y, along_x)


def _unit(side: str) -> NDArray[np.int_]:
    """Return the unit vector (x, y, z) along an axis of a file, such as -x."""
    sign = -1 if side.startswith("-") else 1
    return sign * np.asarray([int(axis == side[-1]) for axis in _AXES])
