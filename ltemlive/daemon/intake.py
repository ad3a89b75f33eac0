"""What becomes of each arrival: on disk first, then acknowledged, then to the solver."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from ltemlive import documents
from ltemlive.arrivals import FrameArrived, FrameRefused, SeriesAnnounced, SeriesClosed
from ltemlive.camera import NO_CAMERA
from ltemlive.daemon.admission import SeriesRules, admitted, microscope_for
from ltemlive.daemon.mailbox import SeriesOpened, SeriesOver, StoredFrame
from ltemlive.errors import ConfigError, FrameError, RecordingError
from ltemlive.events import AdviceGiven, FrameRejected, FrameStored, SeriesStarted
from ltemlive.physics.correction import corrected_shape
from ltemlive.series import Optics

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as StopSignal

    from ltemlive.arrivals import AckStatus, Arrival
    from ltemlive.camera import Camera
    from ltemlive.daemon.admission import Defaults
    from ltemlive.daemon.mailbox import Mailbox
    from ltemlive.daemon.protocols import FrameSource
    from ltemlive.daemon.status import StatusBoard
    from ltemlive.events import Event, ExitStatus
    from ltemlive.recording.session import SessionRecorder

_log = logging.getLogger(__name__)

Outcome: TypeAlias = tuple["AckStatus", str | None]
Key: TypeAlias = tuple[str, str]
"""Producer and series."""


class Intake:
    """Record arrivals of all sources; one lock, so that series keep their order.

    Parameters
    ----------
    publish
        Takes events; must not block.
    defaults
        What neither a frame nor its series says.
    clock
        Seconds since 1970.
    """

    def __init__(
        self,
        recorder: SessionRecorder,
        mailbox: Mailbox,
        board: StatusBoard,
        *,
        publish: Callable[[Event], None],
        defaults: Defaults,
        clock: Callable[[], float],
    ) -> None:
        self._recorder = recorder
        self._mailbox = mailbox
        self._board = board
        self._publish = publish
        self._defaults = defaults
        self._clock = clock
        self._lock = threading.Lock()
        self._rules: dict[Key, SeriesRules] = {}
        self._ordinals: dict[Key, int] = {}
        self._early_rejections: dict[Key, list[tuple[str, str]]] = {}

    def run(self, source: FrameSource, stop: StopSignal) -> None:
        """Take what a source yields until ``stop`` is set; answer on the same thread."""
        for arrival in source.arrivals(stop):
            try:
                status, reason = self.handle(arrival)
            except RecordingError as error:
                # Unanswered, so its producer keeps it and offers it again.
                _log.error("%s", error)
                self._publish(AdviceGiven(str(error), "error"))
                continue
            source.acknowledge(arrival.receipt, status, reason)

    def handle(self, arrival: Arrival) -> Outcome:
        """Record one arrival and return what to answer.

        Raises
        ------
        RecordingError
            If the disk refuses: nothing may be acknowledged then.
        """
        with self._lock:
            if isinstance(arrival, SeriesAnnounced):
                return self._announce(arrival)
            if isinstance(arrival, FrameArrived):
                return self._take(arrival)
            if isinstance(arrival, FrameRefused):
                key = (arrival.producer, arrival.series)
                return self._reject(key, arrival.label, arrival.reason)
            return self._close(arrival)

    def end_series(self, exit_status: ExitStatus = "success") -> str | None:
        """End the newest open series and return its id; None where none is open.

        Raises
        ------
        RecordingError
            If the disk refuses; the series stays open then.
        """
        with self._lock:
            open_keys = [key for key in self._ordinals if not self._rules[key].is_over]
            if not open_keys:
                return None
            producer, series = open_keys[-1]
            self._close(SeriesClosed(producer, series, exit_status))
            return series

    def _announce(self, announced: SeriesAnnounced) -> Outcome:
        key = (announced.producer, announced.series)
        if key in self._ordinals:
            self._check_same_camera(key, announced.camera)
            return "ok", None
        try:
            documents.validated(
                dict(announced.optics), Optics, where=f"series {announced.series}"
            )
        except ConfigError as error:
            return "rejected", str(error).replace("\n", "; ")
        self._rules[key] = SeriesRules(
            announced.optics,
            announced.camera,
            announced.plan_defocus_nm,
            announced.n_expected,
        )
        return "ok", None

    def _check_same_camera(self, key: Key, camera: Camera | None) -> None:
        """Tell that a camera came too late: replays must find what the engine had."""
        before = self._rules[key].camera
        if camera is not None and before is not None and camera.settings != before.settings:
            text = (
                f"{key[1]}: its camera was described after its first frame, and does not "
                "count; mend series.yaml in the session, and `ltemlive reconstruct`"
            )
            self._publish(AdviceGiven(text, "warning", self._ordinals[key]))

    def _take(self, arrived: FrameArrived) -> Outcome:
        key = (arrived.producer, arrived.series)
        rules = self._rules.get(key, SeriesRules())
        known = self._known_frame(key, arrived)
        if known is not None:
            return known
        try:
            frame = admitted(arrived.frame, rules, self._defaults.microscope)
            if rules.microscope is None:
                microscope = microscope_for(frame, rules, self._defaults.microscope)
                shape = frame.image.shape
                camera = rules.camera or self._defaults.camera
                rules = replace(rules, microscope=microscope, shape=shape, camera=camera)
                self._open(key, rules)
            self._list_early_rejections(key)
            return self._store(key, replace(arrived, frame=frame))
        except FrameError as error:
            return self._reject(key, arrived.label, str(error))

    def _known_frame(self, key: Key, arrived: FrameArrived) -> Outcome | None:
        """Return the answer to a frame whose number is stored already, else None."""
        if key not in self._ordinals:
            return None
        seq = arrived.frame.meta.seq
        stored = self._recorder.record(self._ordinals[key]).frame(seq)
        if stored is None:
            return None
        if stored.crc32 == arrived.crc32:
            self._board.note_duplicate()
            return "duplicate", None
        reason = (
            f"frame {seq}: expected the content stored under this number (crc32 "
            f"{stored.crc32:08x}), got another (crc32 {arrived.crc32:08x}); the first is "
            "kept"
        )
        return self._reject(key, arrived.label, reason)

    def _open(self, key: Key, rules: SeriesRules) -> None:
        if rules.microscope is None:
            return
        ordinal = self._recorder.open_series(
            *key, rules.microscope, rules.n_expected, rules.camera or NO_CAMERA
        )
        self._rules[key], self._ordinals[key] = rules, ordinal
        microscope = self._recorder.record(ordinal).microscope
        self._mailbox.put(SeriesOpened(ordinal, key[1], microscope))
        self._publish(SeriesStarted(ordinal, key[1], rules.n_expected))
        self._check_camera(ordinal, rules)

    def _check_camera(self, ordinal: int, rules: SeriesRules) -> None:
        """Tell where raw frames cannot be corrected: they are recorded all the same."""
        try:
            corrected_shape(rules.shape or (), rules.camera or NO_CAMERA)
        except FrameError as error:
            text = (
                f"no phase: {error}; frames are recorded: mend `camera` in their "
                "series.yaml, and `ltemlive reconstruct`"
            )
            self._publish(AdviceGiven(text, "error", ordinal))

    def _list_early_rejections(self, key: Key) -> None:
        """Enter what was refused before the series had a folder into its record."""
        rejections = self._early_rejections.get(key, [])
        while rejections:
            self._recorder.reject(key[1], *rejections[0], self._ordinals[key])
            rejections.pop(0)

    def _store(self, key: Key, arrived: FrameArrived) -> Outcome:
        ordinal, frame = self._ordinals[key], arrived.frame
        now = self._clock()
        self._recorder.received(*key, arrived.label, arrived.crc32)
        self._recorder.store(ordinal, *key, frame, arrived.crc32, now)
        self._mailbox.put(StoredFrame(ordinal, frame))
        meta = frame.meta
        self._publish(FrameStored(ordinal, key[1], meta.seq, meta.defocus_nm, now))
        return "stored", None

    def _reject(self, key: Key, label: str, reason: str) -> Outcome:
        ordinal = self._ordinals.get(key)
        self._recorder.reject(key[1], label, reason, ordinal)
        if ordinal is None:
            self._early_rejections.setdefault(key, []).append((label, reason))
        self._publish(FrameRejected(key[1], label, reason, ordinal))
        _log.warning("%s: rejected %s: %s", key[1], label, reason)
        return "rejected", reason

    def _close(self, closed: SeriesClosed) -> Outcome:
        key = (closed.producer, closed.series)
        rules = self._rules.get(key, SeriesRules())
        if rules.is_over:
            return "ok", None
        ordinal = self._ordinals.get(key)
        if ordinal is not None:
            self._recorder.end_series(ordinal, closed.exit_status)
            self._mailbox.put(SeriesOver(ordinal, closed.exit_status))
        # Not before: an end that the disk refused comes again and must count then.
        self._rules[key] = replace(rules, is_over=True)
        return "ok", None
