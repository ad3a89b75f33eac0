"""Measure how long after it was stored a frame shows in a published estimate.

A real daemon, and the simulator as a process of its own, which acquires the demo's specimen
at as many planes as asked for, one in focus first. A frame's wait lasts from the daemon's
word that it is on disk to the first estimate that has used it; the frame in focus, which
has no phase to tell, is left out. Where the solver is behind, frames share an estimate:
all are used, but only the newest of them has one of its own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from reporting import parser, report

from ltemlive import documents
from ltemlive.cli.processes import child, daemon
from ltemlive.client import ResultFeed
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltemlive.wire.results import ResultMessage

STRONGEST_NM = 1.6e6
SILENCE_S = 120.0
"""How long nothing but the daemon's heartbeat may come."""


def main() -> None:
    """Run one series, and print the median and the 95th percentile of the waits."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--images", type=int, default=12, help="defocused ones (default: 12)"
    )
    arguments.add_argument(
        "--interval", type=float, default=2.0, help="between exposures [s] (default: 2)"
    )
    options = arguments.parse_args()
    planes_nm = np.linspace(-STRONGEST_NM, STRONGEST_NM, options.images)
    scenario = Scenario(
        series="latency",
        defocus_nm=(0.0, *planes_nm.tolist()),
        exposure_s=options.interval,
        dead_time_s=0.0,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        file.write_text(documents.dump(scenario.model_dump(mode="json")), encoding="utf-8")
        with daemon(Path(folder)) as running, ResultFeed(running.results) as feed:
            _await_solver(feed)
            with child("simulate", str(file), "--to", "zmq", running.frames):
                waits_s, n_estimates = follow(feed, options.images)
    row = {
        "images": options.images,
        "interval s": options.interval,
        "p50 s": float(np.percentile(waits_s, 50)),
        "p95 s": float(np.percentile(waits_s, 95)),
        "worst s": max(waits_s),
        "without own estimate": options.images - n_estimates,
    }
    report([row], options.json)


def follow(feed: ResultFeed, n_images: int) -> tuple[list[float], int]:
    """Return the wait [s] of each defocused frame, and how many estimates showed them."""
    stored: dict[int, float] = {}
    waits_s: list[float] = []
    n_estimates = 0
    for message in _messages(feed):
        header = message.header
        if message.topic == "frame" and header["defocus_nm"]:
            stored[header["seq"]] = header["t_published"]
        elif message.topic == "estimate":
            new = [seq for seq in header["seqs_used"] if seq in stored]
            waits_s.extend(header["t_published"] - stored.pop(seq) for seq in new)
            n_estimates += bool(new)
            if len(waits_s) >= n_images:
                break
    return waits_s, n_estimates


def _await_solver(feed: ResultFeed) -> None:
    deadline = time.monotonic() + SILENCE_S
    while time.monotonic() < deadline:
        message = feed.take(1.0)
        if message is not None and message.header.get("device") is not None:
            return
    sys.exit(f"the daemon did not load TensorFlow within {SILENCE_S:g} s")


def _messages(feed: ResultFeed) -> Iterator[ResultMessage]:
    """Yield frames and estimates; give up after a long silence."""
    deadline = time.monotonic() + SILENCE_S
    while time.monotonic() < deadline:
        message = feed.take(1.0)
        if message is not None and message.topic in ("frame", "estimate"):
            deadline = time.monotonic() + SILENCE_S
            yield message
    sys.exit(f"nothing came from the daemon for {SILENCE_S:g} s")


if __name__ == "__main__":
    main()
