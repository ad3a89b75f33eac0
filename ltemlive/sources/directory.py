"""Frames from a watched folder, whatever wrote them there.

Events of the file system are hints to look, never proof: the folder is read again and
again, and a file counts when it has stopped growing and its reader accepts it. Here are
only the looks and the reads; what follows from them is decided in ``settling``,
``folder_plan``, ``folder_facts`` and ``fates``.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltemlive.arrivals import FrameArrived, FrameRefused, SeriesAnnounced, SeriesClosed
from ltemlive.errors import ConfigError, FrameError
from ltemlive.formats.images import IMAGE_SUFFIXES
from ltemlive.frames import Frame
from ltemlive.settings import MicroscopeSettings
from ltemlive.sources.counters import SourceCounters
from ltemlive.sources.fates import Fates
from ltemlive.sources.folder_facts import FolderFacts
from ltemlive.sources.folder_frames import frame_meta, read_whole_image
from ltemlive.sources.folder_plan import ImageKey, Numbering, is_image_name, same_name
from ltemlive.sources.grouping import grouped
from ltemlive.sources.settling import FileSettling, FileStamp
from ltemlive.sources.watching import FolderHints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.arrivals import AckStatus, Arrival
    from ltemlive.sources.folder_facts import ImageFacts

logger = logging.getLogger(__name__)

POLL_S = 0.1
"""The longest wait before ``stop`` is looked at again."""
PATIENCE = 40
"""Settling times that an unreadable file is given before it is refused."""


class DirectorySource:
    """Watch one folder as one series; its images are there already or come later.

    Parameters
    ----------
    folder
        The folder; its name is the id of the series.
    settle_ms
        A file is ready when size and mtime have been stable this long.
    rescan_s
        Longest pause between two looks, for events that never came.
    idle_end_s
        The series ends after this long without a change, once every image that
        ``series.yaml`` lists is settled; None: when it is stopped.
    defaults
        Where they say voltage and pixel size, a defocus in the file or its name is enough;
        else images wait for ``series.yaml``. The references of their camera are no frames.
    clock
        Monotonic seconds.

    Raises
    ------
    ConfigError
        If the folder is not there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settle_ms: float,
        rescan_s: float,
        idle_end_s: float | None = None,
        defaults: MicroscopeSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not folder.is_dir():
            raise ConfigError(
                f"input.folder: expected a folder, got {folder}; make it or mount its share"
            )
        self._folder = folder
        self.name = f"folder {folder}"
        self._rescan_s = rescan_s
        self._idle_end_s = idle_end_s
        self._clock = clock
        self._producer = str(uuid.uuid4())
        self._series = folder.resolve().name
        settle_s = settle_ms / 1e3
        self._settling = FileSettling(settle_s)
        defaults = defaults or MicroscopeSettings()
        self._facts = FolderFacts(
            self._settling,
            needs_description=None in (defaults.voltage_kv, defaults.pixel_nm),
        )
        references = defaults.camera.references if defaults.camera else {}
        self._references = {Path(file).resolve() for file in references.values()}
        self._fates = Fates(retry_s=settle_s, patience_s=PATIENCE * settle_s)
        self._numbering = Numbering()
        self._files: dict[str, Path] = {}
        self._announced: SeriesAnnounced | None = None
        self._is_closed = False
        self.counters = SourceCounters()

    def arrivals(self, stop: Any) -> Iterator[list[Arrival]]:
        """Yield what comes until ``stop`` is set, then what never became a frame."""
        return grouped(self._one_by_one(stop))

    def _one_by_one(self, stop: Any) -> Iterator[Arrival | None]:
        with FolderHints(self._folder) as hints:
            t_next_look = self._clock()
            while not stop.is_set():
                now = self._clock()
                if now >= t_next_look:
                    self._look(now)
                    t_next_look = now + self._rescan_s
                yield from self._take_what_is_due(now)
                # What was just handed over must be answered before the end is thought of.
                yield None
                if self._has_ended(now):
                    yield from self._close_series()
                    yield None
                if self._settling.unsettled():
                    # Looking again is what settles a file; more hints would not help.
                    stop.wait(POLL_S)
                    t_next_look = now
                elif hints.wait(POLL_S):
                    t_next_look = now
            now = self._clock()
            self._look(now)
            yield from self._take_what_is_due(now)
            yield None
            yield from self._close_series()

    def acknowledge(
        self, receipt: object, status: AckStatus, reason: str | None = None
    ) -> None:
        """Note what became of an image; one that nobody answers for is offered again."""
        if isinstance(receipt, ImageKey):
            self._fates.settle(receipt, is_taken=status != "rejected")
            self.counters.received += 1
            self.counters.duplicate += status == "duplicate"
            self.counters.rejected += status == "rejected"

    def close(self) -> None:
        """Do nothing: whatever is open belongs to ``arrivals``."""

    def _look(self, now: float) -> None:
        """Read the folder's names, sizes and times, and a new ``series.yaml``."""
        try:
            with os.scandir(self._folder) as entries:
                stats = {entry.name: entry.stat() for entry in entries if entry.is_file()}
        except OSError as error:
            # A share that is away comes back; what was seen in it stays known.
            logger.warning("%s: cannot be read now (%s)", self._folder, error.strerror)
            return
        self._files = {same_name(name): self._folder / name for name in stats}
        for name, stat in stats.items():
            stamp = FileStamp(stat.st_size, stat.st_mtime_ns)
            self._settling.observe(same_name(name), stamp, now)
        self._settling.forget_missing(self._files)
        self._fates.forget_missing(self._files)
        self._facts.refresh(self._files)

    def _take_what_is_due(self, now: float) -> Iterator[Arrival]:
        due = [
            (key, stamp, self._facts.facts(key, stamp))
            for name in self._image_names()
            if (stamp := self._settling.settled_stamp(name)) is not None
            for key in self._facts.images_of(name)
            if self._fates.is_due(key, stamp, now)
        ]
        if not all(facts.missing for _, _, facts in due):
            yield from self._announcement()
        for key, stamp, facts in sorted(due, key=_place):
            if self._is_closed:
                self._fates.refuse(key, stamp)
                yield self._refusal(key.label, "it came after the series had ended")
            elif facts.missing:
                self._fates.wait(key, stamp, facts.missing, now)
            else:
                yield from self._offer(key, stamp, facts, now)

    def _offer(
        self, key: ImageKey, stamp: FileStamp, facts: ImageFacts, now: float
    ) -> Iterator[Arrival]:
        try:
            image = read_whole_image(
                self._files[key.name], key, is_patient=self._fates.is_patient(key, now)
            )
            seq = self._numbering.assign(key, facts.wanted_seq)
            meta = frame_meta(key, facts, seq, self._facts.description)
            frame = Frame(meta, image)
        except FrameError as error:
            reason = str(error).replace(f"{self._folder}{os.sep}", "")
            if self._fates.fail(key, stamp, reason, now):
                yield self._refusal(key.label, reason)
            return
        crc32 = zlib.crc32(frame.image.data)
        match self._fates.take(key, stamp, crc32, now):
            case "offer":
                yield FrameArrived(
                    self._producer, self._series, frame, crc32, key.label, receipt=key
                )
            case "repetition":
                self.counters.duplicate += 1
            case "conflict":
                reason = "it was saved again with other content; the first one is kept"
                yield self._refusal(key.label, reason)

    def _announcement(self) -> Iterator[Arrival]:
        """Announce the series, and again when its description has changed."""
        optics = self._facts.stated_optics()
        announced = SeriesAnnounced(
            self._producer, self._series, optics, camera=self._facts.camera.camera
        )
        if announced != self._announced and not self._is_closed:
            self._announced = announced
            yield announced

    def _has_ended(self, now: float) -> bool:
        if self._idle_end_s is None or self._is_closed or not self._fates.n_taken():
            return False
        is_idle = now - self._settling.t_last_change >= self._idle_end_s
        return is_idle and all(map(self._fates.is_settled, self._facts.listed()))

    def _close_series(self) -> Iterator[Arrival]:
        """Refuse what never became a frame, each with its reason, and end the series."""
        leftovers = self._leftovers()
        if self._is_closed or not (self._announced or leftovers):
            return
        yield from self._announcement()
        for label, reason in leftovers.items():
            yield self._refusal(label, reason)
        self._is_closed = True
        is_whole = all(map(self._fates.is_settled, self._facts.listed()))
        self._fates.refuse_waiting()
        yield SeriesClosed(
            self._producer,
            self._series,
            "success" if is_whole else "abort",
            n_sent=self._fates.n_taken(),
        )

    def _leftovers(self) -> dict[str, str]:
        missing = [key for key in self._facts.listed() if key.name not in self._files]
        growing = [name for name in self._image_names() if self._is_growing(name)]
        return (
            {
                key.label: reason
                for key, reason in self._fates.waiting().items()
                if not self._is_reference(key.name)
            }
            | dict.fromkeys(growing, "it was still being written when the series ended")
            | {key.label: "series.yaml lists it, but it never came" for key in missing}
        )

    def _is_growing(self, name: str) -> bool:
        keys = self._facts.images_of(name)
        return not self._settling.has_settled(name) and not any(
            map(self._fates.is_taken, keys)
        )

    def _image_names(self) -> list[str]:
        """Return what may be frames; what was taken for one may turn out a reference."""
        return [
            name
            for name in self._files
            if is_image_name(name, IMAGE_SUFFIXES) and not self._is_reference(name)
        ]

    def _is_reference(self, name: str) -> bool:
        is_named = (
            bool(self._references) and self._files[name].resolve() in self._references
        )
        return is_named or self._facts.camera.is_reference(name)

    def _refusal(self, label: str, reason: str) -> FrameRefused:
        self.counters.rejected += 1
        return FrameRefused(self._producer, self._series, label, reason)


def _place(due: tuple[ImageKey, FileStamp, ImageFacts]) -> tuple[float, str, int]:
    """Order by number; what has none comes last, by name."""
    key, _, facts = due
    seq = float("inf") if facts.wanted_seq is None else facts.wanted_seq
    return seq, key.name, key.page
