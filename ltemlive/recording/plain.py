"""JSON text that any reader takes: NumPy numbers made plain, and never NaN."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


def json_text(values: Mapping[str, Any], *, indent: int | None = None) -> str:
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
