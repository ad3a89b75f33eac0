"""The field that is solved for, and where frames lie on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from scipy.fft import next_fast_len

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.series import Microscope

ROW_STEP_PX = 8
"""The side of a field with a free border is a multiple of this."""

Shift: TypeAlias = tuple[float, float]
"""(dy, dx) [pixel]: what stands at r in the reference frame stands at r + shift."""
ALIGNED: Shift = (0.0, 0.0)


class Turn(NamedTuple):
    """How a frame is turned and magnified about its middle, against the reference frame.

    What stands at r from the middle of the reference frame stands at m R r + shift from
    that of the other. Turns add up, in any order.
    """

    rotation_rad: float = 0.0
    """From x (right) towards y (down)."""
    log_magnification: float = 0.0

    @property
    def rotation_deg(self) -> float:
        """Return the rotation in degrees."""
        return math.degrees(self.rotation_rad)

    @property
    def magnification(self) -> float:
        """Return m."""
        return math.exp(self.log_magnification)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Return m R for (y, x), (2, 2)."""
        cosine, sine = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return self.magnification * np.array([[cosine, sine], [-sine, cosine]])

    def reach_px(self, frame_shape: tuple[int, int]) -> float:
        """Return how far it moves the middle of the frame's longer edge."""
        lever_px = 0.5 * max(frame_shape)
        return lever_px * math.hypot(self.rotation_rad, self.log_magnification)

    def less(self, other: Turn) -> Turn:
        """Return the turn against a frame that is turned itself."""
        return Turn(
            self.rotation_rad - other.rotation_rad,
            self.log_magnification - other.log_magnification,
        )


UPRIGHT = Turn()


@dataclass(frozen=True, slots=True)
class Field:
    """The frame within the field that is solved for; pixels and (y, x) order."""

    frame_shape: tuple[int, int]
    shape: tuple[int, int]
    """Of the solved field, the border included."""
    corner: tuple[int, int]
    """Where the frame's first pixel lies."""
    wraps: bool = False
    """Whether the field goes on at its other side."""

    @property
    def middle_px(self) -> tuple[float, float]:
        """Return where the middle of the frame lies."""
        (top, left), (ny, nx) = self.corner, self.frame_shape
        return top + (ny - 1) / 2, left + (nx - 1) / 2

    def from_middle(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return y and x [pixel] from the middle of the frame, (ny, 1) and (1, nx)."""
        y, x = (
            np.arange(side, dtype=np.float32) - np.float32(middle)
            for side, middle in zip(self.shape, self.middle_px, strict=True)
        )
        return y[:, np.newaxis], x[np.newaxis, :]

    def pad(self, image: NDArray[Any], *, mirror: bool) -> NDArray[np.float32]:
        """Return an image of the frame on the whole field; the border mirrored or zero."""
        widths = [
            (corner, whole - corner - side)
            for corner, whole, side in zip(
                self.corner, self.shape, self.frame_shape, strict=True
            )
        ]
        padded = np.pad(image, widths, mode="symmetric" if mirror else "constant")
        return np.asarray(padded, dtype=np.float32)

    def place(
        self, image: NDArray[Any], whole_px: tuple[int, int], *, unseen: float
    ) -> NDArray[np.float32]:
        """Return a frame where it lies on the field if it has moved by whole pixels.

        What lies beyond the field is cut off; ``unseen`` stands where the frame does not.
        """
        if self.wraps:
            back = (-whole_px[0], -whole_px[1])
            return np.asarray(np.roll(image, back, axis=(0, 1)), np.float32)
        placed = np.full(self.shape, unseen, np.float32)
        here, there = zip(
            *map(_overlap, self.corner, whole_px, self.frame_shape, self.shape),
            strict=True,
        )
        placed[here] = image[there]
        return placed

    def ramp(self, part_px: Shift) -> NDArray[np.complex64]:
        """Return what multiplies a DFT on the field so that its image moves by a shift."""
        along_y, along_x = (
            np.exp(-2j * np.pi * np.fft.fftfreq(side) * part)
            for side, part in zip(self.shape, part_px, strict=True)
        )
        return np.asarray(np.outer(along_y, along_x), np.complex64)

    def crop(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Return the part of the field that the frame shows."""
        (top, left), (ny, nx) = self.corner, self.frame_shape
        return np.asarray(image[top : top + ny, left : left + nx], dtype=np.float32)


def split_shift(shift_px: Shift) -> tuple[tuple[int, int], Shift]:
    """Return a shift as whole pixels and the rest, of at most half a pixel."""
    whole = round(shift_px[0]), round(shift_px[1])
    return whole, (shift_px[0] - whole[0], shift_px[1] - whole[1])


def _overlap(corner: int, moved: int, side: int, whole: int) -> tuple[slice, slice]:
    """Return where a frame's side lies on the field, and which part of it that is."""
    first = corner - moved
    begin, end = max(first, 0), max(min(first + side, whole), 0)
    end = max(end, begin)
    return slice(begin, end), slice(begin - first, end - first)


def solved_field(
    frame_shape: tuple[int, int], microscope: Microscope, border_px: int
) -> Field:
    """Return the field to solve for: with an unknown border where the field goes on."""
    if microscope.border == "periodic":
        return Field(frame_shape, frame_shape, (0, 0), wraps=True)
    ny, nx = (_quick_side(side + 2 * border_px) for side in frame_shape)
    corner = ((ny - frame_shape[0]) // 2, (nx - frame_shape[1]) // 2)
    return Field(frame_shape, (ny, nx), corner)


def _quick_side(least: int) -> int:
    """Return a side of at least so many pixels whose FFT and whose rows are quick.

    Rows that begin on a vector's boundary save time: 616 = 8 x 7 x 11 takes a fifth less
    than 625. Factors of 7 and 11 are as quick as smaller ones.
    """
    return ROW_STEP_PX * int(next_fast_len(-(-least // ROW_STEP_PX)))
