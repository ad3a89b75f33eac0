"""The process that solves, as a process: it outlives neither its block nor its daemon."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 30.0

OWNER = """
import sys
from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.settings import SolverSettings
solver = SolverProcess(SolverSettings())
print(solver.pid, flush=True)
sys.stdin.read()
"""


def is_running(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_it_ends_when_its_daemon_is_killed():
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        pid = int(owner.stdout.readline())
        assert is_running(pid)
        owner.send_signal(signal.SIGKILL)
        owner.wait(PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while is_running(pid):
        assert time.monotonic() < deadline, "the solver is still there"
        time.sleep(0.02)
