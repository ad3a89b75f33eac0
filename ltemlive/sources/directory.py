"""Frames from a watched folder, whatever wrote them there.

Events of the file system are hints to look, never proof: the folder is read again and
again, and a file counts when it has stopped growing and its reader accepts it. Here are
only the looks and the reads; what follows from them is decided in ``settling``,
``folder_plan``, ``folder_facts``, ``folder_rest`` and ``fates``.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltemlive.arrivals import (
    FrameArrived,
    FrameRefused,
    ProducerHeard,
    SeriesAnnounced,
    SeriesClosed,
)
from ltemlive.errors import ConfigError, FrameError
from ltemlive.frames import Frame
from ltemlive.settings import MicroscopeSettings
from ltemlive.sources.counters import SourceCounters
from ltemlive.sources.due_images import DueImages
from ltemlive.sources.fates import Fates
from ltemlive.sources.folder_facts import FolderFacts
from ltemlive.sources.folder_frames import frame_meta, read_whole_image
from ltemlive.sources.folder_plan import ImageKey, Numbering, labelled
from ltemlive.sources.folder_rest import FolderRest
from ltemlive.sources.folder_view import FolderView
from ltemlive.sources.grouping import grouped
from ltemlive.sources.settling import FileSettling
from ltemlive.sources.watching import FolderHints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ltemlive.arrivals import AckStatus, Arrival
    from ltemlive.events import ExitStatus
    from ltemlive.sources.folder_facts import ImageFacts
    from ltemlive.sources.settling import FileStamp

logger = logging.getLogger(__name__)

POLL_S = 0.1
"""The longest wait before ``stop`` is looked at again."""
MICROSCOPE_KEYS = ("voltage_kv", "pixel_nm")
"""What a series needs, from the settings or from its folder."""
PATIENCE = 40
"""Settling times that an unreadable file is given before it is refused."""
END = "end of the series"
"""Receipt of it; until it is answered the end is told again at each look."""


class DirectorySource:
    """Watch one folder as one series; its images are there already or come later.

    Parameters
    ----------
    folder
        The folder; its name is the id of the series, its place that of the producer.
    settle_ms
        A file is ready when size and mtime have been stable this long.
    rescan_s
        Longest pause between two looks, for events that never came.
    idle_end_s
        The series ends after this long without a change, once every image that
        ``series.yaml`` lists is settled; None: when it is stopped, as abandoned, so that
        it may go on, unless ``series.yaml`` lists every image.
    defaults
        Where they say voltage and pixel size, a defocus in the file or its name is enough;
        else images wait for ``series.yaml``. The references of their camera are no frames.
    file_pattern
        What names are read with, see ``facts_in_name``; None: what is built in.
    plan_defocus_nm
        Defocus by number, of images that nothing else tells of.
    known
        Seq by label, of images that were recorded before. They are offered again, with the
        same seq, and whoever has them says that they are duplicates.
    clock
        Monotonic seconds.

    Raises
    ------
    ConfigError
        If the folder is not there.
    """

    def __init__(  # noqa: PLR0913  (each is a setting of its own)
        self,
        folder: Path,
        *,
        settle_ms: float,
        rescan_s: float,
        idle_end_s: float | None = None,
        defaults: MicroscopeSettings | None = None,
        file_pattern: str | None = None,
        plan_defocus_nm: Sequence[float] | None = None,
        known: Mapping[str, int] | None = None,
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
        self._producer, self._series = folder_key(folder)
        settle_s = settle_ms / 1e3
        self._settling = FileSettling(settle_s)
        defaults = defaults or MicroscopeSettings()
        self._facts = FolderFacts(
            self._settling,
            needs=[name for name in MICROSCOPE_KEYS if getattr(defaults, name) is None],
            pattern=file_pattern,
            plan_defocus_nm=plan_defocus_nm,
        )
        references = defaults.camera.references if defaults.camera else {}
        self._view = FolderView(
            folder, self._settling, {Path(file).resolve() for file in references.values()}
        )
        self._fates = Fates(retry_s=settle_s, patience_s=PATIENCE * settle_s)
        self._numbering = Numbering(known)
        self._due = DueImages(
            self._view, self._settling, self._facts, self._fates, news_s=rescan_s
        )
        self._rest = FolderRest(
            self._view, self._settling, self._facts, self._fates, self._due
        )
        self._gone: dict[ImageKey, str] = {}
        self._announced: SeriesAnnounced | None = None
        self._is_closed = False
        self._t_next_end = float("-inf")
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
                if self._is_open_and_there():
                    yield ProducerHeard(self._producer, self._series)
                yield from self._take_what_is_due(now)
                # What was just handed over must be answered before the end is thought of.
                yield None
                if self._has_ended(now):
                    yield from self._close_series("success")
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
            # More may come when the session goes on: that is no end to all of it.
            yield from self._close_series(
                "success" if self._rest.is_none() else "abandoned"
            )

    def _is_open_and_there(self) -> bool:
        is_open = self._announced is not None and not self._is_closed
        return is_open and self._folder.is_dir()

    def acknowledge(
        self, receipt: object, status: AckStatus, reason: str | None = None
    ) -> None:
        """Note what became of an image; one that nobody answers for is offered again."""
        if receipt == END:
            self._is_closed = True
            self._fates.refuse_waiting()
        elif isinstance(receipt, ImageKey):
            self._fates.settle(receipt, is_taken=status != "rejected")
            self.counters.received += 1
            self.counters.duplicate += status == "duplicate"
            self.counters.rejected += status == "rejected"

    def close(self) -> None:
        """Do nothing: whatever is open belongs to ``arrivals``."""

    def _look(self, now: float) -> None:
        """Read the folder's names, sizes and times, and what is new of descriptions."""
        if self._view.look(now):
            self._gone |= self._fates.forget_missing(self._view.files)
            self._due.refresh(now)

    def _take_what_is_due(self, now: float) -> Iterator[Arrival]:
        due = self._due.now_due(now)
        if not all(facts.missing for _, _, facts in due):
            yield from self._announcement()
        for key, stamp, facts in due:
            if self._is_closed:
                self._fates.refuse(key, stamp)
                yield self._refusal(key.label, "it came after the series had ended")
            elif facts.missing:
                self._fates.wait(key, stamp, facts.missing)
            else:
                yield from self._offer(key, stamp, facts, now)
        yield from self._tell_gone()

    def _tell_gone(self) -> Iterator[Arrival]:
        """Refuse what was waiting when somebody removed it, each with its reason."""
        gone, self._gone = self._gone, {}
        for label, reason in labelled(gone).items():
            yield self._refusal(label, f"it was removed or renamed before use: {reason}")

    def _offer(
        self, key: ImageKey, stamp: FileStamp, facts: ImageFacts, now: float
    ) -> Iterator[Arrival]:
        try:
            image = read_whole_image(
                self._view.files[key.name],
                key,
                damage=facts.damage,
                is_patient=self._fates.is_patient(key, now),
            )
            seq = self._numbering.assign(key, facts.wanted_seq)
            frame = Frame(frame_meta(key, facts, seq), image)
        except FrameError as error:
            reason = str(error).replace(f"{self._folder}{os.sep}", "")
            is_over = self._fates.fail(key, stamp, reason, now)
            # What was taken stays so, whatever becomes of its file.
            if is_over and not self._fates.is_taken(key):
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
        if now < self._t_next_end or self._fates.has_offers():
            return False
        is_idle = now - self._settling.t_last_change >= self._idle_end_s
        return is_idle and all(map(self._fates.is_settled, self._facts.listed()))

    def _close_series(self, exit_status: ExitStatus) -> Iterator[Arrival]:
        """Refuse what never became a frame, each with its reason, and end the series."""
        leftovers = self._rest.leftovers()
        if self._is_closed or not (self._announced or leftovers):
            return
        yield from self._announcement()
        for label, reason in leftovers.items():
            yield self._refusal(label, reason)
        self._t_next_end = self._clock() + self._rescan_s
        n_sent = self._fates.n_taken()
        yield SeriesClosed(self._producer, self._series, exit_status, n_sent, receipt=END)

    def _refusal(self, label: str, reason: str) -> FrameRefused:
        self.counters.rejected += 1
        return FrameRefused(self._producer, self._series, label, reason)


def folder_key(folder: Path) -> tuple[str, str]:
    """Return producer and series of a watched folder.

    They are the same again after a restart: a session that goes on knows its series.
    """
    path = folder.resolve()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, path.as_uri())), path.name
