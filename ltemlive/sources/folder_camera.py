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
    from ltemlive.sources.settling import FileSettling

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
        self._references: frozenset[str] = frozenset()
        self.camera: Camera | None = None
        """What becomes of raw frames; None where ``series.yaml`` says nothing of it."""
        self.problem = ""
        """Why frames have to wait for it; empty where they need not."""

    def refresh(
        self, files: Mapping[str, Path], description: SeriesDescription | None
    ) -> None:
        """Take the present files by name, and the newest description."""
        settings = description.camera if description is not None else None
        if settings == self._settings and not self.problem:
            return
        self._files, self._settings = files, settings
        names = settings.references.values() if settings is not None else ()
        self._references = frozenset(map(same_name, names))
        self.problem = self._unready(settings) or self._loaded(settings)

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
            if problem != self.problem:
                logger.warning("%s", problem)
            return problem
        return ""

    def _unready(self, settings: CameraSettings | None) -> str:
        """Return why a reference image cannot be read yet; empty where all can."""
        references = settings.references if settings is not None else {}
        for key, file in references.items():
            where = f"{SERIES_FILE}: camera.{key}"
            if leads_out(file):
                return f"{where}: expected a name inside this folder, got {file!r}"
            name = same_name(file)
            if name not in self._files:
                return f"{where}: {file} is not there yet"
            if not self._settling.has_settled(name):
                return f"{where}: {file} is still being written"
        return ""
