"""Which versions the numbers depend on, told without importing anything heavy."""

from __future__ import annotations

import platform
from importlib import metadata

import ltemlive

_DISTRIBUTIONS = ("tensorflow", "numpy", "scipy", "scikit-image")


def versions() -> dict[str, str]:
    """Return the versions of ltemlive, Python and the numerical libraries installed."""
    found = {"ltemlive": ltemlive.__version__, "python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found
