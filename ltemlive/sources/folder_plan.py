"""What names and descriptions in a watched folder say about an image.

Which files count, which number and which defocus each image has. Pure: names and values
in, decisions out. Nothing here depends on when a file was written.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ltemlive.series import SeriesDescription, SeriesFrame

_UNFINISHED_ENDINGS = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart")

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
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def labelled(reasons: Mapping[ImageKey, str]) -> dict[str, str]:
    """Return reasons by label; pages of one file that share one share a label."""
    pages: dict[tuple[str, str], list[int]] = {}
    for key, reason in reasons.items():
        pages.setdefault((key.name, reason), []).append(key.page)
    labels = {}
    for (name, reason), numbers in pages.items():
        first, last = ImageKey(name, min(numbers)), max(numbers)
        labels[first.label if len(numbers) == 1 else f"{name}#{first.page}-{last}"] = reason
    return labels


def distinct_names(names: Iterable[str]) -> dict[str, str]:
    """Return the real name of each file by its name as it is compared.

    Where two files differ only in how accents are composed, the one that is not composed
    as names are compared keeps its real name.
    """
    distinct: dict[str, str] = {}
    composed_otherwise = []
    for name in names:
        if name == same_name(name):
            distinct[name] = name
        else:
            composed_otherwise.append(name)
    for name in sorted(composed_otherwise):
        key = same_name(name)
        distinct[key if key not in distinct else name] = name
    return distinct


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

    Parameters
    ----------
    known
        Seq by label, of images that were recorded before: they keep it.
    """

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._seq = dict(known or {})
        self._taken = set(self._seq.values())
        self._next = max(self._taken, default=-1) + 1

    def assign(self, key: ImageKey, wanted: int | None) -> int:
        """Return the seq of ``key``; what it was given once stays."""
        label = key.label
        if label not in self._seq:
            free = wanted is not None and wanted not in self._taken
            seq = wanted if free and wanted is not None else self._next
            self._seq[label] = seq
            self._taken.add(seq)
            self._next = max(self._next, seq + 1)
        return self._seq[label]
