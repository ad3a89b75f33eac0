"""Faults on purpose, and what the daemon's ingest makes of them: nothing good is lost."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from ltemlive import documents
from ltemlive.cli.emitting import emit
from ltemlive.cli.processes import child
from ltemlive.daemon.admission import Defaults
from ltemlive.daemon.desk import Desk
from ltemlive.daemon.intake import Intake
from ltemlive.daemon.mailbox import Mailbox
from ltemlive.daemon.silence import Silence
from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.formats.images import read_image
from ltemlive.recording.journal import read_journal
from ltemlive.recording.session import SessionRecorder
from ltemlive.settings import Settings
from ltemlive.sources.acknowledged import ZmqRouterSource
from ltemlive.sources.directory import DirectorySource
from ltemlive.sources.folder_rest import NOT_COME
from simulator.acquisition import Acquisition
from simulator.faults import FaultPlan, Faults
from simulator.scenario import Scenario
from simulator.truth import TRUTH_FILE, WithTruth

PATIENCE_S = 20.0
N_FRAMES = 10
SCENARIO = Scenario.model_validate(
    {
        "series": "battered",
        "specimen": {"size_px": 32, "margin_px": 8},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": [1e5 * (seq - 4) for seq in range(N_FRAMES)],
        "exposure_s": 0.001,
        "dead_time_s": 0.0,
    }
)
FAULTS = Faults(drop=0.2, dup=0.4, reorder=0.4, truncate=0.4, garbage=0.4)
PLAN = FaultPlan(FAULTS, 4)


def struck(fault):
    """Return the frames that a fault happens to; to those that are dropped, no other."""
    plans = {seq: PLAN.of_frame(seq) for seq in range(N_FRAMES)}
    return {
        seq
        for seq, faults in plans.items()
        if getattr(faults, fault) and (fault == "drop" or not faults.drop)
    }


KEPT = set(range(N_FRAMES)) - struck("drop")


def test_the_plan_has_every_fault_in_it():
    assert all(struck(name) for name in ("drop", "dup", "reorder", "truncate", "garbage"))
    assert 0 not in struck("drop")


class Ingest:
    """A source, the intake and a real recorder, on a thread of their own."""

    def __init__(self, source, root):
        self._source = source
        self._recorder = SessionRecorder.create(
            root, settings=Settings(), versions={}, clock=time.time
        )

    @contextmanager
    def running(self):
        """Take what comes until the block ends, then what is left."""
        stop = threading.Event()
        with self._recorder as recorder:
            board = StatusBoard("session")
            intake = Intake(
                Desk(recorder, defaults=Defaults(), clock=time.time),
                Mailbox(),
                board,
                DiskTrouble(board, lambda _event: None),
                Silence(None, clock=time.monotonic),
            )
            thread = threading.Thread(target=intake.run, args=(self._source, stop))
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join(PATIENCE_S)
                assert not thread.is_alive()

    def journal(self, kind):
        entries = read_journal(self._recorder.path / "journal.jsonl")
        return [entry for entry in entries if entry["kind"] == kind]

    def images(self):
        """Return the stored images by their numbers."""
        folder = self._recorder.path / "series" / "0001" / "frames"
        return {int(file.stem): read_image(file) for file in folder.iterdir()}


def check_every_kept_frame_is_there(ingest):
    images = ingest.images()
    assert set(images) == KEPT
    for frame in Acquisition(SCENARIO).frames():
        if frame.meta.seq in KEPT:
            np.testing.assert_array_equal(images[frame.meta.seq], frame.image)


def test_over_a_socket_every_frame_that_is_sent_whole_is_stored_once(tmp_path):
    with ZmqRouterSource("tcp://127.0.0.1:0", max_frame_bytes=2**20, credit=8) as source:
        ingest = Ingest(source, tmp_path)
        with ingest.running():
            said = emit(
                Acquisition(SCENARIO),
                ("zmq", source.endpoint),
                dead_time_s=0.0,
                faults=PLAN,
                patience_s=PATIENCE_S,
            )
        counters = source.counters
    assert said.startswith(
        f"{len(KEPT)} frames acknowledged by {source.endpoint}; injected"
    )
    assert f"{len(struck('drop'))} drop" in said
    check_every_kept_frame_is_there(ingest)
    stored = [entry["seq"] for entry in ingest.journal("stored")]
    assert sorted(stored) == sorted(KEPT)
    assert stored != sorted(stored), "some came late"
    refused = {int(entry["frame"]): entry["reason"] for entry in ingest.journal("rejected")}
    assert set(refused) == struck("truncate") | struck("drop")
    assert all("nbytes: expected 4096" in refused[seq] for seq in struck("truncate"))
    assert all("never came" in refused[seq] for seq in struck("drop"))
    assert (counters.duplicate, counters.foreign, counters.dropped) == (
        len(struck("dup")),
        len(struck("garbage")),
        len(struck("drop")),
    )
    assert len(ingest.journal("ended")) == 1


@pytest.fixture
def hurried(monkeypatch):
    """Make files grow, and stay cut off, for a shorter time."""
    monkeypatch.setattr("ltemlive.cli.emitting.COPY_S", 0.02)
    monkeypatch.setattr("ltemlive.cli.emitting.CUT_OFF_S", 0.2)


def test_in_a_folder_every_frame_that_comes_is_stored_once(tmp_path, hurried):
    share = tmp_path / "share"
    share.mkdir()
    ingest = Ingest(DirectorySource(share, settle_ms=50, rescan_s=0.1), tmp_path)
    with ingest.running():
        played = WithTruth(Acquisition(SCENARIO), share / TRUTH_FILE)
        said = emit(played, ("folder", str(share)), dead_time_s=0.0, faults=PLAN)
        while len(ingest.journal("stored")) < len(KEPT):
            time.sleep(0.01)
    assert said.startswith(f"{len(KEPT)} frames written to {share}; injected: ")
    check_every_kept_frame_is_there(ingest)
    assert len(ingest.journal("stored")) == len(KEPT)
    reasons = {entry["frame"]: entry["reason"] for entry in ingest.journal("rejected")}
    lost = {f"{seq:06d}.tif" for seq in struck("drop")}
    rubbish = {f"garbage_{seq:06d}_df0.tif" for seq in struck("garbage")}
    assert set(reasons) == lost | rubbish
    assert {reasons[name] for name in lost} == {NOT_COME}


def test_a_simulator_that_is_to_die_leaves_what_it_had_written(tmp_path):
    scenario = tmp_path / "battered.yaml"
    scenario.write_text(documents.dump(SCENARIO.model_dump(mode="json")))
    share = tmp_path / "share"
    target = ("--to", "folder", str(share), "--kill-after", "2")
    with child("simulate", str(scenario), *target) as simulator:
        assert simulator.wait(PATIENCE_S) == -signal.SIGKILL
    written = sorted(file.name for file in share.iterdir())
    assert written == ["000000.tif", "000001.tif", "series.yaml", "truth.nxs"]
