"""The files of a group that is being recorded: written at once, on the disk at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.formats.aside import disk_error, sync
from ltemlive.formats.images import write_frame_tiff
from ltemlive.recording.layout import series_folder, write_description
from ltemlive.recording.ledger import FRAMES_FOLDER, frame_file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ltemlive.frames import Frame
    from ltemlive.recording.ledger import SeriesRecord

ALWAYS_DESCRIBED = 256
"""Frames of a series up to which its ``series.yaml`` is never behind. Beyond, it is written
for each sixteenth part more, and at the end: to list ten thousand takes a second."""


class SessionFiles:
    """Frames and descriptions below one session folder; not safe for several threads."""

    def __init__(self, session: Path) -> None:
        self._session = session
        self._new: list[Path] = []
        self._to_describe: dict[int, bool] = {}
        self._n_described: dict[int, int] = {}

    def write_frame(self, record: SeriesRecord, frame: Frame) -> Path:
        """Write the next frame of a series and return its file.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        meta = frame.meta
        folder = series_folder(self._session, record.ordinal)
        file = folder / FRAMES_FOLDER / frame_file_name(meta.seq)
        write_frame_tiff(
            file,
            frame.image,
            pixel_nm=meta.pixel_nm or record.microscope.pixel_nm,
            defocus_nm=meta.defocus_nm,
            seq=meta.seq,
            durable=False,
        )
        self._new.append(file)
        if self._is_far_behind(record):
            self._to_describe.setdefault(record.ordinal, False)
        return file

    def describe(self, ordinals: Iterable[int]) -> None:
        """Have series described at the end of the group, durably."""
        self._to_describe |= dict.fromkeys(ordinals, True)

    def sync(self, records: Mapping[int, SeriesRecord]) -> None:
        """Bring to the disk what was written, and describe series as ``records`` are.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        new, self._new = self._new, []
        to_describe, self._to_describe = self._to_describe, {}
        for path in [*new, *dict.fromkeys(file.parent for file in new)]:
            try:
                sync(path)
            except OSError as error:
                raise disk_error(path, error) from error
        # A description that runs ahead is mended by the next frame or by ``resume``; one
        # that lags behind would hide a frame that was acknowledged.
        for ordinal, durable in to_describe.items():
            record = records[ordinal]
            write_description(self._session, record, durable=durable)
            self._n_described[ordinal] = len(record.frames)

    def forget(self) -> None:
        """Forget the group: nothing speaks of its files, and others will replace them."""
        self._new, self._to_describe = [], {}

    def _is_far_behind(self, record: SeriesRecord) -> bool:
        n_frames = len(record.frames) + 1
        n_described = self._n_described.get(record.ordinal, 0)
        return n_frames <= ALWAYS_DESCRIBED or n_frames >= 17 / 16 * n_described
