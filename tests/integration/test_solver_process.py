"""The process that solves, as a process: it outlives neither its block nor its daemon."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.settings import SolverSettings

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="looks for the process in /proc"
)

PATIENCE_S = 60.0

OWNER = """
import sys
from ltemlive.daemon.solver_process import SolverProcess
from ltemlive.settings import SolverSettings
solver = SolverProcess(SolverSettings())
print(solver._process.pid, flush=True)
sys.stdin.read()
"""


BUSY = """
import sys
from multiprocessing.connection import Connection
from ltemlive.daemon.solver_serving import end_with
connection = Connection(int(sys.argv[1]))
end_with(connection)
while True:
    pass
"""


def is_running(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def ignores(pid, number):
    """Return whether a process ignores a signal; Linux only."""
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = (line.split()[1] for line in status.splitlines() if "SigIgn" in line)
    return bool(int(mask, 16) >> (number - 1) & 1)


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


def test_it_ends_with_the_pipe_even_in_the_midst_of_a_solve():
    with closing(
        SolverProcess(SolverSettings(), command=[sys.executable, "-c", BUSY])
    ) as solver:
        solver._connection.close()
        assert solver._process.wait(PATIENCE_S) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_every_process_is_left_to_the_daemon(number):
    with closing(SolverProcess(SolverSettings())) as solver:
        is_loaded = threading.Thread(target=lambda: solver.device)
        is_loaded.start()
        while not ignores(solver._process.pid, number):
            assert solver._process.poll() is None
            time.sleep(0.005)
        solver._process.send_signal(number)
        is_loaded.join(PATIENCE_S)
        assert solver.device.startswith(("CPU", "GPU"))
