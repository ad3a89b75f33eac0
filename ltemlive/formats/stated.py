"""What an image file says about itself, beside its pixels."""

from __future__ import annotations

import contextlib
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.errors import FrameError
from ltemlive.formats.foreign import foreign_stack
from ltemlive.formats.images import IMAGE_SUFFIXES, TIFF_SUFFIXES, open_tiff
from ltemlive.frames import MAX_DEFOCUS_NM, MAX_SEQ

if TYPE_CHECKING:
    from pathlib import Path

    import tifffile


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """What stands in the file; ``None`` where it says nothing."""

    seq: int | None = None
    defocus_nm: float | None = None
    n_images: int = 1
    """More than one in a stack."""


def stated_facts(path: Path) -> StatedFacts:
    """Return how many images a file holds, and what our own TIFF says of its first.

    Seq and defocus are found as ``write_frame_tiff`` puts them into the description.

    Raises
    ------
    FrameError
        If the file, or a later page of it, cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in TIFF_SUFFIXES:
            with open_tiff(path) as tiff:
                return _facts_in(tiff.pages.first.description, _n_alike(tiff))
        if suffix in IMAGE_SUFFIXES:
            return StatedFacts(
                n_images=math.prod(foreign_stack(path, is_lazy=True).shape[:-2])
            )
    except FrameError:
        raise
    # Damaged files make the readers raise almost anything.
    except Exception as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise FrameError(
            f"{path}: expected a whole {suffix[1:]} file, got a damaged one ({problem}); "
            "copy it again"
        ) from error
    return StatedFacts()


def _n_alike(tiff: tifffile.TiffFile) -> int:
    """Return how many pages are images like the first: what follows may be a thumbnail."""
    if len(tiff.pages) == 1:
        return 1
    shape = tiff.pages.first.shape
    return sum(1 for _ in itertools.takewhile(lambda page: page.shape == shape, tiff.pages))


def _facts_in(description: str, n_images: int) -> StatedFacts:
    stated = dict(
        line.split("=", 1) for line in description.splitlines() if line.count("=") == 1
    )
    seq, defocus_nm = None, None
    with contextlib.suppress(KeyError, ValueError):
        seq = int(stated["seq"])
    with contextlib.suppress(KeyError, ValueError):
        defocus_nm = float(stated["defocus_nm"])
    return StatedFacts(
        seq=seq if seq is not None and 0 <= seq <= MAX_SEQ else None,
        defocus_nm=defocus_nm
        if defocus_nm is not None and abs(defocus_nm) <= MAX_DEFOCUS_NM
        else None,
        n_images=n_images,
    )
