"""How long a producer waits for its acknowledgement while the daemon does other things.

A real daemon and a real producer, 512 x 512 float32 frames at a steady rate, in one run:

* import: frames from the start on, while the daemon imports TensorFlow and compiles;
* idle:   frames in focus only, which are stored like any other but give nothing to solve;
* solve:  defocused frames, so that the solver is never done.

The ratio is that of the medians to the idle one; the longest wait of the import is its
single stall.

    benchmarks/acknowledgement.py --frames 60
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
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
    from collections.abc import Callable, Sequence

    from ltemlive.frames import Frame

SHAPE = "solver.expected_shape=[512, 512]"


def main() -> None:
    """Measure all three in one run and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--frames", type=int, default=60, help="of idle and solve each")
    arguments.add_argument("--rate-hz", type=float, default=5.0)
    options = arguments.parse_args()
    acquisition = Acquisition(Scenario(), workers=2)
    frames = list(acquisition.frames())
    period_s = 1.0 / options.rate_hz
    with tempfile.TemporaryDirectory() as folder, daemon(Path(folder), SHAPE) as running:

        def waits(
            name: str, images: Sequence[Frame], goes_on: Callable[[int], bool]
        ) -> list:
            announcement = replace(acquisition.announcement, series=name, n_expected=None)
            with ZmqEmitter(running.frames, producer=f"benchmark {name}") as emitter:
                emitter.start(announcement)
                for seq, image in enumerate(itertools.cycle(images)):
                    if not goes_on(seq):
                        return emitter.ack_seconds
                    emitter.send(replace(image, meta=replace(image.meta, seq=seq)))
                    emitter.sleep(period_s)

        with ResultFeed(running.results) as feed:
            importing = waits("import", frames[:1], lambda seq: not _is_ready(feed))
        count = options.frames
        idle = waits("idle", frames[:1], lambda seq: seq < count)
        solving = waits("solve", frames[1:], lambda seq: seq < count)
    report([_row(*case, idle) for case in zip(
        ("import", "idle", "solve"), (importing, idle, solving), strict=True
    )], options.json)  # fmt: skip


def _is_ready(feed: ResultFeed) -> bool:
    """Return whether the daemon has said by now what it solves on."""
    while (message := feed.take(0.0)) is not None:
        if message.topic == "status" and message.header["device"] is not None:
            return True
    return False


def _row(
    name: str, waits_s: list[float], idle_s: list[float]
) -> dict[str, str | int | float]:
    median_s = statistics.median(waits_s)
    return {
        "daemon": name,
        "frames": len(waits_s),
        "median ms": 1e3 * median_s,
        "to idle": median_s / statistics.median(idle_s),
        "longest ms": 1e3 * max(waits_s),
    }


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s in all")
