"""Real processes for tests that break them: a daemon on fixed ports, a microscope.

Every instant at which something is killed follows from a seed and from what the journal
says by then, so that a failure can be looked at again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ltemlive import documents
from ltemlive.cli.processes import child, daemon
from ltemlive.client import ControlClient
from ltemlive.formats.images import read_image
from ltemlive.recording.journal import JOURNAL_FILE, read_journal
from ltemlive.wire.results import decode_result
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

PATIENCE_S = 120.0
"""How long anything may take; an import of TensorFlow beside other work included."""
LOOK_S = 0.005
RMS_RAD = 1e-3
"""How far a final phase may be from that of the run that nothing happened to."""

SCENARIO = Scenario.model_validate(
    {
        "series": "battered",
        "specimen": {"size_px": 64, "margin_px": 16},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": [0.0, -1e5, 1e5, -2e5, 2e5, -4e5, 4e5, -6e5, 6e5, -9e5, 9e5, 1.2e6],
        "noise": {"level": 0.05},
        "exposure_s": 0.3,
        "dead_time_s": 0.0,
    }
)
# What is solved here is no matter, only that it is solved again alike: the less to compile
# the better.
SETTINGS = (
    "input.abandon_s=5",
    "solver.align=false",
    "solver.judge=false",
    "solver.refine_defocus=false",
    "solver.refine_convergence=false",
    "solver.max_steps=40",
    "solver.steps_per_frame=4",
    "solver.steps_when_idle=4",
)


def free_ports(n):
    """Return ports that nobody has now; a daemon that comes back needs the same ones."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(n)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass
class Laboratory:
    """A folder for sessions, the ports of its daemon, and a microscope beside it."""

    root: Path
    log: Path
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    settings: tuple[str, ...] = SETTINGS
    final_s: float = 0.0
    """How long the final solve took."""

    @property
    def frames_endpoint(self):
        return f"tcp://127.0.0.1:{self.ports[0]}"

    @contextlib.contextmanager
    def daemon(self):
        """Run the daemon for the length of a ``with`` block; what it logs is in ``log``."""
        names = ("input.zmq", "output.results", "output.control")
        endpoints = [
            f"{name}=tcp://127.0.0.1:{port}"
            for name, port in zip(names, self.ports, strict=True)
        ]
        sessions = self.root / "sessions"
        with (
            self.log.open("a") as errors,
            daemon(
                sessions, *endpoints, *self.settings, goes_on=True, errors=errors
            ) as running,
        ):
            yield running

    def microscope(self, *faults):
        """Run the simulator for the length of a ``with`` block."""
        scenario = self.root / "scenario.yaml"
        scenario.write_text(documents.dump(SCENARIO.model_dump(mode="json")))
        target = ("--to", "zmq", self.frames_endpoint, "--patience", str(PATIENCE_S))
        return child("simulate", str(scenario), *target, *faults)

    def acquisition(self):
        """Return what the microscope exposes, for a test that sends it by hand."""
        return Acquisition(SCENARIO)

    @property
    def session(self):
        """The one session that there is."""
        (path,) = (self.root / "sessions").iterdir()
        return path

    def journal(self, *kinds):
        """Return what is in the journal by now, of some kinds or all."""
        entries = read_journal(self.session / JOURNAL_FILE)
        return [entry for entry in entries if not kinds or entry["kind"] in kinds]

    def await_entries(self, n, *kinds, or_any_of=()):
        """Return when the journal has ``n`` entries of some kinds, or one of others."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.journal(*kinds)) < n and not (
            or_any_of and self.journal(*or_any_of)
        ):
            assert time.monotonic() < deadline, f"{kinds} in {self.journal()}"
            time.sleep(LOOK_S)

    def ordinal_of(self, series):
        """Return the number of the newest series of a name."""
        opened = [each for each in self.journal("opened") if each["series"] == series]
        return opened[-1]["ordinal"]

    def status(self):
        """Return the newest status that was published; empty before the first."""
        with ControlClient(f"tcp://127.0.0.1:{self.ports[2]}", PATIENCE_S) as control:
            answer = control.request("latest", topic="status")
        return decode_result(answer.buffer).header if answer.ok else {}

    def await_status(self, is_it):
        """Return the first status that fits."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_it(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(LOOK_S)
        return status

    def phase_rad(self, ordinal=1):
        return read_image(self.session / "series" / f"{ordinal:04d}" / "phase.tif")

    def check_frames(self, ordinal=1, frames=None):
        """Assert that the frames of a series are on the disk as they were exposed."""
        folder = self.session / "series" / f"{ordinal:04d}" / "frames"
        exposed = list(self.acquisition().frames()) if frames is None else frames
        names = sorted(path.name for path in folder.iterdir())
        assert names == [f"{frame.meta.seq:06d}.tif" for frame in exposed]
        for frame in exposed:
            stored = read_image(folder / f"{frame.meta.seq:06d}.tif")
            np.testing.assert_array_equal(stored, frame.image)

    def check_solved_once(self):
        """Assert that no engine was given a frame twice, and that each frame was stored
        once."""
        stored = [(entry["ordinal"], entry["seq"]) for entry in self.journal("stored")]
        assert len(stored) == len(set(stored))
        known = {}
        # On a full disk the line may be missing that says that an engine was begun.
        for entry in self.journal("begun", "added"):
            if entry["kind"] == "begun":
                known[entry["ordinal"]] = set()
            else:
                seqs = known.setdefault(entry["ordinal"], set())
                assert not seqs & set(entry["seqs"])
                seqs |= set(entry["seqs"])

    def check_final(self, phase_rad, ordinal=1):
        """Assert that the final result is that of the run that nothing happened to."""
        difference = self.phase_rad(ordinal) - phase_rad
        assert float(np.sqrt(np.mean(difference**2))) < RMS_RAD


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The laboratory of a run that nothing happened to."""
    laboratory = Laboratory(tmp_path_factory.mktemp("undisturbed"), Path(os.devnull))
    with laboratory.daemon() as running:
        with laboratory.microscope() as microscope:
            assert microscope.wait(PATIENCE_S) == 0
        laboratory.await_entries(1, "finished")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 0
    laboratory.check_frames()
    (ended,), (finished,) = laboratory.journal("ended"), laboratory.journal("finished")
    laboratory.final_s = finished["t"] - ended["t"]
    return laboratory


@pytest.fixture
def laboratory(tmp_path):
    return Laboratory(tmp_path, tmp_path / "daemon.log")
