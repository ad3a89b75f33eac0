"""Window and listener together under one Qt application."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore

from ltemlive.dashboard import choices, theme
from ltemlive.dashboard.courier import Courier
from ltemlive.dashboard.exports import Exports
from ltemlive.dashboard.listener import EstimateListener
from ltemlive.dashboard.pictures import save_picture
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pyqtgraph.Qt import QtWidgets

    from ltemlive.dashboard.courier import Errand
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
    courier = Courier(control_endpoint, keys=keys)
    window = DashboardWindow(clock=time.monotonic)
    exports = Exports(window, control_endpoint, keys=keys)
    # Nothing would move any more: better no window than one that looks alive.
    listener.finished.connect(lambda: application.exit(_DEAF))
    if screenshot is not None:
        _photograph_first_estimate(application, window, screenshot, timeout_s)
    # A picture is the same wherever it is taken: it keeps no choices and has none.
    kept = choices.kept_choices() if screenshot is None else None
    with _open(window, kept), in_touch(window, listener, courier, exports):
        outcome = application.exec()
    reasons = {
        _NO_ESTIMATE: f"{results_endpoint}: expected an estimate within {timeout_s:g} s, "
        "got none; check that `ltemlive run` is up and that a series has begun",
        _NOT_WRITTEN: f"{screenshot}: expected a place for a PNG, could not write it",
        _DEAF: "dashboard: the listening thread ended; its traceback is above",
    }
    if outcome in reasons:
        raise LtemLiveError(reasons[outcome])
    return 0


@contextlib.contextmanager
def _open(window: DashboardWindow, kept: QtCore.QSettings | None) -> Iterator[None]:
    """Show the window as it was left, until it is closed or interrupted."""
    if kept is not None:
        choices.restore(window, kept)
    window.show()
    try:
        with _closed_by_interrupt(window):
            yield
    finally:
        if kept is not None:
            choices.keep(window, kept)
        window.close()
        window.deleteLater()


@contextlib.contextmanager
def in_touch(
    window: DashboardWindow, listener: EstimateListener, courier: Courier, exports: Exports
) -> Iterator[None]:
    """Let a window hear and ask until the end of a ``with`` block.

    That the listener ends there of itself, as ``finished`` tells, is for the caller.
    """
    _connect(window, listener, courier)
    listener.start()
    courier.start()
    try:
        yield
    finally:
        # From here on its end is meant.
        listener.finished.disconnect()
        listener.stop()
        courier.stop()
        exports.close()


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
    try:
        save_picture(window, path)
    except (LtemLiveError, OSError):
        return False
    return True


def _connect(window: DashboardWindow, listener: EstimateListener, courier: Courier) -> None:
    """Let the window show what is heard, and what is asked in it be asked of the daemon."""
    listener.snapshot_changed.connect(window.accept)
    window.taken.connect(listener.release)

    def ask(op: str, arguments: dict[str, Any], said: str) -> None:
        if not courier.ask(op, purpose=said, **arguments):
            window.say(f"{op}: earlier requests still wait for an answer", "error")

    def tell(errand: Errand, _answer: object) -> None:
        if errand.purpose:
            window.say(str(errand.purpose))

    window.asked.connect(ask)
    courier.answered.connect(tell)
    courier.failed.connect(lambda _errand, reason: window.say(reason, "error"))


@contextlib.contextmanager
def _closed_by_interrupt(window: DashboardWindow) -> Iterator[None]:
    """Let Ctrl-C close the window; the redraw timer gives Python the chance to notice."""
    before = signal.signal(signal.SIGINT, lambda *_: window.close())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
