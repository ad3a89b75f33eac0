"""What a window needs before it opens."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

HEAVY = ("tensorflow", "matplotlib", "skimage", "h5py", "scipy", "tifffile", "yaml")
"""Each takes a tenth of a second to some seconds to import."""


def test_a_window_opens_without_what_only_some_of_its_tools_need():
    code = (
        "import sys, pyqtgraph as pg; from ltemlive.dashboard import event_loop\n"
        "application = pg.mkQApp()\n"
        "window = event_loop.DashboardWindow(clock=lambda: 0.0)\n"
        "window.show(); window.redraw(); window.close()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
