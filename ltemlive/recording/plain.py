"""JSON text that any reader takes: NumPy numbers made plain, and never NaN."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np


def json_text(values: Any, *, indent: int | None = None) -> str:
    """Return ``values`` as JSON in ASCII; numbers that are not finite become null."""
    return json.dumps(_plain(values), allow_nan=False, indent=indent)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)
