"""The processes of the demo: each a real one, ended whatever happens."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END_TIMEOUT_S = 60.0
ANY_PORT = "tcp://127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class RunningDaemon:
    """A daemon that has said where it listens."""

    process: subprocess.Popen[str]
    session: str
    frames: str
    """Endpoint for frames."""
    results: str
    control: str

    def end(self) -> None:
        """Ask it to stop, and wait until it has said goodbye.

        Raises
        ------
        LtemLiveError
            If it does not end, or not well.
        """
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise LtemLiveError("demo: the daemon did not end when asked") from error
        if status != 0:
            raise LtemLiveError(f"demo: the daemon ended with status {status}")


@contextlib.contextmanager
def child(
    *arguments: str, reads: bool = False, errors: IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run an ``ltemlive`` command in a process that does not outlive the block.

    Parameters
    ----------
    reads
        Whether what it prints is for us to read.
    errors
        An open file for what it logs; None: where we log.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "ltemlive.cli", *arguments],
        stdout=subprocess.PIPE if reads else subprocess.DEVNULL,
        stderr=errors,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def daemon(
    root: Path,
    *settings: str,
    goes_on: bool = False,
    errors: IO[str] | None = None,
) -> Iterator[RunningDaemon]:
    """Run a daemon on free loopback ports with its session below ``root``.

    Parameters
    ----------
    settings
        More of them, each ``section.key=value``; they win.
    goes_on
        Whether a session there that did not end goes on; else it is left alone.
    errors
        An open file for what it logs; None: where we log.
    """
    overrides = [
        f"session.root={root}",
        f"input.zmq={ANY_PORT}",
        f"output.results={ANY_PORT}",
        f"output.control={ANY_PORT}",
        "security.keys=null",
        *settings,
    ]
    options = [part for override in overrides for part in ("--set", override)]
    if not goes_on:
        options.append("--new-session")
    with child("run", *options, reads=True, errors=errors) as process:
        said = _announced(process)
        yield RunningDaemon(
            process,
            session=said["session"],
            frames=said["input"].split()[-1],
            results=said["results"],
            control=said["control"],
        )


def _announced(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return what the daemon says when its sockets are bound."""
    said: dict[str, str] = {}
    while "control" not in said:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise LtemLiveError("demo: the daemon ended before it was ready (see above)")
        name, _, value = line.strip().partition(" ")
        said[name] = value.strip()
    return said
