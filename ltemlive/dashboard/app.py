"""``ltemlive dashboard``: checks that a window can open, then opens it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ltemlive.dashboard.libraries import platform_of, require_qt
from ltemlive.errors import MissingLibraryError

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.keys import ClientKeys


def run_dashboard(
    results_endpoint: str,
    control_endpoint: str,
    *,
    screenshot: Path | None = None,
    keys: ClientKeys | None = None,
) -> int:
    """Show the live window until it is closed or interrupted, and return the exit code.

    Parameters
    ----------
    results_endpoint, control_endpoint
        Where the daemon publishes, and where it answers.
    screenshot
        Write the window as PNG here once it shows an estimate, then close it. Needs no
        screen.
    keys
        Of this client, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If an endpoint is not a loopback address, and there are no keys.
    MissingLibraryError
        If there is no screen, or Qt or one of its system libraries is missing.
    LtemLiveError
        If a screenshot was asked for and cannot be taken.
    """
    platform = platform_of(os.environ)
    if platform is None and screenshot is not None:
        platform = os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if platform is None:
        raise MissingLibraryError(
            "dashboard: expected a screen, got neither DISPLAY nor WAYLAND_DISPLAY; log in "
            "with a desktop or with ssh -X, or run it where the screen is"
        )
    require_qt(platform)
    # Only now: without its libraries pyqtgraph's own message misleads.
    from ltemlive.dashboard.event_loop import run_window  # noqa: PLC0415

    return run_window(results_endpoint, control_endpoint, screenshot=screenshot, keys=keys)
