"""What a folder says about its images: ``series.yaml``, sidecars, lists, tags and names.

Descriptions are read only when they have settled: half a number is a number too.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ltemlive.errors import ConfigError, FrameError
from ltemlive.file_names import NameFacts, facts_in_name
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
from ltemlive.sources.folder_lists import FolderLists, is_list_name
from ltemlive.sources.folder_plan import ImageKey
from ltemlive.sources.sidecars import Sidecars

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from ltemlive.sources.folder_lists import Statement
    from ltemlive.sources.settling import FileSettling, FileStamp

logger = logging.getLogger(__name__)

PLAN = "input.plan_defocus_nm"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Everything known about one image before its pixels are read."""

    wanted_seq: int | None
    defocus: folder_plan.Defocus | None
    exposure_s: float | None
    use: bool | None
    lens_value: float | None = None
    voltage_kv: float | None = None
    pixel_nm: float | None = None
    missing: str = ""
    """Why the image has to wait; empty where nothing is missing."""
    damage: str = ""
    """Why its file cannot be trusted, though one image of it may be read."""


class FolderFacts:
    """Read what stands beside the images, each file once for each of its versions.

    Parameters
    ----------
    settling
        Which files of the folder have stopped growing.
    needs
        What of ``voltage_kv`` and ``pixel_nm`` the folder has to say itself.
    pattern
        What names are read with; None: what is built in.
    plan_defocus_nm
        Defocus by number, asked last.
    """

    def __init__(
        self,
        settling: FileSettling,
        *,
        needs: Collection[str] = (),
        pattern: str | None = None,
        plan_defocus_nm: Sequence[float] | None = None,
    ) -> None:
        self._settling = settling
        self._needs = needs
        self._plan = plan_defocus_nm or ()
        self._in_name = functools.lru_cache(maxsize=1 << 16)(
            functools.partial(facts_in_name, pattern=pattern)
        )
        self._files: Mapping[str, Path] = {}
        self._list_files: Mapping[str, Path] = {}
        self._description_stamp: FileStamp | None = None
        self._listed: dict[ImageKey, tuple[int, SeriesFrame]] = {}
        self._pages: dict[str, list[ImageKey]] = {}
        self._sidecars = Sidecars(settling)
        self._lists = FolderLists(settling)
        self._tags: dict[str, tuple[FileStamp, StatedFacts]] = {}
        self.camera = FolderCamera(settling)
        self.description: SeriesDescription | None = None
        """The newest ``series.yaml`` that could be read."""
        self.problem = ""
        """Why the present ``series.yaml`` cannot be used; empty where it can."""

    def refresh(self, files: Mapping[str, Path]) -> set[str]:
        """Take the present files by name; read settled, new descriptions.

        Returns
        -------
        Names of files of which other images may be wanted now.
        """
        if files is not self._files:
            self._list_files = {name: files[name] for name in files if is_list_name(name)}
        self._files = files
        changed = self._refresh_description() | self._lists.refresh(self._list_files)
        return changed | self.camera.refresh(files, self.description)

    def _refresh_description(self) -> set[str]:
        stamp = self._settling.settled_stamp(SERIES_FILE)
        if stamp is None or stamp == self._description_stamp:
            return set()
        self._description_stamp = stamp
        try:
            self.description = load_series_description(self._files[SERIES_FILE])
        except ConfigError as error:
            self.problem = "; ".join(str(error).splitlines())
            logger.warning("%s", self.problem)
            return set()
        self.problem = ""
        before, self._pages = self._pages, {}
        self._listed = folder_plan.listed_images(self.description)
        for key in self._listed:
            self._pages.setdefault(key.name, []).append(key)
        names = before.keys() | self._pages.keys()
        return {name for name in names if before.get(name) != self._pages.get(name)}

    def stated_optics(self) -> dict[str, Any]:
        """Return the keys of ``Optics`` that ``series.yaml`` spells out."""
        if self.description is None:
            return {}
        spelt = self.description.model_fields_set & set(Optics.model_fields)
        return self.description.model_dump(include=spelt)

    def listed(self) -> tuple[ImageKey, ...]:
        """Return every image that ``series.yaml`` lists, in its order."""
        return tuple(self._listed)

    def images_of(self, name: str, stamp: FileStamp | None = None) -> list[ImageKey]:
        """Return the images to take from one file: the listed pages, or each.

        How many there are is seen in a file that has settled, with ``stamp``.
        """
        listed = self._pages.get(name)
        if listed is not None:
            return listed
        n_images = self._tags_of(name, stamp)[0].n_images if stamp is not None else 1
        return [ImageKey(name, page) for page in range(n_images)]

    def facts(self, key: ImageKey, stamp: FileStamp) -> ImageFacts:
        """Return what is known about one image of a settled file."""
        sidecar, problem = self._sidecars.of(key.name, self._files)
        seq, entry = self._listed.get(key, (None, SeriesFrame(file=key.name)))
        said = self._lists.statements(key)
        tags, damage = self._tags_of(key.name, stamp)
        is_of_stack = tags.n_images > 1 or key.page > 0
        in_name = self._in_name(key.name)
        if is_of_stack:
            # One statement for the whole file says nothing of a page; what stands in the
            # file itself holds for the first.
            sidecar = sidecar.model_copy(update={"defocus_nm": None, "seq": None})
            in_name = NameFacts(seq=key.page)
            tags = tags if key.page == 0 else StatedFacts()
            said = [each for each in said if not each.image.is_whole_file]
        places = [each.place for each in said]
        wanted_seq = _first(sidecar.seq, seq, *places, tags.seq, in_name.seq)
        defocus = folder_plan.resolve_defocus(
            [
                ("its sidecar", sidecar.defocus_nm),
                (SERIES_FILE, entry.defocus_nm),
                *((each.origin, each.image.defocus_nm) for each in said),
                ("the file itself", tags.defocus_nm),
                ("its name", in_name.defocus_nm),
                (PLAN, self._planned(wanted_seq)),
            ]
        )
        lens_value = _first(sidecar.lens_value, entry.lens_value)
        voltage_kv, pixel_nm = self._microscope(said)
        exposures_s = [each.image.exposure_s for each in said]
        is_told = defocus is not None or lens_value is not None
        return ImageFacts(
            wanted_seq=wanted_seq,
            defocus=defocus,
            exposure_s=_first(sidecar.exposure_s, entry.exposure_s, *exposures_s),
            use=entry.use,
            lens_value=lens_value,
            voltage_kv=voltage_kv,
            pixel_nm=pixel_nm,
            missing=self._unfinished(key.name)
            or problem
            or self.camera.problem
            or self._unknown(voltage_kv, pixel_nm)
            or ("" if is_told else self._unsaid(key, wanted_seq, is_of_stack=is_of_stack)),
            damage=damage,
        )

    def _planned(self, seq: int | None) -> float | None:
        return self._plan[seq] if seq is not None and seq < len(self._plan) else None

    def _microscope(self, said: list[Statement]) -> tuple[float | None, float | None]:
        """Return voltage and pixel size: those of ``series.yaml``, or of a list."""
        if self.description is not None:
            return self.description.voltage_kv, self.description.pixel_nm
        voltages_kv = [each.voltage_kv for each in said]
        return _first(*voltages_kv), _first(*(each.image.pixel_nm for each in said))

    def _unknown(self, voltage_kv: float | None, pixel_nm: float | None) -> str:
        """Return what of the microscope nobody has said, if it has to be said."""
        known = {"voltage_kv": voltage_kv, "pixel_nm": pixel_nm}
        unknown = [name for name in known if name in self._needs and known[name] is None]
        if not unknown:
            return ""
        return self.problem or f"no {SERIES_FILE} says {' and '.join(unknown)}"

    def _unsaid(self, key: ImageKey, seq: int | None, *, is_of_stack: bool) -> str:
        """Return how the defocus of an image could be said."""
        wrong = self.problem or "; ".join(self._lists.problems.values())
        if wrong:
            return wrong
        if is_of_stack:
            return (
                f"no defocus known for this page of a stack; list {key.name} with its "
                f"pages, and their defocus_nm, in {SERIES_FILE}"
            )
        remedy = f"list {key.label} with its defocus_nm in {SERIES_FILE}"
        if not self._plan:
            return f"no defocus known; {remedy}"
        number = "no number" if seq is None else f"number {seq}"
        last = len(self._plan) - 1
        return f"no defocus known; {PLAN} has 0..{last}, this is {number}; or {remedy}"

    def _unfinished(self, name: str) -> str:
        """Return which description of an image is still being written, if any.

        A ``series.yaml`` that was read before does not hold anything up: it may be
        rewritten with every frame.
        """
        growing = self._sidecars.unfinished(name) or self._lists.unfinished(name)
        if self.description is None and self._settling.is_growing(SERIES_FILE):
            growing = growing or SERIES_FILE
        return f"{growing} is still being written" if growing else ""

    def _tags_of(self, name: str, stamp: FileStamp) -> tuple[StatedFacts, str]:
        """Return what a file says itself, and what is wrong with it."""
        known = self._tags.get(name)
        if known is None or known[0] != stamp:
            try:
                known = (stamp, stated_facts(self._files[name]))
            except FrameError as error:
                # It may be completed without another stamp, so it is asked again.
                return StatedFacts(), str(error)
            self._tags[name] = known
        return known[1], ""


def _first(*values: Any) -> Any:
    """Return the first value that is one."""
    return next((value for value in values if value is not None), None)
