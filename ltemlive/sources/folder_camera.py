"""The camera that a folder's ``series.yaml`` describes, its reference images beside it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from ltemlive.formats.references import leads_out, load_camera
from ltemlive.series import SERIES_FILE
from ltemlive.sources.folder_plan import same_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ltemlive.camera import Camera, CameraSettings
    from ltemlive.series import SeriesDescription
    from ltemlive.sources.settling import FileSettling, FileStamp

logger = logging.getLogger(__name__)


class FolderCamera:
    """Load the camera that is described, once its reference images have settled.

    Parameters
    ----------
    settling
        Which files of the folder have stopped growing.
    """

    def __init__(self, settling: FileSettling) -> None:
        self._settling = settling
        self._files: Mapping[str, Path] = {}
        self._settings: CameraSettings | None = None
        self._references: dict[str, FileStamp | None] = {}
        self.camera: Camera | None = None
        """What becomes of raw frames; None where ``series.yaml`` says nothing of it."""
        self.problem = ""
        """Why frames have to wait for it; empty where they need not."""

    def refresh(
        self, files: Mapping[str, Path], description: SeriesDescription | None
    ) -> set[str]:
        """Take the present files by name, and the newest description.

        Returns
        -------
        Names of files that were references and are none now, or the other way round.
        """
        settings = description.camera if description is not None else None
        names = settings.references.values() if settings is not None else ()
        references = {
            same_name(name): self._settling.settled_stamp(same_name(name)) for name in names
        }
        is_known = (settings, references) == (self._settings, self._references)
        # What is not in the folder itself may have come since.
        if is_known and not (self.problem and None in references.values()):
            return set()
        changed = references.keys() ^ self._references.keys()
        self._files, self._settings, self._references = files, settings, references
        self.problem = self._unready(settings) or self._loaded(settings)
        return changed

    def is_reference(self, name: str) -> bool:
        """Return whether an image is no frame but a reference."""
        return name in self._references

    def _loaded(self, settings: CameraSettings | None) -> str:
        """Load the camera; return why that cannot be done, if so."""
        if settings is None:
            self.camera = None
            return ""
        try:
            folder = self._files[SERIES_FILE].parent
            self.camera = load_camera(folder, settings, where=SERIES_FILE)
        except ConfigError as error:
            problem = "; ".join(str(error).splitlines())
            logger.warning("%s", problem)
            return problem
        return ""

    def _is_deeper(self, file: str) -> bool:
        """Return whether a file is there, in a folder within, which is not watched."""
        return (self._files[SERIES_FILE].parent / file).is_file()

    def _unready(self, settings: CameraSettings | None) -> str:
        """Return why a reference image cannot be read yet; empty where all can."""
        references = settings.references if settings is not None else {}
        for key, file in references.items():
            where = f"{SERIES_FILE}: camera.{key}"
            if leads_out(file):
                return f"{where}: expected a name inside this folder, got {file!r}"
            name = same_name(file)
            if name in self._files and not self._settling.has_settled(name):
                return f"{where}: {file} is still being written"
            if name not in self._files and not self._is_deeper(file):
                return f"{where}: {file} is not there yet"
        return ""
