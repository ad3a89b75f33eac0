import io
import socket
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from rich.console import Console

from ltemlive.cli.emitting import emit_scenario
from ltemlive.formats.series import read_series
from simulator.acquisition import Acquisition
from simulator.scenario import load_scenario

SCENARIO = """\
series: tiny
specimen: {size_px: 64, margin_px: 16}
microscope: {pixel_nm: 20.0}
defocus_nm: [0.0, -200000.0, 200000.0]
exposure_s: 0.001
dead_time_s: 0.0
"""


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    monkeypatch.setattr("ltemlive.cli.emitting.COPY_S", 0.001)
    file = tmp_path / "tiny.yaml"
    file.write_text(SCENARIO)
    return file


def test_a_folder_gets_a_series_that_can_be_read(ltemlive, scenario, tmp_path):
    outcome = ltemlive("simulate", scenario, "--to", "folder", tmp_path / "share")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == f"3 frames written to {tmp_path / 'share'}\n"
    stored = read_series(tmp_path / "share")
    assert stored.title == "tiny"
    assert stored.microscope.pixel_nm == 20.0
    assert stored.rejected == ()
    expected = list(Acquisition(load_scenario(scenario)).frames())
    for got, frame in zip(stored.frames, expected, strict=True):
        np.testing.assert_array_equal(got.image, frame.image)
        assert got.meta.defocus_nm == frame.meta.defocus_nm


def test_on_a_terminal_it_says_what_it_is_doing(ltemlive, scenario, monkeypatch, tmp_path):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=200)
    monkeypatch.setattr("ltemlive.cli.emitting.console", terminal)
    outcome = ltemlive("simulate", scenario, "--to", "folder", tmp_path / "share")
    assert outcome.status == 0
    assert f"tiny: exposing, to folder {tmp_path / 'share'}" in screen.getvalue()


def test_the_truth_lies_beside_the_frames_unless_it_is_put_elsewhere(
    ltemlive, scenario, tmp_path
):
    target = ("--to", "folder", tmp_path / "share")
    ltemlive("simulate", scenario, *target)
    assert (tmp_path / "share" / "truth.nxs").is_file()
    target = ("--to", "folder", tmp_path / "other")
    ltemlive("simulate", scenario, *target, "--truth", tmp_path / "kept" / "t.nxs")
    assert (tmp_path / "kept" / "t.nxs").is_file()
    assert not (tmp_path / "other" / "truth.nxs").exists()


@pytest.mark.parametrize(
    ("truth", "where"), [(None, "see --truth"), ("aside/t.nxs", "aside has its references")]
)
def test_raw_frames_for_a_daemon_come_with_a_word_about_the_camera(
    scenario, tmp_path, truth, where
):
    scenario.write_text(SCENARIO + "camera: {gain_spread: 0.1}\n")
    plan, file = load_scenario(scenario), Path(truth) if truth else None
    said = next(emit_scenario(plan, ("zmq", "tcp://127.0.0.1:1"), file))
    assert said == (
        "tiny: its frames are raw, and no camera goes through a socket; the daemon needs "
        f"microscope.camera ({where})"
    )


def test_each_series_of_a_session_gets_a_folder(ltemlive, scenario, tmp_path):
    scenario.write_text(SCENARIO + "session: {series_count: 2}\n")
    share = tmp_path / "share"
    truth = ("--truth", tmp_path / "t.nxs")
    outcome = ltemlive("simulate", scenario, "--to", "folder", share, *truth)
    assert outcome.out.splitlines() == [
        f"3 frames written to {share / number}" for number in ("0001", "0002")
    ]
    titles = [read_series(share / number).title for number in ("0001", "0002")]
    assert titles == ["tiny", "tiny-2"]
    assert (tmp_path / "t.nxs").is_file()
    assert (tmp_path / "t-2.nxs").is_file()


def test_the_seed_changes_the_noise(ltemlive, scenario, tmp_path):
    for folder, seed in (("one", 1), ("two", 2)):
        target = ("--to", "folder", tmp_path / folder)
        ltemlive("simulate", scenario, *target, "--seed", seed, "--fps", 1000)
    one, two = (read_series(tmp_path / folder) for folder in ("one", "two"))
    assert not np.array_equal(one.frames[0].image, two.frames[0].image)
    assert one.frames[0].meta.exposure_s == 0.001


def test_a_series_that_is_played_faster_has_the_same_frames(ltemlive, scenario, tmp_path):
    slow = SCENARIO.replace("exposure_s: 0.001", "exposure_s: 20.0")
    slow = slow.replace("dead_time_s: 0.0", "dead_time_s: 10.0")
    scenario.write_text(slow + "stage: {contamination_per_s: 0.005}\n")
    expected = Acquisition(load_scenario(scenario))
    share, began = tmp_path / "share", time.monotonic()
    outcome = ltemlive("simulate", scenario, "--to", "folder", share, "--fps", 100)
    assert (outcome.status, outcome.err) == (0, "")
    assert time.monotonic() - began < 15.0
    with h5py.File(share / "truth.nxs") as file:
        dirt = file["entry/frames/contamination"][()]
    np.testing.assert_allclose(dirt, [0.0, 0.15, 0.3])
    stored = read_series(share).frames
    for got, frame in zip(stored, expected.frames(), strict=True):
        np.testing.assert_array_equal(got.image, frame.image)
        assert got.meta.exposure_s == 20.0


@pytest.mark.parametrize(
    ("to", "status", "expected"),
    [
        (("nowhere", "x"), 2, "--to nowhere x: expected folder DIR or zmq ENDPOINT"),
        (("zmq", "tcp://10.0.0.1:5571"), 2, "tcp://10.0.0.1:5571: expected a loopback"),
        (("zmq", "here"), 2, "here: expected a loopback address such as "),
        (("folder", "."), 2, "series.yaml: expected a folder without a series"),
        (("folder", "tiny.yaml"), 1, "tiny.yaml"),
    ],
)
def test_a_wrong_destination_is_one_line(
    ltemlive, scenario, tmp_path, to, status, expected
):
    (tmp_path / "series.yaml").write_text("voltage_kv: 200\npixel_nm: 5\n")
    outcome = ltemlive("simulate", scenario, "--to", *to)
    assert (outcome.status, outcome.out) == (status, "")
    assert outcome.err.startswith(f"ltemlive: {expected}")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("specimen: {size_px: 8}\n", "tiny.yaml: specimen.size_px: expected greater than"),
        ("sample: {}\n", "tiny.yaml: sample: unknown key; expected one of: series, "),
    ],
)
def test_a_scenario_that_makes_no_sense_is_one_line(ltemlive, scenario, text, expected):
    scenario.write_text(text)
    outcome = ltemlive("simulate", "tiny.yaml", "--to", "folder", "share")
    assert outcome.status == 2
    assert outcome.err.startswith(f"ltemlive: {expected}")
    assert len(outcome.err.splitlines()) == 1


def test_faults_are_told_at_the_end_and_are_the_same_each_time(
    ltemlive, scenario, monkeypatch, tmp_path
):
    monkeypatch.setattr("ltemlive.cli.emitting.CUT_OFF_S", 0.001)
    scenario.write_text(SCENARIO + "faults: {drop: 1.0, garbage: 1.0}\n")
    options = ("--drop", 0.0, "--dup", 0.5, "--truncate", 0.5, "--seed", 3)
    said, files = [], []
    for folder in (tmp_path / "one", tmp_path / "two"):
        outcome = ltemlive("simulate", scenario, "--to", "folder", folder, *options)
        assert (outcome.status, outcome.err) == (0, "")
        said.append(outcome.out.replace(str(folder), "DIR"))
        files.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert said[0].startswith("3 frames written to DIR; injected: 3 garbage, ")
    assert said[0] == said[1]
    assert files[0] == files[1]
    assert sum(name.startswith("garbage_") for name in files[0]) == 3


@pytest.mark.parametrize("option", [("--drop", 1.1), ("--kill-after", 0)])
def test_faults_that_make_no_sense_are_refused(ltemlive, scenario, tmp_path, option):
    outcome = ltemlive("simulate", scenario, "--to", "folder", tmp_path / "share", *option)
    assert (outcome.status, outcome.out) == (2, "")
    assert option[0] in outcome.err


def test_a_kill_after_the_last_frame_is_refused_before_anything_is_written(
    ltemlive, scenario, tmp_path
):
    target = ("--to", "folder", tmp_path / "share")
    outcome = ltemlive("simulate", scenario, *target, "--kill-after", 4)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        "ltemlive: --kill-after 4: expected at most 3, the frames of a series\n"
    )
    assert not (tmp_path / "share").exists()


def test_its_patience_with_the_daemon_is_an_option(ltemlive, scenario):
    # Bound, so that nobody else takes the port, and never listening.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        target = ("--to", "zmq", endpoint)
        outcome = ltemlive("simulate", scenario, *target, "--patience", 0.2)
    assert outcome.status == 1
    assert outcome.err.startswith(
        f"ltemlive: {endpoint}: expected an answer within 0.2 s, got none; "
    )
