"""What a camera does to its images, and the two images that tell how it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box: TypeAlias = tuple[int, int, int, int]


class CameraSettings(BaseModel):
    """The keys under ``camera``: what becomes of each raw frame, in this order.

    Less ``dark``, times ``gain``, then ``crop``, ``binning``, square pixels by
    ``pixel_aspect``, ``flip`` and ``rotation_deg``. ``pixel_nm`` of the series is that of
    the raw frames.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dark: str | None = None
    """Image file of what the camera counts without beam, in the same exposure time."""
    gain: str | None = None
    """Image file of the factor by which each pixel is multiplied, as SerialEM and MotionCor
    keep it; its mean does not matter. 0 marks a pixel that is dead. Its rows are those of
    the frames: some programs write them upside down in one format and not in the other."""
    crop: Box | None = None
    """(top, left, bottom, right) in raw pixels from 0, the last two not included."""
    binning: int = Field(1, ge=1, le=64)
    """Pixels along each side that become one, their mean."""
    pixel_aspect: float = Field(1.0, ge=0.1, le=10.0)
    """Height of a pixel over its width, which is ``pixel_nm``; other than 1, frames get
    square pixels of the greater of both."""
    flip: Literal["none", "left_right", "up_down"] = "none"
    """For a camera that shows the image mirrored."""
    rotation_deg: float = Field(0.0, ge=-360.0, le=360.0)
    """By how much a frame is turned, from x (right) towards y (down), to lie along the
    holder's axes. Quarter turns are exact; of others the largest upright part is kept."""

    @field_validator("crop")
    @classmethod
    def _not_empty(cls, crop: Box | None) -> Box | None:
        if crop is not None:
            top, left, bottom, right = crop
            if not (0 <= top < bottom and 0 <= left < right):
                raise ValueError("0 <= top < bottom and 0 <= left < right")
        return crop

    @property
    def references(self) -> dict[str, str]:
        """Return the file of each reference image by its key."""
        named = {"dark": self.dark, "gain": self.gain}
        return {key: file for key, file in named.items() if file is not None}


TAKEN_AS_THEY_COME = CameraSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Settings, and the reference images they name, of the raw frames' shape."""

    settings: CameraSettings = TAKEN_AS_THEY_COME
    dark: NDArray[Any] | None = None
    gain: NDArray[Any] | None = None

    @property
    def changes_frames(self) -> bool:
        """Return whether frames are anything but taken as they come."""
        return self.settings != TAKEN_AS_THEY_COME

    @property
    def references(self) -> dict[str, NDArray[Any]]:
        """Return each reference image by its key."""
        named = {"dark": self.dark, "gain": self.gain}
        return {key: image for key, image in named.items() if image is not None}


NO_CAMERA = Camera()
"""Takes frames as they come."""
