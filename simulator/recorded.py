"""A series that was recorded before, ready to be played again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from simulator.schedule import Announcement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltemlive.frames import Frame
    from ltemlive.series import StoredSeries


class RecordedExposures:
    """The frames of a stored series, in seq order, with what was known of each.

    Raises
    ------
    ConfigError
        If the series has no frame.
    """

    def __init__(self, stored: StoredSeries, series: str) -> None:
        if not stored.frames:
            raise ConfigError(f"{stored.folder}: expected a series with frames, got none")
        self._stored = stored
        self._series = series

    @property
    def announcement(self) -> Announcement:
        """What is known before the first frame."""
        frames = self._stored.frames
        ny, nx = frames[0].image.shape
        return Announcement(
            series=self._series,
            microscope=self._stored.microscope,
            n_expected=len(frames),
            plan_defocus_nm=None,
            pixel_type=frames[0].image.dtype.str,
            shape=(ny, nx),
            camera=self._stored.camera,
        )

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, each with the voltage and pixel of the series."""
        microscope = self._stored.microscope
        for frame in self._stored.frames:
            meta = replace(
                frame.meta,
                voltage_kv=microscope.voltage_kv,
                pixel_nm=microscope.pixel_nm,
            )
            yield replace(frame, meta=meta)
