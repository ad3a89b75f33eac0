"""The frames of a recorded session once more: to a folder, or to a daemon."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from ltemlive.cli.emitting import check_destination, check_taken
from ltemlive.cli.keys import client_keys
from ltemlive.cli.terminal import console
from ltemlive.errors import ConfigError
from simulator.folder_emitter import DirectoryEmitter
from simulator.recorded import Pace, RecordedArrival, RecordedExposures, play_again
from simulator.zmq_emitter import ZmqEmitter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltemlive.keys import ClientKeys
    from ltemlive.recording.ledger import SeriesRecord
    from ltemlive.recording.replay import RecordedSession
    from ltemlive.series import StoredSeries


def emit_session(
    recorded: RecordedSession,
    to: tuple[str, str],
    *,
    speed: float | None,
    keys: Path | None = None,
) -> Iterator[str]:
    """Play every series of a session, one after the other; yield what there is to say.

    In a folder each gets one of its own, with files that are whole when they appear; to a
    daemon each comes from a producer of its own.

    Raises
    ------
    ConfigError
        If the session has no frame, or the destination or the keys cannot be used.
    WireError
        If the daemon refuses a frame, or does not answer.
    """
    check_destination(to, keys)
    kind, where = to
    own_keys = client_keys(keys)
    if not any(stored.frames for stored in recorded.series):
        raise ConfigError(f"{recorded.path}: expected a session with frames, got none")
    pace = Pace(clock=time.monotonic, speed=speed)
    for stored, record in zip(recorded.series, recorded.records, strict=True):
        yield from _what_is_left_behind(stored, record, kind)
        if not stored.frames:
            continue
        target = f"{where}/{record.ordinal:04d}" if kind == "folder" else where
        exposures = RecordedExposures(
            stored, record.series, _arrivals(recorded, record), record.exit_status
        )
        with console.status(escape(f"{record.series}: playing, to {kind} {target}")):
            outcome = _played(exposures, (kind, target), pace, own_keys)
        yield outcome


def _arrivals(recorded: RecordedSession, record: SeriesRecord) -> Iterator[RecordedArrival]:
    t_first = recorded.arrivals[0].t
    return (RecordedArrival(frame.seq, frame.t - t_first) for frame in record.frames)


def _what_is_left_behind(
    stored: StoredSeries, record: SeriesRecord, kind: str
) -> Iterator[str]:
    """Yield what of a series does not go out with its frames."""
    if stored.rejected or not stored.frames:
        yield (
            f"{record.series}: {len(stored.frames)} frames to play; "
            f"{len(stored.rejected)} that were refused or cannot be used are not there"
        )
    if kind == "zmq" and stored.camera.changes_frames:
        yield (
            f"{record.series}: its frames are raw, and no camera goes through a socket; "
            f"the daemon needs microscope.camera as in {stored.folder / 'series.yaml'}"
        )


def _played(
    exposures: RecordedExposures, to: tuple[str, str], pace: Pace, keys: ClientKeys | None
) -> str:
    kind, where = to
    if kind == "folder":
        folder = DirectoryEmitter(Path(where))
        n_written = play_again(exposures, folder, sleep=time.sleep, pace=pace)
        return f"{n_written} frames written to {where}"
    with ZmqEmitter(where, producer=str(uuid.uuid4()), keys=keys) as daemon:
        n_sent = play_again(exposures, daemon, sleep=daemon.sleep, pace=pace)
        check_taken(daemon, where, n_sent)
    return f"{n_sent} frames acknowledged by {where}"
