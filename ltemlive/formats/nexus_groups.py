"""What every NeXus file of ours is made of: classed groups, and axes in nm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py


def nexus_group(
    parent: h5py.Group, name: str, nexus_class: str, **attributes: Any
) -> h5py.Group:
    """Return a new group of a NeXus class, for example ``NXdata``."""
    group = parent.create_group(name)
    group.attrs.update({"NX_class": nexus_class, **attributes})
    return group


def write_pixel_axes(group: h5py.Group, shape: tuple[int, ...], *, pixel_nm: float) -> None:
    """Write the axes ``y`` and ``x`` [nm] of maps of shape (ny, nx)."""
    for axis, size in zip("yx", shape, strict=True):
        group[axis] = np.arange(size) * pixel_nm
        group[axis].attrs["units"] = "nm"
