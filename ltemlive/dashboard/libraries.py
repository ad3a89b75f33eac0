"""Does Qt find the system libraries it needs? Asked before Qt itself is, which aborts."""

from __future__ import annotations

import ctypes
import importlib
import sys
from typing import TYPE_CHECKING

from ltemlive.errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAWING_PACKAGES = (
    "libegl1", "libgl1", "libglib2.0-0", "libdbus-1-3", "libfontconfig1", "libxkbcommon0",
)  # fmt: skip
"""Debian's names of what Qt loads on import."""

SCREEN_PACKAGES = (
    "libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1",
    "libxcb-shape0",
)  # fmt: skip
"""What its X11 plugin loads besides."""

_SCREEN_LIBRARIES = (
    "libxkbcommon-x11.so.0", "libxcb-cursor.so.0", "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1", "libxcb-shape.so.0",
)  # fmt: skip


def platform_of(environ: Mapping[str, str]) -> str | None:
    """Return the Qt platform this environment gives: xcb, wayland, offscreen or another.

    None where there is no screen and nobody asked for an offscreen window.
    """
    if named := environ.get("QT_QPA_PLATFORM"):
        return named.split(":")[0].split(";")[0]
    if not sys.platform.startswith("linux"):
        return "native"
    if environ.get("WAYLAND_DISPLAY"):
        return "wayland"
    return "xcb" if environ.get("DISPLAY") else None


def require_qt(platform: str) -> None:
    """Return if Qt can be imported and can open windows on a platform.

    Raises
    ------
    MissingLibraryError
        Naming what is missing and the line that installs it.
    """
    try:
        importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        raise MissingLibraryError(_remedy(str(error), DRAWING_PACKAGES)) from error
    if platform != "xcb":
        return
    for library in _SCREEN_LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError as error:
            raise MissingLibraryError(_remedy(str(error), SCREEN_PACKAGES)) from error


def _remedy(problem: str, packages: tuple[str, ...]) -> str:
    return (
        f"the window needs Qt, which reports: {problem}; try: sudo apt install "
        + " ".join(packages)
    )
