"""Measure what it costs the window to draw one revision after the other, and to open.

redraw  Processor time from a snapshot with a new revision until it is painted, median of
        several, no screen; pages that nobody looks at cost what they cost.
hear    What the listener's thread does with the message of a revision meanwhile.
open    Processor time of a new process until its window is painted.
join    Time until a window that opens while a series is under way shows its frames and its
        newest estimate: from the start of its listener, at 1024 x 1024.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

# Before anything imports Qt.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
import pyqtgraph as pg
from reporting import parser, report

from ltemlive.dashboard import theme
from ltemlive.dashboard.listener import EstimateListener
from ltemlive.dashboard.shown.look import Look
from ltemlive.dashboard.shown.measuring import Segment
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge, with_link
from ltemlive.dashboard.shown.views import FrameViewShown, TieShown
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.events import PhaseEstimate
from ltemlive.sinks.publisher import ResultServer
from ltemlive.wire.estimates import estimate_message
from ltemlive.wire.results import (
    DaemonStatus,
    FrameRow,
    decode_result,
    encode_result,
    status_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reporting import Row

    from ltemlive.wire.results import ResultMessage

SIDES_PX = (512, 1024, 2048)
N_REVISIONS = 9
"""The first one is not counted: tables are made for it."""
_T_DAEMON = 1_700_000_000.0
_PIXEL_NM = 5.0

_OPEN = """
import time
import pyqtgraph as pg
from ltemlive.dashboard import event_loop, theme
application = pg.mkQApp()
theme.apply_theme(application)
window = event_loop.DashboardWindow(clock=time.monotonic)
window.show()
window.redraw()
application.processEvents()
print(time.process_time())
window.close()
"""


def main() -> None:
    """Measure every page at every size, then how the window opens."""
    arguments = parser(__doc__)
    arguments.add_argument("--sides", type=int, nargs="+", default=SIDES_PX, metavar="PX")
    options = arguments.parse_args()
    pg.mkQApp()
    rows: list[Row] = []
    for side_px in options.sides:
        rows += [_redraws(page, side_px) for page in _PAGES]
    rows.append({"what": "open", "cpu ms": _median_ms(_opening_s, 5)})
    rows.append({"what": "join", "ms": _median_ms(_joining_s, 5)})
    report(rows, options.json)


def _redraws(page: str, side_px: int) -> Row:
    hearing_ms, drawing_ms = [], []
    with _open_window() as window:
        snapshot = _heard(_status(), with_link(DisplaySnapshot(), "up"))
        for rev in range(1, N_REVISIONS + 1):
            data = bytes(encode_result(_estimate(rev, side_px)))
            t_start = time.process_time()
            snapshot = merge(snapshot, decode_result(data), now=0.0)
            t_heard = time.process_time()
            snapshot = _PAGES[page](window, snapshot)
            t_accepted = time.process_time()
            window.accept(snapshot)
            window.redraw()
            pg.QtWidgets.QApplication.processEvents()
            drawing_ms.append(1e3 * (time.process_time() - t_accepted))
            hearing_ms.append(1e3 * (t_heard - t_start))
    cpu_ms, hear_ms = median(drawing_ms[1:]), median(hearing_ms[1:])
    return {
        "what": page,
        "side px": side_px,
        "cpu ms": cpu_ms,
        "hear ms": hear_ms,
        "a second": 1e3 / (cpu_ms + hear_ms),
    }


def _live(_window: DashboardWindow, snapshot: DisplaySnapshot) -> DisplaySnapshot:
    return snapshot


def _contours(window: DashboardWindow, snapshot: DisplaySnapshot) -> DisplaySnapshot:
    if not window.look.contours:
        window.set_look(Look(contours=True))
    return snapshot


def _measured(window: DashboardWindow, snapshot: DisplaySnapshot) -> DisplaySnapshot:
    tools, estimate = window.face.tools, snapshot.estimate
    if tools.segment is None and estimate is not None:
        far_nm = 0.8 * estimate.pixel_nm * estimate.phase_rad.shape[0]
        tools.choose("profile")
        tools.place("profile", Segment((0.2 * far_nm, 0.2 * far_nm), (far_nm, far_nm)))
        window.face.tools.profile_panel.width_nm.setValue(10.0 * estimate.pixel_nm)
    return _contours(window, snapshot)


def _frame(window: DashboardWindow, snapshot: DisplaySnapshot) -> DisplaySnapshot:
    estimate = snapshot.estimate
    if estimate is None or window.drawn is None:
        return snapshot
    if window.page != "frame":
        window.actions_["frame"].trigger()
        window.face.frames.choose(1)
    rng = np.random.default_rng(estimate.rev)
    residual = rng.normal(size=estimate.phase_rad.shape).astype(np.float32)
    predicted = 1.0 + np.float32(0.1) * estimate.phase_rad
    measured = predicted + np.float32(0.1) * residual
    view = FrameViewShown(
        ordinal=1,
        rev=estimate.rev,
        seq=1,
        measured=measured,
        predicted=predicted,
        residual=residual,
        pixel_nm=_PIXEL_NM,
        score=1.0,
        reason=None,
    )
    return replace(snapshot, frame_view=view)


def _compare(window: DashboardWindow, snapshot: DisplaySnapshot) -> DisplaySnapshot:
    if window.page != "compare":
        window.actions_["compare"].trigger()
    estimate = snapshot.estimate
    if estimate is None:
        return snapshot
    tie = TieShown(1, estimate.rev, np.float32(0.8) * estimate.phase_rad, _PIXEL_NM)
    return replace(snapshot, tie=tie)


_PAGES: dict[str, Callable[[DashboardWindow, DisplaySnapshot], DisplaySnapshot]] = {
    "live": _live,
    "live, contours": _contours,
    "live, contours, profile": _measured,
    "frame": _frame,
    "compare with TIE": _compare,
}


@contextmanager
def _open_window() -> Iterator[DashboardWindow]:
    application = pg.mkQApp()
    theme.apply_theme(application)
    window = DashboardWindow(clock=lambda: 0.0)
    window.show()
    try:
        yield window
    finally:
        window.close()
        window.deleteLater()
        pg.QtWidgets.QApplication.processEvents()


def _heard(message: ResultMessage, snapshot: DisplaySnapshot) -> DisplaySnapshot:
    return merge(snapshot, decode_result(encode_result(message)), now=0.0)


def _estimate(rev: int, side_px: int) -> ResultMessage:
    return estimate_message(
        _event(rev, side_px), t_published=_T_DAEMON, preview_px=max(SIDES_PX)
    )


def _event(rev: int, side_px: int) -> PhaseEstimate:
    rng = np.random.default_rng(rev)
    along = np.linspace(0.0, 20.0 + 0.1 * rev, side_px)
    phase = np.add.outer(np.sin(along), np.cos(0.7 * along))
    noise = 0.02 * rng.normal(size=phase.shape)
    return PhaseEstimate(
        ordinal=1,
        series="bench",
        rev=rev,
        seqs_used=(0, 1, 2),
        defocus_nm=(0.0, 1e5, -1e5),
        steps=10 * rev,
        gradient_evaluations=11 * rev,
        objective=tuple(1.0 / (rev + step / 10.0) for step in range(10)),
        is_final=False,
        phase_rad=(phase + noise).astype(np.float32),
        amplitude=np.ones((side_px, side_px), np.float32),
        pixel_nm=_PIXEL_NM,
        device="CPU",
        holdout=(1.0, 1.1, 0.9),
    )


def _status() -> ResultMessage:
    return status_message(_daemon_status(), t_published=_T_DAEMON)


def _daemon_status() -> DaemonStatus:
    return DaemonStatus(
        session="bench",
        state="solving",
        device="CPU",
        ordinal=1,
        series="bench",
        n_expected=20,
        received=20,
        stored=20,
        dropped=0,
        disordered=0,
        duplicate=0,
        rejected=0,
        queued=0,
        frames=tuple(FrameRow(seq, str(seq), 1e4 * seq, "stored") for seq in range(20)),
        version="0",
    )


def _median_ms(measured_s: Callable[[], float], n: int) -> float:
    return 1e3 * median(measured_s() for _ in range(n))


def _opening_s() -> float:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def _joining_s() -> float:
    with _daemon() as server, _open_window() as window:
        listener = EstimateListener(
            server.results_endpoint, server.control_endpoint, clock=time.monotonic
        )
        listener.snapshot_changed.connect(window.accept)
        window.taken.connect(listener.release)
        t_start = time.monotonic()
        listener.start()
        try:
            while window.estimate is None or not window.face.frames.model().rowCount():
                window.redraw()
                pg.QtWidgets.QApplication.processEvents()
                time.sleep(0.001)
            return time.monotonic() - t_start
        finally:
            listener.stop()


@contextmanager
def _daemon() -> Iterator[ResultServer]:
    """Serve a series that is under way; nothing is published again."""
    stop = threading.Event()
    with ResultServer(
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:0",
        clock=time.time,
        max_rate_hz=10.0,
        preview_px=1024,
    ) as server:
        server.set_status(_daemon_status())
        server.accept(_event(1, 1024))
        thread = threading.Thread(target=server.serve, args=(stop,))
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            thread.join()


if __name__ == "__main__":
    main()
