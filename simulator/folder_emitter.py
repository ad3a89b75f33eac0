"""A microscope PC that saves to a folder: TIFFs and the ``series.yaml`` beside them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, TypeAlias

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.formats.aside import disk_error, written_aside
from ltemlive.formats.images import write_frame_tiff
from ltemlive.formats.references import keep_references
from ltemlive.series import SERIES_FILE, SeriesDescription, SeriesFrame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from simulator.schedule import Announcement

Appearance: TypeAlias = Literal["renamed", "in_place"]
Described: TypeAlias = Literal["before", "after"]

IN_PLACE_PIECES = 8
"""A file that grows in place is written in this many pieces."""


class DirectoryEmitter:
    """Save every frame of one series to a folder.

    Parameters
    ----------
    folder
        Made if it is missing; it must not hold a series yet.
    appearance
        ``renamed``: a file is there whole or not at all. ``in_place``: it grows before
        the reader's eyes, as most cameras and copies to a share do it.
    copy_s
        How long a file that grows in place takes.
    described
        Whether ``series.yaml``, which is always replaced whole, tells a frame's defocus
        before its image is there or only after.
    sleep
        Pauses between the pieces of a file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        appearance: Appearance = "renamed",
        copy_s: float = 0.0,
        described: Described = "before",
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._folder = folder
        self._appearance = appearance
        self._copy_s = copy_s
        self._described = described
        self._sleep = sleep
        self._description: SeriesDescription | None = None

    def start(self, announcement: Announcement) -> None:
        """Make the folder and a ``series.yaml`` without frames.

        Raises
        ------
        ConfigError
            If the folder holds a series already.
        RecordingError
            If the disk refuses.
        """
        sidecar = self._folder / SERIES_FILE
        if sidecar.exists():
            raise ConfigError(
                f"{sidecar}: expected a folder without a series; choose an empty one"
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(self._folder, error) from error
        camera = announcement.camera
        kept = keep_references(self._folder, camera) if camera.changes_frames else None
        microscope = announcement.microscope.model_copy(update={"camera": kept})
        self._describe(
            SeriesDescription.model_validate(
                {**microscope.model_dump(), "series": announcement.series}
            )
        )

    def send(self, frame: Frame) -> None:
        """Save one frame as ``<seq, six digits>.tif`` and add it to ``series.yaml``.

        One that was saved before is saved again.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        if self._described == "before":
            self.describe(frame)
        if self._appearance == "renamed":
            self._write(self.file_of(frame), frame)
        else:
            self._grow(self.file_of(frame), self.encoded(frame))
        if self._described == "after":
            self.describe(frame)

    def file_of(self, frame: Frame) -> Path:
        """Return where a frame is saved."""
        return self._folder / f"{frame.meta.seq:06d}.tif"

    def encoded(self, frame: Frame) -> bytes:
        """Return the content of a frame's file.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        file = self.file_of(frame)
        whole = file.with_name(f".{file.name}.whole")
        self._write(whole, frame)
        try:
            content = whole.read_bytes()
            whole.unlink()
        except OSError as error:
            raise disk_error(whole, error) from error
        return content

    def describe(self, frame: Frame) -> None:
        """Add a frame to ``series.yaml``, unless it stands there.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        description = self._description
        if description is None:
            raise ValueError("send before start")
        entry = SeriesFrame(
            file=self.file_of(frame).name,
            defocus_nm=frame.meta.defocus_nm,
            exposure_s=frame.meta.exposure_s,
            seq=frame.meta.seq,
        )
        if all(each.file != entry.file for each in description.frames):
            frames = (*description.frames, entry)
            self._describe(description.model_copy(update={"frames": frames}))

    def end(self, exit_status: ExitStatus) -> None:
        """Do nothing: a folder cannot say that no more will come."""

    def _describe(self, description: SeriesDescription) -> None:
        values = description.model_dump(exclude_none=True)
        values["frames"] = [
            entry.model_dump(exclude_none=True, exclude_defaults=True)
            for entry in description.frames
        ]
        with written_aside(self._folder / SERIES_FILE, durable=False) as aside:
            aside.write_text(documents.dump(values), encoding="utf-8")
        self._description = description

    def _write(self, path: Path, frame: Frame) -> None:
        write_frame_tiff(
            path,
            frame.image,
            pixel_nm=frame.meta.pixel_nm,
            defocus_nm=frame.meta.defocus_nm,
            seq=frame.meta.seq,
            durable=False,
        )

    def _grow(self, path: Path, content: bytes) -> None:
        """Write the file under its own name, piece by piece."""
        piece = -(-len(content) // IN_PLACE_PIECES)
        try:
            with path.open("wb", buffering=0) as stream:
                for begin in range(0, len(content), piece):
                    stream.write(content[begin : begin + piece])
                    self._sleep(self._copy_s / IN_PLACE_PIECES)
        except OSError as error:
            raise disk_error(path, error) from error
