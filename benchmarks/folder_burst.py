"""Measure a watched folder into which thousands of small files are renamed at once.

burst   From the first rename until the last image has been offered and acknowledged; the
        consumer acknowledges at once and records nothing, so this is the source alone.
look    Processor time of one look at the folder when all of them are taken, as it happens
        for each file that comes later.
"""

from __future__ import annotations

import tempfile
import threading
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from reporting import parser, report

from ltemlive.arrivals import FrameArrived
from ltemlive.formats.images import write_frame_tiff
from ltemlive.settings import MicroscopeSettings
from ltemlive.sources.directory import DirectorySource

if TYPE_CHECKING:
    from reporting import Row

SIDE_PX = 64
N_LOOKS = 20
RESCAN_S = 2.0


class Watch:
    """Stands in for ``stop``: ends when all are taken and enough looks have been timed."""

    def __init__(self, n_files: int) -> None:
        self._n_files = n_files
        self._n_taken = 0
        self._cpu_s: list[float] = []
        self._ahead_s = 0.0
        self.t_last = 0.0

    def take(self) -> None:
        """Count an image."""
        self._n_taken += 1
        self.t_last = time.monotonic()

    def clock(self) -> float:
        """Return the time; when all are taken, each look finds that it is due."""
        return time.monotonic() + self._ahead_s

    def is_set(self) -> bool:
        """Return whether there is nothing left to measure."""
        if self._n_taken == self._n_files:
            self._ahead_s += RESCAN_S
            self._cpu_s.append(time.process_time())
        return len(self._cpu_s) > N_LOOKS

    def wait(self, timeout_s: float) -> bool:
        """Wait as an event does."""
        time.sleep(timeout_s)
        return False

    def look_ms(self) -> float:
        """Return what a look took, the median."""
        return 1e3 * float(np.median(np.diff(self._cpu_s)))


def main() -> None:
    """Measure a burst of each size."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--files", type=int, nargs="+", default=[2500, 5000, 10_000], help="in each burst"
    )
    options = arguments.parse_args()
    report([_row(n_files) for n_files in options.files], options.json)


def _row(n_files: int) -> Row:
    with tempfile.TemporaryDirectory() as root:
        written, watched = Path(root) / "written", Path(root) / "watched"
        watched.mkdir()
        _write(written, n_files)
        watch = Watch(n_files)
        source = DirectorySource(
            watched,
            settle_ms=250,
            rescan_s=RESCAN_S,
            defaults=MicroscopeSettings(voltage_kv=200.0, pixel_nm=5.0),
            clock=watch.clock,
        )
        renaming = threading.Thread(target=_rename_all, args=(written, watched))
        t_start = time.monotonic()
        renaming.start()
        seqs = set()
        for arrival in chain.from_iterable(source.arrivals(watch)):
            if isinstance(arrival, FrameArrived):
                source.acknowledge(arrival.receipt, "stored")
                seqs.add(arrival.frame.meta.seq)
                watch.take()
        renaming.join()
    burst_s = watch.t_last - t_start
    return {
        "files": n_files,
        "lost": n_files - len(seqs),
        "burst s": burst_s,
        "ms per file": 1e3 * burst_s / n_files,
        "look ms": watch.look_ms(),
    }


def _write(folder: Path, n_files: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    image = rng.integers(1, 1000, (SIDE_PX, SIDE_PX)).astype("<u2")
    one = folder / "one.tif"
    write_frame_tiff(one, image, pixel_nm=5.0, defocus_nm=0.0, seq=None, durable=False)
    data = one.read_bytes()
    one.unlink()
    for number in range(n_files):
        (folder / f"holes_{number:06d}_df0.tif").write_bytes(data)


def _rename_all(written: Path, watched: Path) -> None:
    for path in sorted(written.iterdir()):
        path.rename(watched / path.name)


if __name__ == "__main__":
    main()
