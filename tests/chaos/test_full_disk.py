"""A disk that is full at any frame: what was acknowledged is there, and it is said."""

from __future__ import annotations

import os
import signal
import subprocess

import numpy as np
import pytest

pytestmark = pytest.mark.timeout(600)

WAIT_S = 120.0
DISK_BYTES = 2 * 2**20
FRAME_BYTES = 20_000
"""Of a frame with its journal lines, well rounded up."""


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, or a skip where none can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)]
    mounted = subprocess.run(
        ["mount", *options], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder, left_bytes):
    """Leave room for so many bytes; return the file that takes the rest."""
    ballast = folder / "ballast"
    disk = os.statvfs(folder)
    with ballast.open("wb") as file:
        file.write(bytes(max(disk.f_bavail * disk.f_frsize - left_bytes, 0)))
    return ballast


def lab_on(laboratory, disk):
    laboratory.root = disk
    return laboratory


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.chaos) for n in range(1, 12))]
)
def test_a_disk_that_is_full_at_any_frame_loses_nothing(
    laboratory, small_disk, undisturbed, seed
):
    laboratory = lab_on(laboratory, small_disk)
    rng = np.random.default_rng(seed)
    with laboratory.daemon() as running, laboratory.microscope() as microscope:
        laboratory.await_entries(int(rng.integers(1, 10)), "stored")
        ballast = fill(small_disk, left_bytes=int(rng.integers(0, 3)) * FRAME_BYTES)
        status = laboratory.await_status(lambda status: "problem" in status)
        assert "No space left on device); free some space there" in status["problem"]
        assert status["stored"] == len(laboratory.journal("stored"))
        ballast.unlink()
        assert microscope.wait(WAIT_S) == 0
        laboratory.await_entries(1, "finished")
        laboratory.await_status(lambda status: "problem" not in status)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(WAIT_S) == 0
    laboratory.check_frames()
    laboratory.check_solved_once()
    laboratory.check_final(undisturbed.phase_rad())


@pytest.mark.chaos
def test_a_daemon_that_ends_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    laboratory, small_disk, undisturbed
):
    laboratory = lab_on(laboratory, small_disk)
    with laboratory.microscope() as microscope:
        with laboratory.daemon() as running:
            laboratory.await_entries(3, "stored")
            ballast = fill(small_disk, left_bytes=0)
            laboratory.await_status(lambda status: "problem" in status)
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(WAIT_S) == 1
            last = laboratory.log.read_text().splitlines()[-1]
        assert last.startswith("ltemlive: ")
        assert "No space left on device); free some space there" in last
        ballast.unlink()
        with laboratory.daemon():
            assert microscope.wait(WAIT_S) == 0
            laboratory.await_entries(1, "finished")
    laboratory.check_frames()
    laboratory.check_final(undisturbed.phase_rad())
