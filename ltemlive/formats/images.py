"""Images in from any microscope's files; frames and maps out as calibrated TIFF.

What we write carries its pixel size twice, the ImageJ way (description and resolution)
and the DigitalMicrograph way (private tags), because ImageJ and Fiji read only the first
and HyperSpy takes the unit only from the second.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import tifffile

from ltemlive.errors import FrameError
from ltemlive.formats.aside import written_aside
from ltemlive.formats.facts import as_lines
from ltemlive.formats.foreign import FOREIGN_SUFFIXES, foreign_stack
from ltemlive.frames import MAX_SIDE_PX, PIXEL_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.formats.facts import Facts

TiffTag: TypeAlias = tuple[int, str, int, str | float, bool]

TIFF_SUFFIXES = (".tif", ".tiff")

IMAGE_SUFFIXES = (*TIFF_SUFFIXES, *FOREIGN_SUFFIXES)
"""File name endings, lower case, that ``read_image`` understands."""

HALF_COPIED = 0.25
"""An image that ends in this part of exact zeros was not copied to its end."""

# Pixel types that some files have and the wire format does not, and what holds them all.
_HELD_BY = {"b1": "|u1", "i1": "<i2", "f2": "<f4", "i8": "<f8", "u8": "<f8"}


def read_image(path: Path, *, page: int = 0) -> NDArray[Any]:
    """Return one grey image of a file, shape (ny, nx), in a pixel type of ``Frame``.

    TIFF is read here; other formats need RosettaSciIO (``pip install ltemlive[formats]``).

    Parameters
    ----------
    path
        The file; its ending names the format.
    page
        Which image of a stack, from 0.

    Raises
    ------
    FrameError
        If the file is missing, damaged, cut short, of an unknown format, has no such page
        or no grey image.
    """
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise FrameError(f"{path}: expected a file of {' '.join(IMAGE_SUFFIXES)}")
    if not path.is_file():
        raise FrameError(f"{path}: no such file; check the name and the share")
    try:
        read = _read_tiff_page if suffix in TIFF_SUFFIXES else _read_foreign_page
        image = read(path, page)
        _check_shape(path, image.shape)
    except FrameError:
        raise
    # Damaged files make the readers raise almost anything.
    except Exception as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise FrameError(
            f"{path}: expected a whole {suffix[1:]} image, got a damaged one ({problem}); "
            "copy it again"
        ) from error
    return _in_known_pixel_type(path, image)


@contextlib.contextmanager
def open_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF; of a file that we open ourselves tifffile asks no real path."""
    with path.open("rb") as stream, tifffile.TiffFile(stream, name=path.name) as tiff:
        yield tiff


def zero_rows_at_end(image: NDArray[Any]) -> int:
    """Return how many rows at the bottom are exactly zero; 0 if the whole image is.

    A TIFF that a share preallocated and has copied only in part reads without an error,
    with zeros where the rest will be. A camera image hardly ever ends in exact zeros, so
    a folder source should wait on one that does.
    """
    filled = np.flatnonzero(image.any(axis=1))
    return int(image.shape[0] - 1 - filled[-1]) if filled.size else 0


def cut_short(image: NDArray[Any]) -> str:
    """Return why an image was surely not copied to its end; empty where it may be whole."""
    zero_rows, n_rows = zero_rows_at_end(image), image.shape[0]
    if zero_rows < HALF_COPIED * n_rows:
        return ""
    return (
        f"expected a whole image, got zeros in the last {zero_rows} of {n_rows} rows; copy "
        "it again"
    )


def write_frame_tiff(
    path: Path,
    image: NDArray[Any],
    *,
    pixel_nm: float | None,
    defocus_nm: float | None,
    seq: int | None,
    durable: bool,
) -> None:
    """Write one raw frame, lossless and in its own pixel type, aside and renamed.

    Sequence number and defocus stand in the description as ``seq=`` and ``defocus_nm=``.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    facts = {"seq": seq, "defocus_nm": defocus_nm}
    known = [f"{key}={value!r}" for key, value in facts.items() if value is not None]
    calibration: dict[str, Any] = {}
    if pixel_nm is not None:
        known.insert(0, "unit=nm")
        calibration = _resolution(pixel_nm) | {"extratags": _image_tags(pixel_nm, "counts")}
    # tifffile's imagej=True knows three pixel types only, so the description is our own.
    description = "\n".join(["ImageJ=1.11a", *known, ""])
    with written_aside(path, durable=durable) as aside:
        tifffile.imwrite(
            aside,
            image,
            byteorder=">" if image.dtype.byteorder == ">" else "<",
            photometric="minisblack",
            description=description,
            metadata=None,
            **calibration,
        )


def write_map_tiff(
    path: Path,
    pages: NDArray[np.float32],
    *,
    pixel_nm: float,
    unit: str,
    labels: tuple[str, ...],
    facts: Facts | None = None,
) -> None:
    """Write a calibrated float32 map or a stack of them, aside, fsynced and renamed.

    Parameters
    ----------
    path
        The file to make or replace.
    pages
        Shape (ny, nx) or (n, ny, nx).
    pixel_nm
        Edge of a square pixel.
    unit
        Unit of the values, for example ``rad``.
    labels
        One for each page; ImageJ shows them above the image.
    facts
        Where the values come from; ImageJ shows them with the image's info (key I).

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    stack = np.ascontiguousarray(pages, dtype=np.float32)
    metadata: dict[str, Any] = {"unit": "nm", "vunit": unit, "Labels": list(labels)}
    if facts:
        metadata["Info"] = as_lines(facts)
    tags = _image_tags(pixel_nm, unit)
    if stack.ndim == 3:
        metadata |= {"axes": "ZYX", "spacing": 1.0}
        tags += _stack_tags()
    with written_aside(path) as aside:
        tifffile.imwrite(
            aside,
            stack,
            imagej=True,
            metadata=metadata,
            extratags=tags,
            software="ltemlive",
            **_resolution(pixel_nm),
        )


def _read_tiff_page(path: Path, page: int) -> NDArray[Any]:
    with open_tiff(path) as tiff:
        if not len(tiff.pages):
            raise ValueError("no image in it")
        _check_page(path, page, len(tiff.pages))
        image = tiff.pages[page]
        _check_shape(path, image.shape)
        return np.asarray(image.asarray())


def _read_foreign_page(path: Path, page: int) -> NDArray[Any]:
    stack = foreign_stack(path)
    _check_page(path, page, math.prod(stack.shape[:-2]))
    _check_shape(path, stack.shape[-2:])
    # A copy: some readers map the whole stack into memory.
    return np.array(stack.reshape(-1, *stack.shape[-2:])[page])


def _check_page(path: Path, page: int, n_pages: int) -> None:
    if not 0 <= page < n_pages:
        raise FrameError(f"{path}: expected a page of 0..{n_pages - 1}, got page {page}")


def _check_shape(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse colour, and sides that a damaged header may claim, before memory is taken."""
    if len(shape) != 2:
        raise FrameError(
            f"{path}: expected one grey image (ny, nx), got shape {shape}; "
            "convert colour to grey"
        )
    if max(shape) > MAX_SIDE_PX:
        raise FrameError(f"{path}: expected sides up to {MAX_SIDE_PX} px, got {shape}")


def _in_known_pixel_type(path: Path, image: NDArray[Any]) -> NDArray[Any]:
    if image.dtype.str in PIXEL_TYPES:
        return image
    little_endian = image.dtype.newbyteorder("<").str
    held_by = _HELD_BY.get(image.dtype.str[1:], little_endian)
    if held_by not in PIXEL_TYPES:
        raise FrameError(f"{path}: expected real grey values, got {image.dtype}")
    return image.astype(held_by)


def _resolution(pixel_nm: float) -> dict[str, Any]:
    return {"resolution": (1.0 / pixel_nm, 1.0 / pixel_nm), "resolutionunit": "NONE"}


def _image_tags(pixel_nm: float, unit: str) -> list[TiffTag]:
    """Return DigitalMicrograph's tags: unit, origin and scale of x, y and values."""
    return [
        (65003, "s", 0, "nm", False),
        (65004, "s", 0, "nm", False),
        (65006, "d", 1, 0.0, False),
        (65007, "d", 1, 0.0, False),
        (65009, "d", 1, pixel_nm, False),
        (65010, "d", 1, pixel_nm, False),
        (65022, "s", 0, unit, False),
        (65023, "s", 0, unit, False),
    ]


def _stack_tags() -> list[TiffTag]:
    """Return the same for the third axis, which counts pages."""
    return [
        (65005, "s", 0, "page", False),
        (65008, "d", 1, 0.0, False),
        (65011, "d", 1, 1.0, False),
    ]
