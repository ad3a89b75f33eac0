"""Frames out of the house, simulated or recorded: to a folder, or to a daemon."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from ltemlive.cli.terminal import console
from ltemlive.errors import ConfigError, WireError
from simulator.folder_emitter import DirectoryEmitter
from simulator.recorded import RecordedExposures
from simulator.schedule import run_schedule
from simulator.zmq_emitter import ZmqEmitter

if TYPE_CHECKING:
    from ltemlive.recording.replay import RecordedSession
    from simulator.schedule import Exposures

COPY_S = 0.5
"""How long one file takes to grow in the folder, as on a microscope's share."""
AS_FAST_AS_POSSIBLE = 1e6


def emit(
    exposures: Exposures, to: tuple[str, str], *, dead_time_s: float, speed: float = 1.0
) -> str:
    """Play a series to ``("folder", DIR)`` or ``("zmq", ENDPOINT)``; say how it went.

    Raises
    ------
    ConfigError
        If the destination is neither, or cannot be used.
    WireError
        If the daemon refuses a frame, or does not answer.
    """
    title = f"{exposures.announcement.series}: exposing, to {' '.join(to)}"
    with console.status(escape(title)):
        return _emit(exposures, to, dead_time_s=dead_time_s, speed=speed)


def _emit(
    exposures: Exposures, to: tuple[str, str], *, dead_time_s: float, speed: float
) -> str:
    kind, where = to
    if kind == "folder":
        folder = DirectoryEmitter(Path(where), appearance="in_place", copy_s=COPY_S)
        n_frames = run_schedule(
            exposures,
            folder,
            sleep=time.sleep,
            clock=time.time,
            dead_time_s=dead_time_s,
            speed=speed,
        )
        return f"{n_frames} frames written to {where}"
    if kind != "zmq":
        raise ConfigError(f"--to {kind} {where}: expected folder DIR or zmq ENDPOINT")
    with ZmqEmitter(where, producer=str(uuid.uuid4())) as daemon:
        n_frames = run_schedule(
            exposures,
            daemon,
            sleep=daemon.sleep,
            clock=time.time,
            dead_time_s=dead_time_s,
            speed=speed,
        )
        if daemon.rejections:
            seq, reason = daemon.rejections[0]
            raise WireError(
                f"{where}: {len(daemon.rejections)} of {n_frames} frames rejected, the "
                f"first is {seq}: {reason}"
            )
    return f"{n_frames} frames acknowledged by {where}"


def emit_session(
    recorded: RecordedSession, to: tuple[str, str], *, speed: float | None
) -> str:
    """Play every series of a recorded session; in a folder each gets one of its own."""
    kind, where = to
    lines = []
    for stored, record in zip(recorded.series, recorded.records, strict=True):
        exposures = RecordedExposures(stored, record.series)
        target = f"{where}/{record.ordinal:04d}" if kind == "folder" else where
        pace = speed if speed is not None else AS_FAST_AS_POSSIBLE
        lines.append(emit(exposures, (kind, target), dead_time_s=0.0, speed=pace))
    return "\n".join(lines)
