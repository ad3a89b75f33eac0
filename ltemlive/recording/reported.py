"""``report.json`` read back: what was written, as the value it was written from."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ltemlive.camera import CameraSettings
from ltemlive.errors import ConfigError
from ltemlive.events import FrameDeviations, PhaseSigmas
from ltemlive.results import Report, Timing
from ltemlive.series import RejectedFrame

if TYPE_CHECKING:
    from pathlib import Path

_PLAIN = ("versions", "truth", "solver")
"""Keys whose values are tables of the reader's own."""


def read_report(path: Path) -> Report:
    """Return a report; what a later version has added is left out.

    Raises
    ------
    ConfigError
        If the file is missing, damaged, or no report.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _report_of(document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: expected the report of a reconstruction, got none ({problem}); make "
            "it again with `ltemlive reconstruct`"
        ) from error


def _report_of(document: dict[str, Any]) -> Report:
    names = [each.name for each in fields(Report)]
    values = {
        name: document[name] if name in _PLAIN else _as_tuples(document[name])
        for name in names
        if name in document
    }
    values["frames_rejected"] = tuple(
        RejectedFrame(str(bad.get("file", bad.get("seq"))), bad["reason"])
        for bad in document["frames_rejected"]
    )
    values["seconds"] = Timing(**document["seconds"])
    # JSON has null for what was not finite.
    for name in ("objective", "holdout"):
        if values.get(name) is not None:
            values[name] = tuple(
                float("nan") if value is None else value for value in values[name]
            )
    if values.get("camera") is not None:
        values["camera"] = CameraSettings.model_validate(document["camera"])
    if values.get("deviations") is not None:
        known = _as_tuples(document["deviations"])
        values["deviations"] = FrameDeviations(
            **{key: known[key] for key in FrameDeviations._fields if key in known}
        )
    if values.get("uncertainty") is not None:
        known = document["uncertainty"]
        values["uncertainty"] = PhaseSigmas(*(known[key] for key in PhaseSigmas._fields))
    return Report(**values)


def _as_tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_as_tuples(inner) for inner in value)
    if isinstance(value, dict):
        return {key: _as_tuples(inner) for key, inner in value.items()}
    return value
