from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.orientation import turned

# Which axes of the file the table of docs/simulator.md has to the right, up, and towards
# the eye.
SEEN = {
    "z": ("x", "y", "z"),
    "-z": ("-x", "y", "-z"),
    "x": ("y", "z", "x"),
    "-x": ("-y", "z", "-x"),
    "y": ("-x", "z", "y"),
    "-y": ("x", "z", "-y"),
}


def unit(axis):
    return (-1.0 if axis[0] == "-" else 1.0) * np.eye(3)["xyz".index(axis[-1])]


@pytest.mark.parametrize("side", SEEN)
def test_a_picture_is_right_handed(side):
    right, up, towards = (unit(axis) for axis in SEEN[side])
    np.testing.assert_array_equal(np.cross(right, up), towards)


@given(side=st.sampled_from(sorted(SEEN)), seed=st.integers(0, 99), data=st.data())
def test_a_vector_stays_with_its_place_from_every_side(side, seed, data):
    # One cell of a box of other sides is magnetised; where is it, and which way?
    nz, ny, nx = shape = (2, 3, 5)
    at_x, at_y, at_z = (data.draw(st.integers(0, count - 1)) for count in (nx, ny, nz))
    vector = np.random.default_rng(seed).standard_normal(3)
    vectors = np.zeros((*shape, 3))
    vectors[at_z, at_y, at_x] = vector
    seen, cell_nm = turned(vectors, (7.0, 11.0, 13.0), side)
    cell = np.asarray([13.0, 11.0, 7.0])
    from_middle = (np.array([at_x, at_y, at_z]) - (np.array([nx, ny, nz]) - 1) / 2.0) * cell
    right, up, towards = (unit(axis) for axis in SEEN[side])
    place = np.argwhere(seen.any(axis=-1))[0]
    found = (place - (np.array(seen.shape[:3]) - 1) / 2.0) * cell_nm
    expected = [-from_middle @ towards, -from_middle @ up, from_middle @ right]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(
        seen[tuple(place)], [-vector @ towards, -vector @ up, vector @ right]
    )
