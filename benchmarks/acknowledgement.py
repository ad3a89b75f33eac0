"""Measure how long a producer waits for its acknowledgements, whatever else goes on.

A real daemon gets the frames of the demo over and over. What the solver does:

at rest      TensorFlow is loaded and the solver waits: a frame is sent only when the daemon
             says that it has done with the one before.
importing    From the daemon's start, at a steady rate, until TensorFlow is loaded.
solving      At the same rate, which leaves the solver no rest.

What clients do, the solver at rest in all of them alike, one estimate for each frame:

quiet        Nobody listens.
stalled      One subscribes and never reads.
subscribers  50 subscribe, and read everything.
full         One asks for the newest phase at full size, again as soon as it is answered.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import statistics
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients import clients
from reporting import parser, report

from ltemlive.cli.processes import daemon
from ltemlive.client import ControlClient, ResultFeed
from ltemlive.wire.results import decode_result
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario
from simulator.zmq_emitter import ZmqEmitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reporting import Row

    from ltemlive.cli.processes import RunningDaemon
    from ltemlive.frames import Frame

QUICK_TO_REST = (
    "solver.steps_per_frame=1",
    "solver.steps_when_idle=0",
    # The series of the phases before get no final estimate meanwhile.
    "input.abandon_s=null",
)
TOLD_S = 0.3
"""After this long the daemon's status knows about a frame; it is told each 0.1 s."""
LONGEST_S = 120.0
"""How long TensorFlow may take to load, or the solver to come to rest."""


class Producer:
    """Sends frames without end and keeps how long each went unanswered.

    Parameters
    ----------
    hear
        Returns the headers of the statuses that have come since the last call.
    """

    def __init__(
        self,
        running: RunningDaemon,
        emitter: ZmqEmitter,
        hear: Callable[[], list[Mapping[str, Any]]],
    ) -> None:
        self.running = running
        self._emitter = emitter
        self._hear_statuses = hear
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
            if time.monotonic() > deadline or self.running.process.poll() is not None:
                raise TimeoutError(f"the daemon is {self.state}, expected {state}")

    def _hear(self) -> None:
        for status in self._hear_statuses():
            self.state = status["state"]
            self.has_solver = status["device"] is not None

    def _endless_frames(self) -> Iterator[Frame]:
        frames = itertools.cycle(list(self._acquisition.frames()))
        for seq, frame in enumerate(frames):
            yield replace(frame, meta=replace(frame.meta, seq=seq))


def main() -> None:
    """Measure the phases that are asked for, each against the first of its kind."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--frames", type=int, default=40, help="in each phase but importing (default: 40)"
    )
    arguments.add_argument(
        "--rate", type=float, default=5.0, help="frames per second (default: 5)"
    )
    arguments.add_argument("--subscribers", type=int, default=50, help="(default: 50)")
    arguments.add_argument(
        "--of",
        choices=("solver", "clients"),
        nargs="+",
        default=("solver", "clients"),
        help="whose phases (default: both)",
    )
    options = arguments.parse_args()
    rows: list[Row] = []
    if "solver" in options.of:
        rows += _whatever_the_solver_does(options.frames, 1.0 / options.rate)
    if "clients" in options.of:
        rows += _whatever_clients_do(options.frames, options.subscribers)
    report(rows, options.json)


def _whatever_the_solver_does(n_frames: int, interval_s: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        with _producer(Path(folder), *QUICK_TO_REST) as producer:
            at_rest = _at_rest(producer, "at rest", n_frames)
        with _producer(Path(folder)) as producer:
            importing = _importing(producer, interval_s)
            producer.start("solving")
            producer.await_state("solving")
            solving = [producer.send(interval_s) for _ in range(n_frames)]
    phases = {"at rest": at_rest, "importing": importing, "solving": solving}
    return [_row(phase, waits, "to rest", at_rest) for phase, waits in phases.items()]


def _whatever_clients_do(n_frames: int, n_subscribers: int) -> list[Row]:
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        _producer(Path(folder), *QUICK_TO_REST, listens=False) as producer,
    ):
        quiet = _at_rest(producer, "quiet", n_frames)
        rows.append(_row("quiet", quiet, "to quiet", quiet))
        for kind, n in (("stalled", 1), ("subscribers", n_subscribers), ("full", 1)):
            with clients(kind, producer.running, n) as at_work:
                waits = _at_rest(producer, kind, n_frames)
            rows.append(_row(kind, waits, "to quiet", quiet) | {"heard": at_work.heard})
    return rows


@contextlib.contextmanager
def _producer(root: Path, *settings: str, listens: bool = True) -> Iterator[Producer]:
    """Start a daemon with its session below ``root``, and yield a producer of frames.

    It subscribes to the results if it ``listens``; else it asks for the status.
    """
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(daemon(root, *settings))
        if listens:
            feed = stack.enter_context(ResultFeed(running.results))
            hear = functools.partial(_statuses_of, feed)
        else:
            client = stack.enter_context(ControlClient(running.control))
            hear = functools.partial(_asked_status, client)
        emitter = ZmqEmitter(running.frames, producer=str(uuid.uuid4()))
        yield Producer(running, stack.enter_context(emitter), hear)


def _statuses_of(feed: ResultFeed) -> list[Mapping[str, Any]]:
    messages = iter(lambda: feed.take(0.0), None)
    return [message.header for message in messages if message.topic == "status"]


def _asked_status(client: ControlClient) -> list[Mapping[str, Any]]:
    answer = client.request("latest", topic="status")
    return [decode_result(answer.buffer).header] if answer.buffer is not None else []


def _at_rest(producer: Producer, series: str, n_frames: int) -> list[float]:
    producer.start(series)
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


def _row(phase: str, waits: list[float], to: str, reference: list[float]) -> Row:
    median_s = statistics.median(waits)
    return {
        "phase": phase,
        "frames": len(waits),
        "median ms": median_s * 1e3,
        "worst ms": max(waits) * 1e3,
        to: median_s / statistics.median(reference),
    }


if __name__ == "__main__":
    main()
