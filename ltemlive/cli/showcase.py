"""The demo itself: wire the processes, follow the results, compare with the truth."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ltemlive.cli.destination import make_destination
from ltemlive.cli.processes import RunningDaemon, child, daemon
from ltemlive.cli.terminal import console, say
from ltemlive.client import ResultFeed
from ltemlive.dashboard.libraries import platform_of, require_qt
from ltemlive.errors import ConfigError, LtemLiveError, MissingLibraryError
from ltemlive.formats.images import write_map_tiff
from ltemlive.physics.accuracy import PhaseAccuracy, phase_accuracy
from ltemlive.recording.export import REPORT_FILE
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

if TYPE_CHECKING:
    import subprocess

    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.wire.results import ResultMessage

SESSION = "session"
TRUTH_FILE = "truth_phase.tif"
TAKE_TIMEOUT_S = 1.0
SILENCE_S = 300
"""How long nothing but heartbeats may come before the demo gives up."""


def run_showcase(out: Path, *, seed: int, wants_window: bool) -> None:
    """Run the demo with its results in ``out``.

    Raises
    ------
    ConfigError
        If ``out`` holds something else than an earlier demo, or cannot be written.
    LtemLiveError
        If one of the processes fails.
    """
    _clear(out)
    acquisition = Acquisition(Scenario(seed=seed))
    with ExitStack() as stack:
        expected = f"solver.expected_shape={list(acquisition.announcement.shape)}"
        running = stack.enter_context(daemon(out, expected))
        feed = stack.enter_context(ResultFeed(running.results))
        window = _open_window(stack, running) if wants_window else None
        truth_rad = acquisition.truth_phase_rad
        _await_solver(feed, running)
        target = ("--to", "zmq", running.frames)
        microscope = stack.enter_context(child("simulate", *target, "--seed", str(seed)))
        live, final = _follow(feed, running, microscope, truth_rad)
        folder = Path(running.session) / "series" / "0001"
        for file in folder.iterdir():
            if file.is_file() and file.name != "series.yaml":
                shutil.copy2(file, out / file.name)
        pixel_nm = acquisition.microscope.pixel_nm
        write_map_tiff(
            out / TRUTH_FILE, truth_rad, pixel_nm=pixel_nm, unit="rad", labels=("truth",)
        )
        _add_truth(out / REPORT_FILE, final)
        _print_summary(out, live, final)
        if window is not None and sys.stdin.isatty():
            console.print("Close the window to end the demo.")
            window.wait()
        running.end()
    Path(running.session).rename(out / SESSION)


def _clear(out: Path) -> None:
    """Take an earlier demo's files away; never anything else."""
    make_destination(out)
    session = out / SESSION
    if any(out.iterdir()) and not (_is_session(session) or _was_broken_off(out)):
        raise ConfigError(
            f"--out {out}: expected an empty folder or one of an earlier demo, got "
            "something else; choose another folder"
        )
    if session.exists():
        shutil.rmtree(session)
    for name in (*_RESULT_FILES, TRUTH_FILE):
        (out / name).unlink(missing_ok=True)


def _is_session(folder: Path) -> bool:
    return (folder / "session.yaml").is_file()


def _was_broken_off(out: Path) -> bool:
    """Return whether a demo ended before its session got its name; that session stays."""
    others = {path for path in out.iterdir() if not _is_session(path)}
    ours = {out / name for name in (*_RESULT_FILES, TRUTH_FILE)}
    return others <= ours and any(map(_is_session, out.iterdir()))


_RESULT_FILES = (
    "phase.tif", "uncertainty.tif", "gradient.tif", "induction.tif", "amplitude.tif",
    "result.nxs", "summary.png", REPORT_FILE,
)  # fmt: skip


def _open_window(stack: ExitStack, running: RunningDaemon) -> subprocess.Popen[str] | None:
    """Open the dashboard where there is a screen and Qt; say it where there is not."""
    platform = platform_of(os.environ)
    if platform is None:
        console.print("no screen here: running headless")
        return None
    try:
        require_qt(platform)
    except MissingLibraryError as error:
        say("[yellow]running headless[/]:", str(error))
        return None
    endpoints = ("--connect", running.results, "--control", running.control)
    return stack.enter_context(child("dashboard", *endpoints))


def _await_solver(feed: ResultFeed, running: RunningDaemon) -> None:
    """Wait until TensorFlow is there, so that each frame is seen to refine the phase."""
    with console.status("loading TensorFlow (frames would be recorded already)"):
        while True:
            message = feed.take(TAKE_TIMEOUT_S)
            device = _device_in(message)
            if device is not None:
                say("solving on", device)
                return
            if running.process.poll() is not None:
                raise LtemLiveError("demo: the daemon ended while it loaded TensorFlow")


def _device_in(message: ResultMessage | None) -> str | None:
    if message is None or message.topic != "status":
        return None
    device: str | None = message.header["device"]
    return device


def _follow(
    feed: ResultFeed,
    running: RunningDaemon,
    microscope: subprocess.Popen[str],
    truth_rad: NDArray[np.float32],
) -> tuple[PhaseAccuracy, PhaseAccuracy]:
    """Print what comes until the final result; return the last live accuracy and its."""
    live: PhaseAccuracy | None = None
    deadline = time.monotonic() + SILENCE_S
    while time.monotonic() < deadline:
        message = feed.take(TAKE_TIMEOUT_S)
        _check_alive(running, microscope)
        if message is None or message.topic == "status":
            continue
        deadline = time.monotonic() + SILENCE_S
        if message.topic == "frame":
            _print_frame(message)
        elif message.topic == "advice":
            say("[yellow]advice[/]", message.header["text"])
        elif message.topic == "estimate":
            accuracy = phase_accuracy(message.arrays["phase"], truth_rad)
            _print_estimate(message.header, accuracy)
            if message.header["final"]:
                return live or accuracy, accuracy
            live = accuracy
    raise LtemLiveError(f"demo: nothing came from the daemon for {SILENCE_S} s")


def _check_alive(running: RunningDaemon, microscope: subprocess.Popen[str]) -> None:
    if running.process.poll() is not None:
        raise LtemLiveError("demo: the daemon ended before the final result (see above)")
    if microscope.poll() not in (None, 0):
        raise LtemLiveError("demo: the simulator failed (see above)")


def _print_frame(message: ResultMessage) -> None:
    header = message.header
    if header["state"] == "rejected":
        say("[red]rejected[/]", f"{header['frame']}: {header['reason']}")
    else:
        console.print(
            f"stored frame {header['seq']} at {header['defocus_nm'] / 1e6:+.2f} mm"
        )


def _print_estimate(header: Any, accuracy: PhaseAccuracy) -> None:
    kind = "[bold green]final   [/]" if header["final"] else "estimate"
    console.print(
        f"  {kind} {header['rev']:3}  {len(header['seqs_used'])} images  "
        f"{header['steps']:4} steps   phase {accuracy.phase:.4f}   "
        f"gradient {accuracy.gradient:.4f}"
    )


def _add_truth(report: Path, accuracy: PhaseAccuracy) -> None:
    """Write how near the final phase is to the true one into the demo's report."""
    document = json.loads(report.read_text(encoding="utf-8"))
    document["truth"] = asdict(accuracy)
    report.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _print_summary(out: Path, live: PhaseAccuracy, final: PhaseAccuracy) -> None:
    table = Table(title="Against the true phase", title_justify="left")
    for heading in ("", "phase accuracy", "gradient accuracy", "slope", "rms [rad]"):
        table.add_column(heading, justify="right")
    for name, figures in (("last live", live), ("final", final)):
        table.add_row(
            name,
            f"{figures.phase:.4f}",
            f"{figures.gradient:.4f}",
            f"{figures.slope:.3f}",
            f"{figures.rms_rad:.3f}",
        )
    console.print(f"results in {out}, one page of them in {out / 'summary.png'}")
    console.print(f"the session, to replay: {out / SESSION}")
    console.print(table)
    console.print(
        f"phase accuracy {final.phase:.4f}, gradient accuracy {final.gradient:.4f}"
    )
