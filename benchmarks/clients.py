"""Clients of a daemon, each a process: what they do to it is for others to measure.

stalled      subscribes to every result and reads none
subscribers  as many as are asked for, and each reads everything
full         asks for the newest phase at full size, again as soon as it is answered

It prints a line when it is at work, and when it is ended how much came.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import zmq

from ltemlive.client import ControlClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ltemlive.cli.processes import RunningDaemon

WAIT_S = 60.0


class Clients:
    """Clients at work; ``heard`` is there when they are ended."""

    def __init__(self) -> None:
        self.heard: int | None = None
        """Messages that they read; None where nobody reads."""


@contextlib.contextmanager
def clients(kind: str, running: RunningDaemon, n: int = 1) -> Iterator[Clients]:
    """Run clients of a kind in a process that does not outlive the block.

    Raises
    ------
    RuntimeError
        If they do not come to work.
    """
    endpoint = running.control if kind == "full" else running.results
    process = subprocess.Popen(
        [sys.executable, __file__, kind, endpoint, "--n", str(n)],
        stdout=subprocess.PIPE,
        text=True,
    )
    at_work = Clients()
    try:
        if process.stdout is None or process.stdout.readline() != "at work\n":
            raise RuntimeError(f"{kind}: expected clients at work, they ended (see above)")
        yield at_work
        process.terminate()
        at_work.heard = int(process.communicate(timeout=WAIT_S)[0])
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """Be a client until the process is ended."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("kind", choices=("stalled", "subscribers", "full"))
    arguments.add_argument("endpoint")
    arguments.add_argument("--n", type=int, default=1, help="subscribers (default: 1)")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, _end)
    if options.kind == "full":
        work = _answers(options.endpoint)
    else:
        work = _results(options.endpoint, options.n, reads=options.kind == "subscribers")
    n_heard = 0
    with contextlib.suppress(SystemExit):
        for n_more in work:
            if n_heard == 0:
                print("at work", flush=True)
            n_heard += n_more
    print(n_heard, flush=True)


def _answers(endpoint: str) -> Iterator[int]:
    with ControlClient(endpoint, WAIT_S) as client:
        while True:
            answer = client.request("full", array="phase")
            if answer.ok:
                yield 1


def _results(endpoint: str, n: int, *, reads: bool) -> Iterator[int]:
    """Yield how many messages came; without reading them, 0 when the first is there."""
    with zmq.Context() as context, contextlib.ExitStack() as stack:
        poller = zmq.Poller()
        sockets = [stack.enter_context(context.socket(zmq.SUB)) for _ in range(n)]
        for socket in sockets:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(endpoint)
            socket.subscribe(b"")
            poller.register(socket, zmq.POLLIN)
        for socket in sockets:
            socket.poll()
        while not reads:
            yield 0
            signal.pause()
        while True:
            ready = [socket for socket, _ in poller.poll()]
            for socket in ready:
                socket.recv(copy=False)
            yield len(ready)


def _end(*_: object) -> NoReturn:
    raise SystemExit


if __name__ == "__main__":
    main()
