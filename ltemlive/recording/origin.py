"""What a session says of the results in one of its folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.formats.series import SERIES_FOLDER, SESSION_FILE

if TYPE_CHECKING:
    from pathlib import Path

FINAL = "final"


def session_above(folder: Path) -> Path | None:
    """Return the session that the folder of a series belongs to, None if to none."""
    folder = folder.resolve()
    session = folder.parent.parent
    is_series = folder.parent.name == SERIES_FOLDER and folder.name.isdecimal()
    return session if is_series and (session / SESSION_FILE).is_file() else None


def recorded_origin(folder: Path) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Return where results in ``folder`` come from, and how the solver was set.

    Results must not fail for want of their provenance: of a session whose file cannot be
    read, or that there is none of, nothing is said.
    """
    session = session_above(folder)
    if session is None:
        return {"estimate": FINAL}, None
    origin = {"estimate": FINAL, "session": session.name, "series_folder": folder.name}
    try:
        document = documents.load(session / SESSION_FILE)
    except ConfigError:
        return origin, None
    if document.get("started"):
        origin["session_started"] = str(document["started"])
    settings = document.get("settings")
    solver = settings.get("solver") if isinstance(settings, dict) else None
    return origin, solver if isinstance(solver, dict) else None
