"""A session that was killed in mid-series replays as if nothing had happened to it."""

from __future__ import annotations

import signal

import pytest

from ltemlive.cli.processes import child
from ltemlive.client import ControlClient
from simulator.zmq_emitter import ZmqEmitter

pytestmark = [pytest.mark.timeout(600), pytest.mark.chaos]

PATIENCE_S = 120.0


def wish(laboratory, n_wished, seq, use):
    """Ask for a frame to be used or not; return when the journal has that many wishes."""
    with ControlClient(f"tcp://127.0.0.1:{laboratory.ports[2]}", PATIENCE_S) as control:
        assert control.request("use_frame", seq=seq, use=use).ok
    laboratory.await_entries(n_wished, "wished")


def test_a_session_that_was_killed_replays_estimate_by_estimate(laboratory):
    # Nobody beats its heart while the test waits for the solver.
    laboratory.settings = (*laboratory.settings, "input.abandon_s=600")
    acquisition = laboratory.acquisition()
    frames = list(acquisition.frames())
    with ZmqEmitter(
        laboratory.frames_endpoint, producer="by-hand", timeout_s=PATIENCE_S
    ) as microscope:
        with laboratory.daemon() as running:
            microscope.start(acquisition.announcement)
            for frame in frames[:6]:
                microscope.send(frame)
            laboratory.await_entries(3, "refined")
            wish(laboratory, 1, seq=1, use=False)
            laboratory.await_entries(5, "refined")
            running.process.kill()
            running.process.wait(PATIENCE_S)
        with laboratory.daemon() as running:
            for frame in frames[6:]:
                microscope.send(frame)
            laboratory.await_entries(7, "refined")
            wish(laboratory, 2, seq=1, use=True)
            microscope.end("success")
            laboratory.await_entries(1, "finished")
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(PATIENCE_S) == 0
    assert len(laboratory.journal("begun")) == 2
    n_estimates = sum(
        entry["rev"] > 0 for entry in laboratory.journal("refined", "finished")
    )
    before = (laboratory.session / "journal.jsonl").read_bytes()
    any_ports = [f"--{name}=tcp://127.0.0.1:0" for name in ("results", "control")]
    with child("replay", str(laboratory.session), *any_ports, reads=True) as replay:
        said = replay.communicate(timeout=PATIENCE_S)[0]
    verdict = f"{n_estimates} of {n_estimates} estimates as recorded"
    assert (replay.returncode, said.splitlines()[-1]) == (0, verdict), said
    assert (laboratory.session / "journal.jsonl").read_bytes() == before
