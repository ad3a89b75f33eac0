"""Arrays of result messages, checked before anything is drawn from them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import WireError
from ltemlive.wire.fields import Fields
from ltemlive.wire.limits import PIXEL_NM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.wire.results import ResultMessage


def array_of(message: ResultMessage, name: str, *, dimensions: int) -> NDArray[np.float32]:
    """Return an array of floats with so many axes, none of them empty.

    Raises
    ------
    WireError
        If there is none.
    """
    array = message.arrays.get(name)
    if (
        array is None
        or array.ndim != dimensions
        or array.dtype.kind != "f"
        or not array.size
    ):
        raise WireError(
            f"{message.topic}: expected an array {name} with {dimensions} axes of floats, "
            "got " + ("none" if array is None else f"{array.dtype} {array.shape}")
        )
    return np.asarray(array, dtype=np.float32)


def pixel_nm_of(message: ResultMessage, name: str) -> float:
    """Return the edge of a pixel of an array [nm]; WireError where it is not told."""
    entries = [
        entry for entry in message.header.get("arrays", ()) if entry.get("name") == name
    ]
    if not entries:
        raise WireError(f"{message.topic}: arrays: expected an entry for {name}, got none")
    where = f"{message.topic}: array {name}"
    return Fields(entries[0], where).number("pixel_nm", PIXEL_NM)
