"""What names and descriptions in a watched folder say about an image.

Which files count, which number and which defocus each image has. Pure: names and values
in, decisions out. Nothing here depends on when a file was written.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ltemlive.series import SeriesDescription, SeriesFrame

_NM_PER_UNIT = {"pm": 1e-3, "nm": 1.0, "um": 1e3, "mm": 1e6}

_UNFINISHED_ENDINGS = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart")

_NUMBER = r"[+-]?\d+(?:\.\d*)?"
# A bare number with a unit may be a field of view, so it counts only with a sign.
_DEFOCUS_IN_NAME = re.compile(
    rf"""(?:^|[_\s.,-])
    (?: (?:defocus|df) [_\s=]* (?P<named>{_NUMBER}) \s* (?P<unit>[pnum]m)?
      | (?P<signed>[+-]\d+(?:\.\d*)?) \s* (?P<signed_unit>[pnum]m) )
    (?![a-z0-9])""",
    re.VERBOSE | re.IGNORECASE,
)

_SAME_DEFOCUS = 1e-3
"""Two statements that differ by less than this part of each other agree."""


@dataclass(frozen=True, slots=True)
class ImageKey:
    """One image of a folder: a file, or one page of a stack."""

    name: str
    page: int = 0

    @property
    def label(self) -> str:
        """How the user knows it."""
        return f"{self.name}#{self.page}" if self.page else self.name


@dataclass(frozen=True, slots=True)
class Defocus:
    """Which defocus holds, who said so, and who said otherwise."""

    defocus_nm: float
    origin: str
    conflict: str | None = None


def is_image_name(name: str, suffixes: Collection[str]) -> bool:
    """Return whether a file of this name is an image that someone has finished naming.

    Hidden names, editors' and copiers' names aside (``~x.tif``, ``x.tif.part``,
    ``x.part.tif``) are not.
    """
    lower = name.lower()
    if lower.startswith((".", "~")) or not lower.endswith(tuple(suffixes)):
        return False
    stem = lower.rpartition(".")[0]
    return not stem.endswith(_UNFINISHED_ENDINGS)


def sidecar_names(name: str) -> tuple[str, ...]:
    """Return the names that the description of one image may have, best first."""
    stem = name.rpartition(".")[0]
    return tuple(f"{base}{end}" for base in (name, stem) for end in (".yaml", ".json"))


def same_name(name: str) -> str:
    """Return a name as it is compared: shares may compose its accents differently."""
    return unicodedata.normalize("NFC", name)


def defocus_in_name(name: str) -> float | None:
    """Return the defocus [nm] that a file name states, None if it states none or two.

    ``focus_-150um.tif``, ``x_df-150000nm.tif``, ``defocus_1.6mm.tif``, ``df0.tif``: a
    number needs its unit unless it is zero, and a sign where nothing calls it a defocus.
    """
    stem = unicodedata.normalize("NFKC", name).rpartition(".")[0]
    stem = stem.replace("\N{GREEK SMALL LETTER MU}", "u").replace("\N{MINUS SIGN}", "-")
    stated = set()
    for match in _DEFOCUS_IN_NAME.finditer(stem):
        value = float(match["named"] or match["signed"])
        unit = match["unit"] or match["signed_unit"]
        if unit is None and value != 0.0:
            continue
        stated.add(value * _NM_PER_UNIT[(unit or "nm").lower()])
    return stated.pop() if len(stated) == 1 else None


def number_in_name(name: str) -> int | None:
    """Return the last whole number of a file name that is not its defocus."""
    stem = unicodedata.normalize("NFKC", name).rpartition(".")[0]
    numbers = re.findall(r"(?<![\d.])\d{1,9}(?![\d.])", _DEFOCUS_IN_NAME.sub(" ", stem))
    return int(numbers[-1]) if numbers else None


def resolve_defocus(stated: Iterable[tuple[str, float | None]]) -> Defocus | None:
    """Return the first defocus that anyone stated, or None if nobody did.

    Parameters
    ----------
    stated
        (who, defocus [nm] or None), the most trusted first.
    """
    known = [(origin, value) for origin, value in stated if value is not None]
    if not known:
        return None
    origin, defocus_nm = known[0]
    others = [
        f"{other} says {value:g} nm"
        for other, value in known[1:]
        if not math.isclose(value, defocus_nm, rel_tol=_SAME_DEFOCUS)
    ]
    conflict = f"{origin} says {defocus_nm:g} nm, {', '.join(others)}" if others else None
    return Defocus(defocus_nm, origin, conflict)


def listed_images(
    description: SeriesDescription,
) -> dict[ImageKey, tuple[int, SeriesFrame]]:
    """Return each image that a description lists, with its seq: stated, or its place."""
    return {
        ImageKey(same_name(entry.file), entry.page): (
            index if entry.seq is None else entry.seq,
            entry,
        )
        for index, entry in enumerate(description.frames)
    }


class Numbering:
    """Give each image one seq of its own, the wanted one where it is free.

    Two names may hold the same number, and a description may come when some numbers are
    taken: then the image counts on from the highest. None is refused for its number.
    """

    def __init__(self) -> None:
        self._seq: dict[ImageKey, int] = {}

    def assign(self, key: ImageKey, wanted: int | None) -> int:
        """Return the seq of ``key``; what it was given once stays."""
        if key not in self._seq:
            taken = set(self._seq.values())
            if wanted is None or wanted in taken:
                wanted = max(taken, default=-1) + 1
            self._seq[key] = wanted
        return self._seq[key]
