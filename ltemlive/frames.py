"""One exposure: an image and what is known about it.

A ``Frame`` is checked when it is made, because that is where outside data enter; inside
the house a ``Frame`` is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PIXEL_TYPES = ("|u1", "<u2", ">u2", "<u4", "<i2", "<i4", "<f4", "<f8")
"""Pixel types of the wire format, as NumPy writes them."""

MIN_SIDE_PX = 16
MAX_SIDE_PX = 16384
MAX_SEQ = 2**53 - 1
"""The largest number that readers of JSON in every language keep exact."""
MAX_DEFOCUS_NM = 1e9


@dataclass(frozen=True, slots=True)
class FrameMeta:
    """What is known about one exposure; ``None`` means that nobody has said."""

    seq: int
    """Number of the exposure within its series, from 0."""
    defocus_nm: float | None = None
    """Positive is underfocus (see docs/conventions.md)."""
    pixel_nm: float | None = None
    """Edge of a square pixel in the specimen plane."""
    voltage_kv: float | None = None
    exposure_s: float | None = None
    t_exposure_start: float | None = None
    """Start of the exposure in seconds since 1970 (UTC)."""
    use: bool | None = None
    """Whether the user wants it used; None: as it fits the others."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Anything else the producer said; kept, never interpreted."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image, shape (ny, nx), row 0 on top, in the pixel type the camera gave.

    Raises
    ------
    FrameError
        If the image is not two-dimensional, has a side outside 16..16384, a pixel type
        that the wire format does not know, or no finite pixel.
    """

    meta: FrameMeta
    image: NDArray[Any]

    def __post_init__(self) -> None:
        shape = self.image.shape
        if self.image.ndim != 2:
            raise FrameError(
                f"frame {self.meta.seq}: expected one image (ny, nx), got shape {shape}"
            )
        if not all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in shape):
            raise FrameError(
                f"frame {self.meta.seq}: expected sides of {MIN_SIDE_PX}..{MAX_SIDE_PX} "
                f"px, got shape {shape}"
            )
        if self.image.dtype.str not in PIXEL_TYPES:
            raise FrameError(
                f"frame {self.meta.seq}: expected a pixel type of {' '.join(PIXEL_TYPES)}, "
                f"got {self.image.dtype.str}"
            )
        if self.image.dtype.kind == "f" and not np.isfinite(self.image).any():
            raise FrameError(
                f"frame {self.meta.seq}: expected an image, got no finite pixel (all NaN "
                "or infinite)"
            )


def check_usable(frame: Frame) -> None:
    """Return if the image shows something that a solver in float32 can use.

    Apart from the checks of ``Frame``: a dark or flat image is a frame, but none to solve.

    Raises
    ------
    FrameError
        If all finite pixels are equal or none is positive, or one is beyond float32.
    """
    seq, pixels = frame.meta.seq, frame.image
    if pixels.dtype.kind == "f":
        finite = pixels[np.isfinite(pixels)]
        with np.errstate(over="ignore"):
            pixels = finite.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise FrameError(
                f"frame {seq}: expected values that float32 can hold, got "
                f"{np.abs(finite).max():.3g}"
            )
    lowest, highest = pixels.min(), pixels.max()
    if lowest == highest:
        raise FrameError(
            f"frame {seq}: expected an image, got the constant value {lowest:g} (blank or "
            "saturated camera)"
        )
    if highest <= 0:
        raise FrameError(
            f"frame {seq}: expected intensities, got no value above {highest:g} (too much "
            "background subtracted?)"
        )
