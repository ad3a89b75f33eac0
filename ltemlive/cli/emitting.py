"""Simulated frames out of the house: to a folder, or to a daemon."""

from __future__ import annotations

import os
import signal
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from ltemlive.cli.keys import client_keys
from ltemlive.cli.terminal import console
from ltemlive.errors import ConfigError, WireError
from simulator.acquisition import session_of
from simulator.faults import NO_FAULTS
from simulator.faulty_emitter import FaultyEmitter
from simulator.folder_emitter import DirectoryEmitter
from simulator.mischief import CUT_OFF_S, FolderMischief, SocketMischief
from simulator.schedule import run_schedule
from simulator.truth import TRUTH_FILE, WithTruth
from simulator.zmq_emitter import PATIENCE_S, ZmqEmitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.faults import FaultPlan
    from simulator.scenario import Scenario
    from simulator.schedule import Exposures

COPY_S = 0.5
"""How long one file takes to grow in the folder, as on a microscope's share."""


def emit(  # noqa: PLR0913 - one argument for each option
    exposures: Exposures,
    to: tuple[str, str],
    *,
    dead_time_s: float,
    speed: float = 1.0,
    faults: FaultPlan = NO_FAULTS,
    patience_s: float = PATIENCE_S,
    keys: Path | None = None,
) -> str:
    """Play a series to ``("folder", DIR)`` or ``("zmq", ENDPOINT)``; say how it went.

    Parameters
    ----------
    faults
        What goes wrong on purpose; what the daemon refuses therefore is no failure.
    patience_s
        How long the daemon may leave everything unanswered.
    keys
        Folder of this client's keys, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If the destination is neither, or it or the keys cannot be used.
    WireError
        If the daemon refuses a frame, or does not answer.
    """
    kind, where = to
    check_destination(to, keys)
    play = partial(
        run_schedule, exposures, clock=time.time, dead_time_s=dead_time_s, speed=speed
    )
    title = f"{exposures.announcement.series}: exposing, to {kind} {where}"
    with console.status(escape(title)):
        if kind == "folder":
            return _to_folder(play, where, faults)
        connect = partial(ZmqEmitter, timeout_s=patience_s, keys=client_keys(keys))
        return _to_daemon(play, where, faults, connect)


def threads_for(plan: Scenario) -> int:
    """Return how many threads a scenario is worth: a formula is too quick for several."""
    return (os.cpu_count() or 1) if plan.imaging.model == "incoherent" else 1


def emit_scenario(
    plan: Scenario, to: tuple[str, str], truth: Path | None, **how: Any
) -> Iterator[str]:
    """Play every series of a scenario as ``emit`` does; yield how each went.

    Parameters
    ----------
    plan
        The scenario. Of several series each gets a folder, ``DIR/0001`` and so on.
    truth
        Where the truth goes, ``-2`` and so on being added for further series; None: beside
        the frames, and nowhere where they go to a daemon, which must not be told.
    how
        What ``emit`` takes beside these.
    """
    kind, where = to
    series = session_of(plan, workers=threads_for(plan))
    for index, acquisition in enumerate(series):
        target, file = where, truth
        if kind == "folder" and len(series) > 1:
            target = str(Path(where) / f"{index + 1:04d}")
        if truth is not None and index:
            file = truth.with_name(f"{truth.stem}-{index + 1}{truth.suffix}")
        elif truth is None and kind == "folder":
            file = Path(target) / TRUTH_FILE
        # A specimen that cannot be made is refused before a series is announced.
        _ = acquisition.specimen
        exposures: Exposures = acquisition
        announced = acquisition.announcement
        if kind == "zmq" and announced.camera.changes_frames:
            keeper = f"{file.parent} has its references" if file else "see --truth"
            yield (
                f"{announced.series}: its frames are raw, and no camera goes through a "
                f"socket; the daemon needs microscope.camera ({keeper})"
            )
        if file is not None:
            exposures = WithTruth(acquisition, file, keeps_references=kind != "folder")
        yield emit(exposures, (kind, target), dead_time_s=plan.dead_time_s, **how)


def check_destination(to: tuple[str, str], keys: Path | None) -> None:
    """Return if ``to`` and ``keys`` go together.

    Raises
    ------
    ConfigError
        If they do not, or ``to`` is neither a folder nor an endpoint.
    """
    kind, where = to
    if kind not in ("folder", "zmq"):
        raise ConfigError(f"--to {kind} {where}: expected folder DIR or zmq ENDPOINT")
    if keys is not None and kind != "zmq":
        raise ConfigError(
            f"--keys {keys}: expected --to zmq ENDPOINT beside it, got {kind}"
        )


def check_taken(daemon: ZmqEmitter, where: str, n_sent: int) -> None:
    """Return if the daemon has taken everything; WireError with the first reason if not."""
    if daemon.rejections:
        seq, reason = daemon.rejections[0]
        raise WireError(
            f"{where}: {len(daemon.rejections)} of {n_sent} frames rejected, the "
            f"first is {seq}: {reason}"
        )


def _to_folder(play: Callable[..., int], where: str, faults: FaultPlan) -> str:
    folder = DirectoryEmitter(Path(where), appearance="in_place", copy_s=COPY_S)
    mischief = FolderMischief(folder, cut_off_s=CUT_OFF_S)
    emitter = FaultyEmitter(folder, mischief, faults, kill=_kill_this_process)
    n_written = play(emitter, sleep=time.sleep) - emitter.injected["drop"]
    return f"{n_written} frames written to {where}{emitter.summary()}"


def _to_daemon(
    play: Callable[..., int],
    where: str,
    faults: FaultPlan,
    connect: Callable[..., ZmqEmitter],
) -> str:
    with connect(where, producer=str(uuid.uuid4())) as daemon:
        mischief = SocketMischief(daemon)
        emitter = FaultyEmitter(daemon, mischief, faults, kill=_kill_this_process)
        n_sent = play(emitter, sleep=daemon.sleep) - emitter.injected["drop"]
        check_taken(daemon, where, n_sent)
    return f"{n_sent} frames acknowledged by {where}{emitter.summary()}"


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
