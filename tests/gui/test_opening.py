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
        "import sys, ltemlive.dashboard.event_loop; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
