"""What an image file says about itself, beside its pixels."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tifffile

from ltemlive.formats.images import TIFF_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """What stands in the file; ``None`` where it says nothing."""

    seq: int | None = None
    defocus_nm: float | None = None


def stated_facts(path: Path) -> StatedFacts:
    """Return seq and defocus as ``write_frame_tiff`` puts them into the description.

    A file that cannot be read, or is none of ours, says nothing: whether its image is whole
    is for ``read_image`` to say.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return StatedFacts()
    try:
        with tifffile.TiffFile(path) as tiff:
            description = tiff.pages.first.description
    # Damaged files make tifffile raise almost anything.
    except Exception:  # noqa: BLE001
        return StatedFacts()
    return _facts_in(description)


def _facts_in(description: str) -> StatedFacts:
    stated = dict(
        line.split("=", 1) for line in description.splitlines() if line.count("=") == 1
    )
    seq, defocus_nm = None, None
    with contextlib.suppress(KeyError, ValueError):
        seq = int(stated["seq"])
    with contextlib.suppress(KeyError, ValueError):
        defocus_nm = float(stated["defocus_nm"])
    return StatedFacts(
        seq=seq if seq is not None and seq >= 0 else None,
        defocus_nm=defocus_nm
        if defocus_nm is not None and math.isfinite(defocus_nm)
        else None,
    )
