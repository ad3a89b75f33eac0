"""Make the pictures of tour.md: open a window on a replayed session and use it as a user.

    make tour           or, of another session and elsewhere:
    python docs/tour.py --session SESSION --images DIR

Without a session the demo is recorded first.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pyqtgraph as pg
from tour_hand import Hand
from tour_steps import STEPS, take_tour

from ltemlive.cli.processes import child
from ltemlive.dashboard import theme
from ltemlive.dashboard.courier import Courier
from ltemlive.dashboard.event_loop import in_touch
from ltemlive.dashboard.exports import Exports
from ltemlive.dashboard.listener import EstimateListener
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from subprocess import Popen

IMAGES = Path(__file__).with_name("images")


@contextlib.contextmanager
def replayed(session: Path) -> Iterator[tuple[str, str, Popen[str]]]:
    """Replay a session; yield where it publishes, where it answers, and its process."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        ends = [f"tcp://127.0.0.1:{each.getsockname()[1]}" for each in (one, other)]
    options = ("--results", ends[0], "--control", ends[1])
    with child("replay", str(session), "--stay", *options) as process:
        yield ends[0], ends[1], process


def visit(results: str, control: str, images: Path, *, check: Callable[[], None]) -> None:
    """Take the tour through what a daemon, or a replay, has to show."""
    application = pg.mkQApp("ltemlive")
    # pyqtgraph would leave out moves of the mouse that come faster than a user's.
    pg.setConfigOptions(mouseRateLimit=-1)
    theme.apply_theme(application)
    ended: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        listener = EstimateListener(results, control, clock=time.monotonic)
        listener.finished.connect(lambda: ended.append(True))
        window = DashboardWindow(clock=time.monotonic, folder=Path(folder))

        def check_all() -> None:
            check()
            if ended:
                raise LtemLiveError("tour: the listening thread ended, see above")

        window.show()
        with in_touch(window, listener, Courier(control), Exports(window, control)):
            take_tour(Hand(window, images, check=check_all), say=print)
        window.close()


def visit_replay(session: Path, images: Path) -> None:
    """Take the tour through a recorded session."""
    with replayed(session) as (results, control, process):

        def check() -> None:
            if process.poll() is not None:
                raise LtemLiveError(f"{session}: the replay ended early, see above")

        visit(results, control, images, check=check)


def record_demo(folder: Path) -> Path:
    """Record the demo, and return its session."""
    with child("demo", "--headless", "--out", str(folder)) as demo:
        if demo.wait() != 0:
            raise LtemLiveError("tour: the demo failed, see above")
    return folder / "session"


def main() -> int:
    """Take the tour and return the exit status."""
    parser = argparse.ArgumentParser(description="Make the pictures of docs/tour.md.")
    parser.add_argument("--session", type=Path, help="recorded; none: the demo's")
    parser.add_argument("--images", type=Path, default=IMAGES, help="folder for pictures")
    chosen = parser.parse_args()
    try:
        if not chosen.images.is_dir():
            raise LtemLiveError(f"--images {chosen.images}: expected a folder, got none")
        with tempfile.TemporaryDirectory() as folder:
            session = chosen.session
            if session is None:
                print("recording the demo, a minute or so")
                session = record_demo(Path(folder))
            print(f"replaying {session}")
            visit_replay(session, chosen.images)
    except LtemLiveError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(STEPS)} pictures in {chosen.images}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
