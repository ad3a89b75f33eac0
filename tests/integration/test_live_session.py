"""The live loop end to end: a daemon in its own process, frames, results, replay.

One session is recorded for the whole module, and what its clients saw is kept; the tests
look at it from all sides.
"""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ltemlive import documents
from ltemlive.cli.processes import child, daemon
from ltemlive.client import ControlClient, ResultFeed
from ltemlive.formats.images import read_image, write_map_tiff
from ltemlive.physics.accuracy import correlation, phase_accuracy
from ltemlive.recording.journal import read_journal
from ltemlive.wire.results import ResultMessage, decode_result
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario
from simulator.zmq_emitter import ZmqEmitter

if TYPE_CHECKING:
    from ltemlive.frames import Frame

pytestmark = pytest.mark.timeout(180)

PATIENCE_S = 90.0
"""How long anything may take; an import of TensorFlow beside other work included."""

SCENARIO = Scenario.model_validate(
    {
        "series": "tiny",
        "specimen": {"size_px": 64, "margin_px": 16},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": [0.0, -2e5, 2e5, -1.2e6, 1.2e6],
        "noise": {"level": 0.05},
        "exposure_s": 0.05,
        "dead_time_s": 0.0,
    }
)
RESULT_FILES = (
    "phase.tif", "uncertainty.tif", "gradient.tif", "induction.tif", "amplitude.tif",
    "result.nxs", "summary.png", "report.json",
)  # fmt: skip
WRONG_SEQ = 7
CAMERA = {"flip": "up_down", "rotation_deg": 90.0}
DARK = np.random.default_rng(1).uniform(0.0, 3.0, (64, 64)).astype(np.float32)


def raw(frame):
    """Return a frame as a camera gives it that is turned, mirrored and never quite dark."""
    image = np.flipud(np.rot90(frame.image)) + DARK
    return replace(frame, image=np.ascontiguousarray(image))


@dataclass
class Recorded:
    """A finished session, and what its clients saw of it."""

    folder: Path
    frames: list[Frame]
    ping: Any
    starting: dict[str, Any]
    """The first status."""
    meanwhile: dict[str, Any]
    """The status after the first frame was acknowledged."""
    rejections: list[tuple[int | None, str]]
    n_acknowledged: int
    messages: list[ResultMessage]
    late: ResultMessage
    """What a client got that came after everything."""
    views: list[ResultMessage]
    """Of a frame and of TIE, while the series went on and of its final result."""
    exit_status: int | None

    @property
    def results(self) -> Path:
        return self.folder / "series" / "0001"

    @property
    def final_rad(self):
        return read_image(self.results / "phase.tif")

    @property
    def live(self) -> list[ResultMessage]:
        estimates = [each for each in self.messages if each.topic == "estimate"]
        return [each for each in estimates if not each.header["final"]]


@dataclass
class Observer:
    """A client that keeps what is published, and waits for what it is told to."""

    feed: ResultFeed
    control: ControlClient
    seen: list[ResultMessage] = field(default_factory=list)

    def await_message(self, is_it) -> ResultMessage:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = self.feed.take(1.0)
            if message is not None:
                self.seen.append(message)
                if is_it(message):
                    return message
        raise TimeoutError([message.topic for message in self.seen])

    def await_estimate(self, seq: int) -> None:
        """Return when an estimate is published that was made with a frame."""
        self.await_message(
            lambda each: each.topic == "estimate" and seq in each.header["seqs_used"]
        )

    def look(self, **wanted: Any) -> ResultMessage:
        """Ask for a view and return it."""
        assert self.control.request("view", **wanted).ok
        return self.await_message(lambda each: each.topic == "view")

    def latest(self, topic: str) -> ResultMessage:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = self.control.request("latest", topic=topic)
            if answer.ok:
                return decode_result(bytes(answer.buffer))
        raise TimeoutError(answer.error)


def is_final(message):
    return message.topic == "estimate" and message.header["final"]


def is_solving(message):
    return message.topic == "status" and message.header["device"] is not None


def is_stored(message, seq):
    header = message.header
    is_it = message.topic == "frame" and header["seq"] == seq
    return is_it and header["state"] == "stored"


def deliver(microscope, frame):
    """Send a frame and return when the daemon has answered."""
    n_answered = len(microscope.ack_seconds)
    microscope.send(frame)
    while len(microscope.ack_seconds) == n_answered:
        microscope.sleep(0.01)


def wrong_frame(frame):
    image = np.ascontiguousarray(frame.image[:48])
    return replace(frame, image=image, meta=replace(frame.meta, seq=WRONG_SEQ))


@pytest.fixture(scope="module")
def acquisition():
    return Acquisition(SCENARIO)


@pytest.fixture(scope="module")
def recorded(acquisition, tmp_path_factory):
    """Record a series frame by frame, each sent when the one before has its estimate."""
    frames = [raw(frame) for frame in acquisition.frames()]
    root = tmp_path_factory.mktemp("sessions")
    write_map_tiff(root / "d.tif", DARK, pixel_nm=20.0, unit="counts", labels=("dark",))
    camera = {**CAMERA, "dark": str(root / "d.tif")}
    with ExitStack() as stack:
        running = stack.enter_context(
            daemon(root, f"microscope.camera={json.dumps(camera)}")
        )
        feed = stack.enter_context(ResultFeed(running.results))
        control = stack.enter_context(ControlClient(running.control, PATIENCE_S))
        observer = Observer(feed, control)
        ping = control.request("ping")
        starting = observer.latest("status")
        microscope = stack.enter_context(ZmqEmitter(running.frames, producer="test"))
        microscope.start(acquisition.announcement)
        deliver(microscope, frames[0])
        observer.await_message(lambda each: is_stored(each, 0))
        meanwhile = observer.await_message(
            lambda each: each.topic == "status" and each.header["stored"] == 1
        )
        if not is_solving(meanwhile):
            observer.await_message(is_solving)
        for frame in frames[1:]:
            deliver(microscope, frame)
            observer.await_estimate(frame.meta.seq)
            if frame.meta.seq == 2:
                deliver(microscope, wrong_frame(frame))
        views = [observer.look(what="frame", seq=3), observer.look(what="tie")]
        microscope.end("success")
        observer.await_message(is_final)
        views += [observer.look(what="frame", seq=3), observer.look(what="tie")]
        with ControlClient(running.control, PATIENCE_S) as late:
            latest = Observer(feed, late).latest("estimate")
        running.end()
        return Recorded(
            folder=Path(running.session),
            frames=frames,
            ping=ping,
            starting=dict(starting.header),
            meanwhile=dict(meanwhile.header),
            rejections=microscope.rejections,
            n_acknowledged=len(microscope.ack_seconds),
            messages=observer.seen,
            late=latest,
            views=views,
            exit_status=running.process.returncode,
        )


@pytest.fixture(scope="module")
def again(recorded, tmp_path_factory):
    """Reconstruct and replay the session, each in a process of its own, side by side.

    Return where the results are, exit status and output of each, and the view of a frame
    that the replay shows.
    """
    results = tmp_path_factory.mktemp("results") / "again"
    ports = [f"--{name}=tcp://127.0.0.1:0" for name in ("results", "control")]
    commands = {
        "reconstruct": (str(recorded.folder), "--out", str(results)),
        "replay": (str(recorded.folder), "--stay", *ports),
    }
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(child(name, *arguments, reads=True))
            for name, arguments in commands.items()
        }
        view = looked_at(processes["replay"])
        said = {
            name: process.communicate(timeout=PATIENCE_S)[0]
            for name, process in processes.items()
        }
        status = {name: process.returncode for name, process in processes.items()}
    return results, status, said, view


def looked_at(replay) -> ResultMessage:
    """Return the view of a frame that a replay shows when it is over, and let it end."""
    lines = iter(replay.stdout.readline, "")
    done = next(line for line in lines if line.startswith("done"))
    with ControlClient(done.split()[1], PATIENCE_S) as control:
        assert control.request("view", what="frame", seq=3).ok
        deadline = time.monotonic() + PATIENCE_S
        answer = control.request("latest", topic="view")
        while not answer.ok and time.monotonic() < deadline:
            answer = control.request("latest", topic="view")
    replay.send_signal(signal.SIGINT)
    return decode_result(answer.buffer)


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


# While the session went on


def test_it_answers_before_tensorflow_is_loaded(recorded):
    assert recorded.ping.ok
    assert recorded.starting["state"] == "starting"
    assert recorded.starting["device"] is None
    assert recorded.starting["session"] == recorded.folder.name


def test_it_takes_frames_before_tensorflow_is_loaded(recorded):
    assert recorded.meanwhile["device"] is None
    assert recorded.meanwhile["stored"] == 1
    assert [row["state"] for row in recorded.meanwhile["frames"]] == ["stored"]


def test_each_frame_from_the_second_on_improves_the_estimate(recorded):
    revs = [message.header["rev"] for message in recorded.live]
    assert revs == sorted(set(revs))
    used = [tuple(message.header["seqs_used"]) for message in recorded.live]
    assert list(dict.fromkeys(used)) == [
        (0, 1),
        (0, 1, 2),
        (0, 1, 2, 3),
        (0, 1, 2, 3, 4),
    ]


def test_a_wrong_frame_is_refused_with_its_reason_and_the_series_goes_on(recorded):
    reason = (
        "frame 7: expected shape (64, 64) as the first frame of the series, got (48, 64)"
    )
    assert recorded.rejections == [(WRONG_SEQ, reason)]
    assert recorded.n_acknowledged == len(recorded.frames) + 1
    (told,) = (
        message.header
        for message in recorded.messages
        if message.topic == "frame" and message.header["state"] == "rejected"
    )
    assert (told["frame"], told["reason"]) == ("7", reason)
    report = json.loads((recorded.results / "report.json").read_text())
    assert report["frames_rejected"] == [{"seq": WRONG_SEQ, "reason": reason}]
    assert report["frames_used"] == [f"{seq:06d}.tif" for seq in range(5)]


def test_a_client_that_comes_late_gets_the_newest_estimate(recorded):
    assert recorded.late.header["final"]
    assert recorded.late.header["rev"] > recorded.live[-1].header["rev"]
    np.testing.assert_array_equal(recorded.late.arrays["phase"], recorded.final_rad)
    assert set(recorded.late.arrays) == {
        *("phase", "gradient", "induction", "amplitude", "phase_sigma")
    }


# What is left


def test_frames_are_shown_beside_their_prediction_and_tie_beside_the_phase(
    recorded, acquisition
):
    revs = {message.header["rev"] for message in recorded.live}
    final_rev = max(each.header["rev"] for each in recorded.messages if is_final(each))
    for (frame, tie), is_over in (
        (recorded.views[:2], False),
        (recorded.views[2:], True),
    ):
        for view, seq in ((frame, 3), (tie, None)):
            header = view.header
            assert (header["ordinal"], header["series"]) == (1, "tiny")
            assert (header["final"], header["seq"]) == (is_over, seq)
            assert header["rev"] == final_rev if is_over else header["rev"] <= max(revs)
        residual = frame.arrays["residual"]
        assert frame.header["state"] == "used"
        assert 0.5 < rms(residual[np.isfinite(residual)]) < 1.5
        assert correlation(frame.arrays["measured"], frame.arrays["predicted"]) > 0.9
        accuracy = phase_accuracy(tie.arrays["phase"], acquisition.truth_phase_rad)
        assert accuracy.gradient > 0.5


def test_it_ended_well_when_it_was_asked_to(recorded):
    assert recorded.exit_status == 0
    assert read_journal(recorded.folder / "journal.jsonl")[-1]["kind"] == "closed"


def test_every_frame_is_on_disk_bit_for_bit(recorded):
    files = sorted((recorded.results / "frames").iterdir())
    assert [file.name for file in files] == [f"{seq:06d}.tif" for seq in range(5)]
    for file, frame in zip(files, recorded.frames, strict=True):
        image = read_image(file)
        assert image.dtype == frame.image.dtype
        np.testing.assert_array_equal(image, frame.image)


def test_every_result_file_is_there(recorded):
    there = {file.name for file in recorded.results.iterdir()}
    assert there == {*RESULT_FILES, "series.yaml", "frames", "dark.tif"}


def test_the_truth_is_found(recorded, acquisition):
    accuracy = phase_accuracy(recorded.final_rad, acquisition.truth_phase_rad)
    assert accuracy.phase > 0.98
    assert accuracy.gradient > 0.98


def test_the_last_live_estimate_lies_near_the_final_one(recorded):
    last = recorded.live[-1].arrays["phase"]
    assert correlation(last, recorded.final_rad) > 0.998


# The session again


def test_reconstruct_gives_the_final_result_of_the_daemon(recorded, again):
    results, status, said, _ = again
    assert status["reconstruct"] == 0
    assert "not used 7: frame 7: expected shape (64, 64)" in said["reconstruct"]
    assert {file.name for file in results.iterdir()} == set(RESULT_FILES)
    phase_rad = read_image(results / "phase.tif")
    assert rms(phase_rad - recorded.final_rad) <= 1e-4


def test_replay_gives_every_estimate_as_it_was(recorded, again):
    _, status, said, _ = again
    entries = read_journal(recorded.folder / "journal.jsonl")
    n_live = sum(entry["kind"] == "refined" and entry["rev"] > 0 for entry in entries)
    assert n_live >= len(recorded.live)
    verdict = f"{n_live + 1} of {n_live + 1} estimates as recorded"
    assert said["replay"].splitlines()[-1] == verdict
    assert status["replay"] == 0


def test_a_replay_that_stays_shows_what_the_daemon_did(recorded, again):
    *_, view = again
    live = recorded.views[2]
    assert (view.header["final"], view.header["seq"]) == (True, 3)
    assert view.header["rev"] == live.header["rev"]
    for name, shown in view.arrays.items():
        np.testing.assert_allclose(shown, live.arrays[name], atol=1e-3)


# The same through a watched folder


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Let the simulator save to a folder that a daemon watches; return both folders."""
    share = tmp_path_factory.mktemp("share")
    scenario = tmp_path_factory.mktemp("scenario") / "tiny.yaml"
    scenario.write_text(documents.dump(SCENARIO.model_dump(mode="json")))
    settings = ("input.zmq=null", f"input.folder={share}", "input.rescan_s=0.2")
    with ExitStack() as stack:
        running = stack.enter_context(
            daemon(tmp_path_factory.mktemp("sessions"), *settings)
        )
        feed = stack.enter_context(ResultFeed(running.results))
        control = stack.enter_context(ControlClient(running.control, PATIENCE_S))
        observer = Observer(feed, control)
        observer.await_message(lambda each: each.topic == "status")
        target = ("--to", "folder", str(share))
        microscope = stack.enter_context(child("simulate", str(scenario), *target))
        last = len(SCENARIO.defocus_nm) - 1
        observer.await_message(lambda each: is_stored(each, last))
        assert microscope.wait(PATIENCE_S) == 0
        # The end of the daemon is the end of its series: the final result comes before.
        running.end()
    return share, Path(running.session)


def test_every_file_ends_up_in_the_session_and_none_twice(watched, acquisition):
    share, session = watched
    stored = sorted((session / "series" / "0001" / "frames").iterdir())
    written = sorted(share.glob("*.tif"))
    assert [file.name for file in stored] == [file.name for file in written]
    for copy, original, frame in zip(stored, written, acquisition.frames(), strict=True):
        np.testing.assert_array_equal(read_image(copy), frame.image)
        np.testing.assert_array_equal(read_image(original), frame.image)
    entries = read_journal(session / "journal.jsonl")
    kinds = [entry["kind"] for entry in entries]
    assert [entry["seq"] for entry in entries if entry["kind"] == "stored"] == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert (kinds.count("rejected"), kinds.count("ended"), kinds[-1]) == (0, 1, "closed")


def test_the_same_frames_give_the_same_phase_by_either_way(watched, recorded):
    _, session = watched
    by_folder = read_image(session / "series" / "0001" / "phase.tif")
    # These are not corrected, and dark counts cost the others the last digits of float32.
    assert rms(by_folder - recorded.final_rad) <= 0.01
