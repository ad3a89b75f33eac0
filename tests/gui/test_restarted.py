"""A dashboard that is killed in mid-series, and the one that is opened after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from ltemlive.wire.results import FrameRow

WINDOW = """
import json, sys
from ltemlive.dashboard import event_loop

class Told(event_loop.DashboardWindow):
    said = None
    def redraw(self):
        super().redraw()
        model = self.face.frames.model()
        frames = [[row.seq, row.state] for row in model.rows]
        shown = [self.estimate and self.estimate.rev, frames]
        if shown != self.said:
            self.said = shown
            print(json.dumps(shown), flush=True)

event_loop.DashboardWindow = Told
event_loop.run_window(*sys.argv[1:])
"""


@contextmanager
def dashboard(daemon, folder):
    """Yield a process that says what its window shows, a line for each change."""
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder)}
    command = [sys.executable, "-c", WINDOW, daemon.results, daemon.control]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def await_shown(process, rev, frames):
    for line in process.stdout:
        if json.loads(line) == [rev, frames]:
            return
    pytest.fail("the window closed before it showed that")


def rows(*states):
    return tuple(FrameRow(seq, str(seq), 0.0, state) for seq, state in enumerate(states))


def test_a_dashboard_that_was_killed_shows_all_there_is_when_it_is_opened_again(
    fake_daemon, estimate_of, status_of, tmp_path
):
    with fake_daemon() as daemon:
        daemon.latest = {
            "status": status_of(frames=rows("stored", "stored")),
            "estimate": estimate_of(rev=3),
        }
        with dashboard(daemon, tmp_path) as first:
            await_shown(first, 3, [[0, "used"], [1, "used"]])
            first.send_signal(signal.SIGKILL)
            first.wait()
        daemon.latest = {
            "status": status_of(frames=rows("stored", "stored", "stored", "rejected")),
            "estimate": estimate_of(rev=4, set_aside=((2, "saturated"),)),
        }
        with dashboard(daemon, tmp_path) as second:
            # Nothing is published any more: what it shows it has asked for.
            await_shown(
                second, 4, [[0, "used"], [1, "used"], [2, "aside"], [3, "rejected"]]
            )
