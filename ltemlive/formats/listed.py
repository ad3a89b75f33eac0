"""What another program's list says about the images of a folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One image in a list; ``None`` where the list says nothing."""

    file: str
    """Its name, without a folder."""
    page: int = 0
    defocus_nm: float | None = None
    """Positive is underfocus, whatever the list counts as positive."""
    exposure_s: float | None = None
    pixel_nm: float | None = None
    is_whole_file: bool = False
    """Whether it is a whole file of movie frames that is told of, not its first page."""


@dataclass(frozen=True, slots=True)
class ImageList:
    """A list: images in its order, and what holds for all of them."""

    images: tuple[ListedImage, ...]
    voltage_kv: float | None = None
