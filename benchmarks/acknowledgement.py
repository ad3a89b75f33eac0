"""Measure how long a producer waits for its acknowledgements, whatever the solver does.

A real daemon gets the frames of the demo over and over, in three phases:

at rest      TensorFlow is loaded and the solver waits: a frame is sent only when the daemon
             says that it has done with the one before.
importing    From the daemon's start, at a steady rate, until TensorFlow is loaded.
solving      At the same rate, which leaves the solver no rest.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reporting import parser, report

from ltemlive.cli.processes import daemon
from ltemlive.client import ResultFeed
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario
from simulator.zmq_emitter import ZmqEmitter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reporting import Row

    from ltemlive.cli.processes import RunningDaemon
    from ltemlive.frames import Frame

QUICK_TO_REST = ("solver.steps_per_frame=1", "solver.steps_when_idle=0")
TOLD_S = 0.3
"""After this long the daemon's status knows about a frame; it is told each 0.1 s."""
LONGEST_S = 120.0
"""How long TensorFlow may take to load, or the solver to come to rest."""


class Producer:
    """Sends frames without end and keeps how long each went unanswered."""

    def __init__(
        self, running: RunningDaemon, emitter: ZmqEmitter, feed: ResultFeed
    ) -> None:
        self._running = running
        self._emitter = emitter
        self._feed = feed
        self._acquisition = Acquisition(Scenario(), workers=2)
        self._frames = self._endless_frames()
        self.state = "starting"
        self.has_solver = False

    def start(self, series: str) -> None:
        """Begin a series and send its first frame, which makes folders: not measured."""
        self._emitter.start(replace(self._acquisition.announcement, series=series))
        self._frames = self._endless_frames()
        self.send(TOLD_S)

    def send(self, interval_s: float) -> float:
        """Send a frame, spend ``interval_s`` and return how long it went unanswered [s]."""
        deadline = time.monotonic() + interval_s
        n_answered = len(self._emitter.ack_seconds)
        self._emitter.send(next(self._frames))
        while len(self._emitter.ack_seconds) == n_answered:
            self._emitter.sleep(0.005)
        self._emitter.sleep(max(deadline - time.monotonic(), 0.0))
        self._hear()
        return self._emitter.ack_seconds[n_answered]

    def await_state(self, state: str) -> None:
        """Serve the daemon until it has its solver and says ``state``.

        Raises
        ------
        TimeoutError
            If it does not within two minutes, or has ended.
        """
        deadline = time.monotonic() + LONGEST_S
        while not (self.has_solver and self.state == state):
            self._emitter.sleep(0.05)
            self._hear()
            if time.monotonic() > deadline or self._running.process.poll() is not None:
                raise TimeoutError(f"the daemon is {self.state}, expected {state}")

    def _hear(self) -> None:
        while (message := self._feed.take(0.0)) is not None:
            if message.topic == "status":
                self.state = message.header["state"]
                self.has_solver = message.header["device"] is not None

    def _endless_frames(self) -> Iterator[Frame]:
        frames = itertools.cycle(list(self._acquisition.frames()))
        for seq, frame in enumerate(frames):
            yield replace(frame, meta=replace(frame.meta, seq=seq))


def main() -> None:
    """Measure every phase, and print it against the daemon at rest."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--frames", type=int, default=40, help="at rest and solving (default: 40 each)"
    )
    arguments.add_argument(
        "--rate", type=float, default=5.0, help="frames per second (default: 5)"
    )
    options = arguments.parse_args()
    interval_s = 1.0 / options.rate
    with tempfile.TemporaryDirectory() as folder:
        with _producer(Path(folder), *QUICK_TO_REST) as producer:
            at_rest = _at_rest(producer, options.frames)
        with _producer(Path(folder)) as producer:
            importing = _importing(producer, interval_s)
            producer.start("solving")
            producer.await_state("solving")
            solving = [producer.send(interval_s) for _ in range(options.frames)]
    phases = {"at rest": at_rest, "importing": importing, "solving": solving}
    rows = [_row(phase, waits, at_rest) for phase, waits in phases.items()]
    report(rows, options.json)


@contextlib.contextmanager
def _producer(root: Path, *settings: str) -> Iterator[Producer]:
    """Start a daemon with its session below ``root``, and yield a producer of frames."""
    with (
        daemon(root, *settings) as running,
        ResultFeed(running.results) as feed,
        ZmqEmitter(running.frames, producer=str(uuid.uuid4())) as emitter,
    ):
        yield Producer(running, emitter, feed)


def _at_rest(producer: Producer, n_frames: int) -> list[float]:
    producer.start("at rest")
    waits = []
    for _ in range(n_frames):
        producer.await_state("waiting")
        waits.append(producer.send(TOLD_S))
    return waits


def _importing(producer: Producer, interval_s: float) -> list[float]:
    producer.start("importing")
    waits = []
    while not producer.has_solver:
        waits.append(producer.send(interval_s))
    return waits


def _row(phase: str, waits: list[float], at_rest: list[float]) -> Row:
    median_s = statistics.median(waits)
    return {
        "phase": phase,
        "frames": len(waits),
        "median ms": median_s * 1e3,
        "worst ms": max(waits) * 1e3,
        "to rest": median_s / statistics.median(at_rest),
    }


if __name__ == "__main__":
    main()
