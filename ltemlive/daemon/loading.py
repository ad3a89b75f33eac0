"""The one place that imports the engine, and TensorFlow with it, late.

The import takes seconds, a minute when the disk is cold. By then the sockets are bound,
frames are being stored and the heartbeat beats.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.engine import LiveEngine
    from ltemlive.results import Reconstruction, Report
    from ltemlive.series import StoredSeries
    from ltemlive.settings import SolverSettings


class Reconstruct(Protocol):
    """``recon.reconstruct.reconstruct`` with its clock."""

    def __call__(
        self,
        stored: StoredSeries,
        settings: SolverSettings,
        *,
        on_progress: Callable[[int, int], None] = ...,
    ) -> Reconstruction:
        """Return the phase of a whole series."""
        ...


@dataclass(frozen=True, slots=True)
class Solver:
    """What needs TensorFlow (or Matplotlib), ready to be called."""

    engine: type[LiveEngine]
    reconstruct: Reconstruct
    write_results: Callable[[Path, Reconstruction], Report]
    device: str
    prepare: Callable[[SolverSettings], None] = lambda settings: None
    """Compile for the shape that the settings expect, if they do."""


def load_solver(threads: int) -> Solver:
    """Import the engine and fix its threads; slow the first time."""
    with _native_notices_hidden():
        from ltemlive.engine import LiveEngine
        from ltemlive.recon import runtime
        from ltemlive.recon.model import prepare
        from ltemlive.recon.reconstruct import reconstruct
        from ltemlive.recording.export import write_results

        runtime.configure(threads)
        device = runtime.device_name()
    timed = functools.partial(reconstruct, clock=time.perf_counter)
    return Solver(LiveEngine, timed, write_results, device, prepare)


@contextlib.contextmanager
def _native_notices_hidden() -> Iterator[None]:
    """Keep off the terminal what C++ code says before its log level is read.

    Only what is written to file descriptor 2 itself; exceptions pass, and whoever logs
    from another thread meanwhile should have a duplicate of it.
    """
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
