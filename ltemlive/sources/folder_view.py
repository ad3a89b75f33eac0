"""What is in a watched folder at this moment: names, sizes and times, no contents."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from ltemlive.formats.images import IMAGE_SUFFIXES
from ltemlive.sources.folder_plan import distinct_names, is_image_name
from ltemlive.sources.settling import FileStamp

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ltemlive.sources.settling import FileSettling

logger = logging.getLogger(__name__)


class FolderView:
    """Look at a folder, and remember what the last look showed.

    Parameters
    ----------
    settling
        Is told what each file looks like.
    references
        Files that are no frames wherever they lie, as absolute paths without links.
    """

    def __init__(
        self, folder: Path, settling: FileSettling, references: Collection[Path]
    ) -> None:
        self._folder = folder
        self._settling = settling
        self._references = references
        self._is_image: dict[str, bool] = {}
        self.files: dict[str, Path] = {}
        """Every file, by its name as names are compared."""

    def look(self, now: float) -> bool:
        """Read names, sizes and times; return whether the folder was there to be read."""
        try:
            with os.scandir(self._folder) as entries:
                stats = {entry.name: stat for entry in entries if (stat := _stat(entry))}
        except OSError as error:
            # A share that is away comes back; what was seen in it stays known.
            logger.warning("%s: cannot be read now (%s)", self._folder, error.strerror)
            return False
        names = distinct_names(stats)
        for name, real_name in names.items():
            stat = stats[real_name]
            self._settling.observe(name, FileStamp(stat.st_size, stat.st_mtime_ns), now)
        if names.keys() != self.files.keys():
            self.files = {name: self._folder / real for name, real in names.items()}
            self._settling.forget_missing(self.files)
            known = self._is_image
            self._is_image = {name: known[name] for name in names if name in known}
        return True

    def is_image(self, name: str) -> bool:
        """Return whether a file may hold frames, by its name and place."""
        known = self._is_image.get(name)
        if known is None:
            known = is_image_name(name, IMAGE_SUFFIXES) and not (
                self._references and self.files[name].resolve() in self._references
            )
            self._is_image[name] = known
        return known


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return what a file looks like; None for what is none, or has just gone."""
    try:
        return entry.stat() if entry.is_file() else None
    except FileNotFoundError:
        return None
