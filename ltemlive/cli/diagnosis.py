"""What ``ltemlive doctor`` looks at, one finding each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.dashboard.libraries import platform_of, require_qt
from ltemlive.errors import MissingLibraryError
from ltemlive.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORT_TIMEOUT_S = 180.0

_IMPORT_TENSORFLOW = (
    "from ltemlive.recon import runtime; import tensorflow as tf; "
    "print(tf.__version__, 'on', runtime.device_name())"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_ok: bool
    detail: str
    """What was found, or what is missing and its remedy."""


def diagnose() -> list[Finding]:
    """Return what was found; nothing here changes the machine."""
    checks: tuple[Callable[[], Finding], ...] = (tensorflow_finding, qt_finding)
    return [check() for check in checks] + port_findings(Settings())


def tensorflow_finding() -> Finding:
    """Import TensorFlow in another process: on some processors it does not survive."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT_TENSORFLOW],
            capture_output=True,
            text=True,
            timeout=IMPORT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding("TensorFlow", False, "no answer in 3 minutes; try again")
    if done.returncode == 0:
        return Finding("TensorFlow", True, done.stdout.strip())
    lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
    return Finding("TensorFlow", False, f"{lines[-1]}; try: pip install 'tensorflow<2.22'")


def qt_finding() -> Finding:
    """Look for Qt and the system libraries that its platform needs."""
    platform = platform_of(os.environ)
    try:
        require_qt(platform or "offscreen")
    except MissingLibraryError as error:
        return Finding("window", False, str(error))
    if platform is None:
        return Finding("window", True, "Qt is there; no screen here, so only offscreen")
    return Finding("window", True, f"Qt is there, on {platform}")


def port_findings(settings: Settings) -> list[Finding]:
    """Look whether the default ports are free; taken ones may be a running daemon."""
    endpoints = {
        "input.zmq": settings.input.zmq,
        "output.results": settings.output.results,
        "output.control": settings.output.control,
    }
    return [
        _port_finding(name, endpoint) for name, endpoint in endpoints.items() if endpoint
    ]


def _port_finding(name: str, endpoint: str) -> Finding:
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            remedy = f"{error.strerror}; a daemon is running, or use --set {name}=..."
            return Finding(name, False, f"{endpoint}: {remedy}")
    return Finding(name, True, f"{endpoint} is free")
