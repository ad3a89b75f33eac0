"""What lists of other programs say about the images of a watched folder.

PyLorentz' ``.fls``, SerialEM's ``.mdoc`` and ``.idoc``. Each is read when it has settled,
once for each of its versions.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from ltemlive.formats.images import IMAGE_SUFFIXES
from ltemlive.formats.lists import LIST_SUFFIXES, read_list
from ltemlive.sources.folder_plan import same_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ltemlive.formats.listed import ListedImage
    from ltemlive.sources.folder_plan import ImageKey
    from ltemlive.sources.settling import FileSettling, FileStamp

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one list says of one image."""

    origin: str
    """Name of the list."""
    image: ListedImage
    voltage_kv: float | None
    place: int | None
    """Of the image in its list; None where it is the only one."""


class FolderLists:
    """Keep what each settled list says, by image.

    Parameters
    ----------
    settling
        Which files of the folder have stopped growing.
    """

    def __init__(self, settling: FileSettling) -> None:
        self._settling = settling
        self._stamps: dict[str, FileStamp] = {}
        self._common: set[str] = set()
        self._said: dict[str, dict[int, dict[str, Statement]]] = {}
        self._places: dict[str, list[tuple[str, int]]] = {}
        self.problems: dict[str, str] = {}
        """By name of the list: why it cannot be used."""

    def refresh(self, lists: Mapping[str, Path]) -> set[str]:
        """Read what is new among the present lists; return the images it tells of."""
        self._common = {name for name in lists if not _is_of_one_image(name)}
        told: set[str] = set()
        for name, path in lists.items():
            stamp = self._settling.settled_stamp(name)
            if stamp is not None and stamp != self._stamps.get(name):
                self._stamps[name] = stamp
                told |= self._read(name, path)
        return told

    def statements(self, key: ImageKey) -> list[Statement]:
        """Return what lists say of one image, the most trusted first."""
        said = self._said.get(key.name, {}).get(key.page, {})
        return sorted(said.values(), key=lambda each: _trust(each.origin))

    def unfinished(self, name: str) -> str:
        """Return a list that is still being written and may tell of an image, if any.

        One that was read before holds nothing up: it grows with every image.
        """
        own = (f"{name}.mdoc", f"{name}.idoc")
        for candidate in (*own, *self._common):
            is_new = candidate not in self._stamps
            if is_new and self._settling.is_growing(candidate):
                return candidate
        return ""

    def _read(self, name: str, path: Path) -> set[str]:
        before = self._places.get(name, [])
        try:
            listed = read_list(path)
        except ConfigError as error:
            self.problems[name] = str(error)
            logger.warning("%s", error)
            return {file for file, _ in before}
        self.problems.pop(name, None)
        for file, page in before:
            del self._said[file][page][name]
        self._places[name] = []
        for place, image in enumerate(listed.images):
            file = same_name(image.file)
            statement = Statement(
                name, image, listed.voltage_kv, place if len(listed.images) > 1 else None
            )
            self._said.setdefault(file, {}).setdefault(image.page, {})[name] = statement
            self._places[name].append((file, image.page))
        return {file for file, _ in (*before, *self._places[name])}


def is_list_name(name: str) -> bool:
    """Return whether a file of this name is a list that someone has finished naming."""
    return name.lower().endswith(LIST_SUFFIXES) and not name.startswith((".", "~"))


def _is_of_one_image(name: str) -> bool:
    """Return whether a list is named after the file that it tells of."""
    return name.rpartition(".")[0].lower().endswith(IMAGE_SUFFIXES)


def _trust(name: str) -> tuple[int, str]:
    suffix = next(suffix for suffix in LIST_SUFFIXES if name.lower().endswith(suffix))
    return LIST_SUFFIXES.index(suffix), name
