"""What one arrival means for its series, and what follows from it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from ltemlive import documents
from ltemlive.arrivals import (
    FrameArrived,
    FrameRefused,
    ProducerHeard,
    SeriesAnnounced,
    SeriesClosed,
)
from ltemlive.camera import NO_CAMERA
from ltemlive.daemon.admission import admitted, microscope_for
from ltemlive.daemon.mailbox import SeriesOpened, SeriesOver, StoredFrame
from ltemlive.daemon.registry import MAX_EARLY_REJECTIONS, KnownSeries, Registry
from ltemlive.errors import ConfigError, FrameError
from ltemlive.events import AdviceGiven, FrameRejected, FrameStored, SeriesStarted
from ltemlive.physics.correction import corrected_shape
from ltemlive.recording.ledger import journal_values
from ltemlive.series import Optics
from ltemlive.sockets import is_worth_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.arrivals import AckStatus, Arrival
    from ltemlive.daemon.admission import Defaults, SeriesRules
    from ltemlive.events import Event
    from ltemlive.frames import Frame
    from ltemlive.recording.ledger import Key
    from ltemlive.recording.session import SessionRecorder

_log = logging.getLogger(__name__)

LOGGED_REJECTIONS = 16
"""Refused frames that are each logged; of a flood only the 32nd, 64th and so on."""


@dataclass(frozen=True, slots=True)
class FrameRepeated:
    """A frame came again that is stored already."""

    seq: int


Outcome: TypeAlias = tuple["AckStatus", str | None]
Effect: TypeAlias = "SeriesOpened | StoredFrame | SeriesOver | Event | FrameRepeated"


class Desk:
    """Record arrivals one by one; what they lead to waits in ``effects``.

    Parameters
    ----------
    defaults
        What neither a frame nor its series says.
    clock
        Seconds since 1970.
    """

    def __init__(
        self, recorder: SessionRecorder, *, defaults: Defaults, clock: Callable[[], float]
    ) -> None:
        self.recorder = recorder
        self._defaults = defaults
        self._clock = clock
        self._n_rejected = 0
        self.registry = Registry(recorder.ledger)
        self.effects: list[Effect] = []
        """Letters to the solver, and events, oldest first."""

    def outcome(self, arrival: Arrival) -> Outcome:
        """Record an arrival and return what to answer once the disk has it.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        key = (arrival.producer, arrival.series)
        match arrival:
            case SeriesAnnounced():
                return self._announce(key, arrival)
            case FrameArrived():
                return self._take(key, arrival)
            case FrameRefused():
                return self._reject(key, arrival.label, arrival.reason)
            case SeriesClosed():
                return self._close(key, arrival)
            case ProducerHeard():
                return "ok", None

    def _announce(self, key: Key, announced: SeriesAnnounced) -> Outcome:
        known = self.registry[key]
        if known.ordinal is not None:
            self._check_same_camera(known, announced)
            return "ok", None
        try:
            documents.validated(
                dict(announced.optics), Optics, where=f"series {announced.series}"
            )
        except ConfigError as error:
            return "rejected", str(error).replace("\n", "; ")
        rules = replace(
            known.rules,
            optics=announced.optics,
            camera=announced.camera,
            plan_defocus_nm=announced.plan_defocus_nm,
            n_expected=announced.n_expected,
        )
        if rules != known.rules:
            self.recorder.announce(announced)
            self.registry[key] = replace(known, rules=rules)
        return "ok", None

    def _check_same_camera(self, known: KnownSeries, announced: SeriesAnnounced) -> None:
        """Tell that a camera came too late: replays must find what the engine had."""
        before, camera = known.rules.camera, announced.camera
        if camera is not None and before is not None and camera.settings != before.settings:
            text = (
                f"{announced.series}: its camera was described after its first frame, and "
                "does not count; when the series has ended, mend its series.yaml, and "
                "`ltemlive reconstruct`"
            )
            self.effects.append(AdviceGiven(text, "warning", known.ordinal))

    def _take(self, key: Key, arrived: FrameArrived) -> Outcome:
        outcome = self._outcome_before(key, arrived)
        if outcome is not None:
            return outcome
        try:
            known = self.registry[key]
            goes_on = self._is_abandoned(known)
            rules = replace(known.rules, is_over=known.rules.is_over and not goes_on)
            frame = admitted(arrived.frame, rules, self._defaults.microscope)
            journal_values(frame)
            if goes_on:
                self._reopen(key)
            ordinal = known.ordinal or self._open(key, known, frame)
            return self._store(ordinal, key, replace(arrived, frame=frame))
        except FrameError as error:
            return self._reject(key, arrived.label, str(error))

    def _outcome_before(self, key: Key, arrived: FrameArrived) -> Outcome | None:
        """Return the answer to a frame whose number is stored already, else None."""
        ordinal = self.registry[key].ordinal
        if ordinal is None:
            return None
        seq = arrived.frame.meta.seq
        stored = self.recorder.record(ordinal).frame(seq)
        if stored is None:
            return None
        if stored.crc32 == arrived.crc32:
            self.effects.append(FrameRepeated(seq))
            return "duplicate", None
        reason = (
            f"frame {seq}: expected the content stored under this number (crc32 "
            f"{stored.crc32:08x}), got another (crc32 {arrived.crc32:08x}); the first is "
            "kept"
        )
        return self._reject(key, arrived.label, reason)

    def _open(self, key: Key, known: KnownSeries, frame: Frame) -> int:
        """Give a series its folder, and the solver a word of it; return its ordinal."""
        rules = known.rules
        microscope = microscope_for(frame, rules, self._defaults.microscope)
        camera = rules.camera or self._defaults.camera
        ny, nx = frame.image.shape
        rules = replace(rules, microscope=microscope, shape=(ny, nx), camera=camera)
        announced = SeriesAnnounced(
            *key, n_expected=rules.n_expected, plan_defocus_nm=rules.plan_defocus_nm
        )
        ordinal = self.recorder.open_series(announced, microscope, (ny, nx), camera)
        for rejection in known.early_rejections:
            self.recorder.reject(key[1], *rejection, ordinal)
        self.registry[key] = KnownSeries(rules, ordinal)
        microscope = self.recorder.record(ordinal).microscope
        self.effects.append(SeriesOpened(ordinal, key[1], microscope))
        self.effects.append(SeriesStarted(ordinal, key[1], rules.n_expected))
        self._check_camera(ordinal, rules)
        return ordinal

    def _check_camera(self, ordinal: int, rules: SeriesRules) -> None:
        """Tell where raw frames cannot be corrected: they are recorded all the same."""
        try:
            corrected_shape(rules.shape or (), rules.camera or NO_CAMERA)
        except FrameError as error:
            text = (
                f"no phase: {error}; frames are recorded: when the series has ended, mend "
                "`camera` in its series.yaml, and `ltemlive reconstruct`"
            )
            self.effects.append(AdviceGiven(text, "error", ordinal))

    def _is_abandoned(self, known: KnownSeries) -> bool:
        if known.ordinal is None or not known.rules.is_over:
            return False
        return self.recorder.record(known.ordinal).exit_status == "abandoned"

    def _reopen(self, key: Key) -> None:
        """Go on with a series that was given up, now that its producer is back."""
        known = self.registry[key]
        record = self.recorder.record(known.ordinal or 0)
        self.recorder.reopen_series(record.ordinal)
        self.registry[key] = replace(known, rules=replace(known.rules, is_over=False))
        text = f"{record.series}: its producer is back, the series goes on"
        self.effects += [
            SeriesOpened(record.ordinal, record.series, record.microscope, is_resumed=True),
            AdviceGiven(text, "info", record.ordinal),
        ]

    def _store(self, ordinal: int, key: Key, arrived: FrameArrived) -> Outcome:
        frame, now = arrived.frame, self._clock()
        self.recorder.received(key, arrived.label, arrived.crc32)
        self.recorder.store(ordinal, frame, arrived.crc32, now)
        meta = frame.meta
        self.effects += [
            StoredFrame(ordinal, frame),
            FrameStored(ordinal, key[1], meta.seq, meta.defocus_nm, now),
        ]
        conflict = meta.meta.get("defocus_conflict")
        if isinstance(conflict, str):
            text = f"{arrived.label}: {conflict}; the first is used"
            self.effects.append(AdviceGiven(text, "warning", ordinal))
            _log.warning("%s: %s", key[1], text)
        return "stored", None

    def _reject(self, key: Key, label: str, reason: str) -> Outcome:
        known = self.registry[key]
        self.recorder.reject(key[1], label, reason, known.ordinal)
        if known.ordinal is None:
            early = (*known.early_rejections, (label, reason))[:MAX_EARLY_REJECTIONS]
            self.registry[key] = replace(known, early_rejections=early)
        self.effects.append(FrameRejected(key[1], label, reason, known.ordinal))
        self._n_rejected += 1
        if self._n_rejected <= LOGGED_REJECTIONS or is_worth_logging(self._n_rejected):
            _log.warning("%s: rejected %s: %s", key[1], label, reason)
        return "rejected", reason

    def _close(self, key: Key, closed: SeriesClosed) -> Outcome:
        known = self.registry[key]
        is_late = closed.exit_status != "abandoned" and self._is_abandoned(known)
        if known.rules.is_over and not is_late:
            return "ok", None
        if known.ordinal is not None:
            self.recorder.end_series(known.ordinal, closed.exit_status)
            times_reopened = self.recorder.record(known.ordinal).times_reopened
            over = SeriesOver(known.ordinal, closed.exit_status, times_reopened)
            self.effects.append(over)
        self.registry[key] = replace(known, rules=replace(known.rules, is_over=True))
        return "ok", None
