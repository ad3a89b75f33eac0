"""What a folder says about its images: ``series.yaml``, sidecars, tags and names.

Descriptions are read only when they have settled: half a number is a number too.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.formats.stated import StatedFacts, stated_facts
from ltemlive.series import (
    SERIES_FILE,
    Optics,
    SeriesDescription,
    SeriesFrame,
    load_series_description,
)
from ltemlive.sources import folder_plan
from ltemlive.sources.folder_camera import FolderCamera
from ltemlive.sources.folder_plan import ImageKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ltemlive.sources.settling import FileSettling, FileStamp

logger = logging.getLogger(__name__)


class Sidecar(BaseModel):
    """What ``NAME.yaml`` or ``NAME.json`` may say about one image."""

    # Microscopes write much else into such files.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    defocus_nm: float | None = Field(None, ge=-1e9, le=1e9)
    lens_value: float | None = None
    exposure_s: float | None = Field(None, gt=0.0)
    seq: int | None = Field(None, ge=0)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Everything known about one image before its pixels are read."""

    wanted_seq: int | None
    defocus: folder_plan.Defocus | None
    exposure_s: float | None
    use: bool | None
    lens_value: float | None = None
    missing: str = ""
    """Why the image has to wait; empty where nothing is missing."""


class FolderFacts:
    """Read what stands beside the images, each file once for each of its versions.

    Parameters
    ----------
    settling
        Which files of the folder have stopped growing.
    needs_description
        Whether nothing is known of an image before ``series.yaml`` has been read.
    """

    def __init__(self, settling: FileSettling, *, needs_description: bool) -> None:
        self._settling = settling
        self._needs_description = needs_description
        self._files: Mapping[str, Path] = {}
        self._description_stamp: FileStamp | None = None
        self._listed: dict[ImageKey, tuple[int, SeriesFrame]] = {}
        self._sidecars: dict[str, tuple[FileStamp, Sidecar, str]] = {}
        self._tags: dict[str, tuple[FileStamp, StatedFacts]] = {}
        self.camera = FolderCamera(settling)
        self.description: SeriesDescription | None = None
        """The newest ``series.yaml`` that could be read."""
        self.problem = ""
        """Why the present ``series.yaml`` cannot be used; empty where it can."""

    def refresh(self, files: Mapping[str, Path]) -> None:
        """Take the present files by name; read a settled, new ``series.yaml``."""
        self._files = files
        self._refresh_description()
        self.camera.refresh(files, self.description)

    def _refresh_description(self) -> None:
        stamp = self._settling.settled_stamp(SERIES_FILE)
        if stamp is None or stamp == self._description_stamp:
            return
        self._description_stamp = stamp
        try:
            self.description = load_series_description(self._files[SERIES_FILE])
        except ConfigError as error:
            self.problem = "; ".join(str(error).splitlines())
            logger.warning("%s", self.problem)
            return
        self.problem = ""
        self._listed = folder_plan.listed_images(self.description)

    def stated_optics(self) -> dict[str, Any]:
        """Return the keys of ``Optics`` that ``series.yaml`` spells out."""
        if self.description is None:
            return {}
        spelt = self.description.model_fields_set & set(Optics.model_fields)
        return self.description.model_dump(include=spelt)

    def listed(self) -> tuple[ImageKey, ...]:
        """Return every image that ``series.yaml`` lists, in its order."""
        return tuple(self._listed)

    def images_of(self, name: str) -> list[ImageKey]:
        """Return the images to take from one file: the listed pages, or the first."""
        return [key for key in self._listed if key.name == name] or [ImageKey(name)]

    def facts(self, key: ImageKey, stamp: FileStamp) -> ImageFacts:
        """Return what is known about one image of a settled file."""
        sidecar, problem = self._sidecar(key.name)
        seq, entry = self._listed.get(key, (None, SeriesFrame(file=key.name)))
        # A description inside a file holds for its first page.
        tags = self._tags_of(key.name, stamp) if key.page == 0 else StatedFacts()
        defocus = folder_plan.resolve_defocus(
            [
                ("its sidecar", sidecar.defocus_nm),
                (SERIES_FILE, entry.defocus_nm),
                ("the file itself", tags.defocus_nm),
                ("its name", folder_plan.defocus_in_name(key.name)),
            ]
        )
        lens_values = (sidecar.lens_value, entry.lens_value)
        lens_value = next((each for each in lens_values if each is not None), None)
        numbers = (sidecar.seq, seq, tags.seq, folder_plan.number_in_name(key.name))
        return ImageFacts(
            wanted_seq=next((number for number in numbers if number is not None), None),
            defocus=defocus,
            exposure_s=sidecar.exposure_s or entry.exposure_s,
            use=entry.use,
            lens_value=lens_value,
            missing=self._unfinished(key.name)
            or problem
            or self.camera.problem
            or self._unsaid(
                key, is_defocus_known=defocus is not None or lens_value is not None
            ),
        )

    def _unsaid(self, key: ImageKey, *, is_defocus_known: bool) -> str:
        """Return what nobody has said yet, if that holds an image up."""
        if self.description is None and self._needs_description:
            return self.problem or f"no {SERIES_FILE} says voltage_kv and pixel_nm"
        if is_defocus_known:
            return ""
        return self.problem or (
            f"no defocus known; list {key.label} with its defocus_nm in {SERIES_FILE}"
        )

    def _unfinished(self, name: str) -> str:
        """Return which description of an image is still being written, if any.

        A ``series.yaml`` that was read before does not hold anything up: it may be
        rewritten with every frame.
        """
        candidates = [*folder_plan.sidecar_names(name)]
        if self.description is None:
            candidates.append(SERIES_FILE)
        for candidate in candidates:
            if candidate in self._files and not self._settling.has_settled(candidate):
                return f"{candidate} is still being written"
        return ""

    def _sidecar(self, name: str) -> tuple[Sidecar, str]:
        """Return what the sidecar of an image says, and what is wrong with it."""
        for candidate in folder_plan.sidecar_names(name):
            stamp = self._settling.settled_stamp(candidate)
            if candidate == SERIES_FILE or candidate not in self._files or stamp is None:
                continue
            known = self._sidecars.get(candidate)
            if known is None or known[0] != stamp:
                known = (stamp, *_load_sidecar(self._files[candidate]))
                self._sidecars[candidate] = known
            return known[1:]
        return Sidecar(), ""

    def _tags_of(self, name: str, stamp: FileStamp) -> StatedFacts:
        known = self._tags.get(name)
        if known is None or known[0] != stamp:
            known = self._tags[name] = (stamp, stated_facts(self._files[name]))
        return known[1]


def _load_sidecar(path: Path) -> tuple[Sidecar, str]:
    try:
        values = _load_json(path) if path.suffix == ".json" else documents.load(path)
        return documents.validated(values, Sidecar, where=path.name), ""
    except ConfigError as error:
        return Sidecar(), "; ".join(str(error).splitlines())


def _load_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path.name}: expected readable JSON, got: {error}") from error
    if not isinstance(values, dict):
        kind = type(values).__name__
        raise ConfigError(f"{path.name}: expected keys and values, got {kind}")
    return values
