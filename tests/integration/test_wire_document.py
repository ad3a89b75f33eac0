"""docs/wire.md is enough: a client written from it alone feeds and reads a real daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import ltemlive
from ltemlive.cli.processes import daemon

pytestmark = pytest.mark.timeout(180)

CLIENT = Path(__file__).with_name("foreign_client.py")
PATIENCE_S = 150.0


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return what the client saw of a series that it fed."""
    with daemon(tmp_path_factory.mktemp("sessions")) as running:
        endpoints = (running.frames, running.results, running.control)
        # -I: neither this folder nor PYTHONPATH is where it may import from.
        done = subprocess.run(
            [sys.executable, "-I", str(CLIENT), *endpoints],
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
    return json.loads(done.stdout)


def test_the_client_has_nothing_of_this_house(report):
    assert report["ours"] == []


def test_its_frames_are_stored_and_one_that_comes_again_is_known(report):
    assert report["acks"] == ["ok", "stored", "stored", "stored", "duplicate", "ok"]
    assert report["stored"] == [0, 1, 2]
    status = report["status"]
    assert [status[name] for name in ("stored", "duplicate", "rejected")] == [3, 1, 0]
    assert [row["state"] for row in status["frames"]] == ["used"] * 3


def test_it_decodes_the_final_phase(report):
    phase = report["phase"]
    assert (phase["topic"], phase["final"], phase["seqs_used"]) == (
        "estimate",
        True,
        [0, 1, 2],
    )
    assert phase["shapes"] == {
        "phase": [64, 64],
        "gradient": [2, 64, 64],
        "induction": [2, 64, 64],
        "amplitude": [64, 64],
        "phase_sigma": [64, 64],
    }
    assert (phase["unit"], phase["pixel_nm"]) == ("rad", 20.0)
    assert phase["mean"] == pytest.approx(0.0, abs=1e-4)
    assert phase["correlation"] > 0.95


def test_its_questions_are_answered(report):
    ping, refused = report["ping"], report["refused"]
    assert (ping["id"], ping["ok"], ping["version"]) == (1, True, ltemlive.__version__)
    assert (refused["id"], refused["ok"]) == (2, False)
    assert refused["error"].startswith("latest estimate: nothing has been published yet")
    assert (report["latest"]["ok"], report["latest"]["topic"]) == (True, "estimate")
