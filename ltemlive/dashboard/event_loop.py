"""Window and listener together under one Qt application."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore

from ltemlive.dashboard import theme
from ltemlive.dashboard.listener import EstimateListener
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyqtgraph.Qt import QtWidgets

    from ltemlive.keys import ClientKeys

SCREENSHOT_TIMEOUT_S = 30.0

_SHUTTER_DELAY_MS = 300
"""Texts that have just changed get their places in the next rounds of the event loop."""

_NO_ESTIMATE, _NOT_WRITTEN, _DEAF = 1, 2, 3


def run_window(
    results_endpoint: str,
    control_endpoint: str,
    *,
    screenshot: Path | None = None,
    timeout_s: float = SCREENSHOT_TIMEOUT_S,
    keys: ClientKeys | None = None,
) -> int:
    """Show the window until it is closed or interrupted, and return the exit code.

    ``screenshot`` and what is raised: see ``app.run_dashboard``; ``timeout_s`` is how long
    an estimate is waited for.
    """
    application = pg.mkQApp("ltemlive")
    theme.apply_theme(application)
    listener = EstimateListener(
        results_endpoint, control_endpoint, clock=time.monotonic, keys=keys
    )
    window = DashboardWindow(clock=time.monotonic)
    listener.snapshot_changed.connect(window.accept)
    window.taken.connect(listener.release)
    # Nothing would move any more: better no window than one that looks alive.
    listener.finished.connect(lambda: application.exit(_DEAF))
    if screenshot is not None:
        _photograph_first_estimate(application, window, screenshot, timeout_s)
    window.show()
    listener.start()
    try:
        with _closed_by_interrupt(window):
            outcome = application.exec()
    finally:
        listener.finished.disconnect()
        listener.stop()
        window.close()
        window.deleteLater()
    if outcome == _NO_ESTIMATE:
        raise LtemLiveError(
            f"{results_endpoint}: expected an estimate within {timeout_s:g} s, got none; "
            "check that `ltemlive run` is up and that a series has begun"
        )
    if outcome == _NOT_WRITTEN:
        raise LtemLiveError(f"{screenshot}: expected a place for a PNG, could not write it")
    if outcome == _DEAF:
        raise LtemLiveError("dashboard: the listening thread ended; its traceback is above")
    return 0


def _photograph_first_estimate(
    application: QtWidgets.QApplication,
    window: DashboardWindow,
    path: Path,
    timeout_s: float,
) -> None:
    shutter = QtCore.QTimer(window, singleShot=True, interval=_SHUTTER_DELAY_MS)
    shutter.timeout.connect(
        lambda: application.exit(0 if _saved(window, path) else _NOT_WRITTEN)
    )

    def release_shutter() -> None:
        is_waiting = not shutter.isActive()
        if is_waiting and window.drawn is not None and window.drawn.estimate is not None:
            shutter.start()

    window.taken.connect(release_shutter)
    deadline = QtCore.QTimer(window, singleShot=True)
    deadline.timeout.connect(lambda: application.exit(_NO_ESTIMATE))
    deadline.start(round(timeout_s * 1000.0))


def _saved(window: DashboardWindow, path: Path) -> bool:
    aside = path.with_name(f".{path.name}.part")
    if not window.grab().save(str(aside), "PNG"):
        return False
    aside.replace(path)
    return True


@contextlib.contextmanager
def _closed_by_interrupt(window: DashboardWindow) -> Iterator[None]:
    """Let Ctrl-C close the window; the redraw timer gives Python the chance to notice."""
    before = signal.signal(signal.SIGINT, lambda *_: window.close())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
