"""Where things are in a session folder, and its documents.

    SESSION/session.yaml                   settings, versions, start time
    SESSION/journal.jsonl                  what happened, line by line
    SESSION/series/0001/series.yaml        the series as ``ltemlive reconstruct`` reads it
    SESSION/series/0001/frames/000012.tif  one raw frame

Folders and files are named by numbers that are given here, never by what a message says.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ltemlive import documents
from ltemlive.formats.aside import disk_error, sync, written_aside
from ltemlive.formats.series import SERIES_FOLDER, SESSION_FILE
from ltemlive.recording.journal import JOURNAL_FILE, in_use, read_journal
from ltemlive.recording.ledger import FRAMES_FOLDER
from ltemlive.series import SERIES_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ltemlive.recording.ledger import SeriesRecord
    from ltemlive.settings import Settings

_FOLDER_NAME = "%Y-%m-%dT%H%M%SZ"


def series_folder(session: Path, ordinal: int) -> Path:
    """Return where a series and its results are."""
    return session / SERIES_FOLDER / f"{ordinal:04d}"


def new_series_folder(session: Path, ordinal: int) -> None:
    """Make the folder of a series, durably; harmless if it is there.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    folder = series_folder(session, ordinal)
    try:
        # Not its parents: where the session is gone, another must not grow in its place.
        for path in (folder, folder / FRAMES_FOLDER):
            path.mkdir(exist_ok=True)
        sync(folder)
        sync(folder.parent)
    except OSError as error:
        raise disk_error(folder, error) from error


def new_session_folder(
    root: Path, *, settings: Settings, versions: Mapping[str, str], t_started: float
) -> Path:
    """Make a session folder with its ``session.yaml`` and return it.

    It is named by the UTC time ``t_started`` (seconds since 1970), with ``-2`` and so on
    behind it where that name is taken. ``root`` is made if it is missing.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    started = time.gmtime(t_started)
    path = _new_folder(root, time.strftime(_FOLDER_NAME, started))
    document = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", started),
        "versions": dict(versions),
        "settings": settings.as_document(),
    }
    with written_aside(path / SESSION_FILE) as aside:
        aside.write_text(documents.dump(document), encoding="utf-8")
    return path


def write_description(session: Path, record: SeriesRecord, *, durable: bool) -> None:
    """Write the ``series.yaml`` of a series, without the keys that nobody has set.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    document = record.description().model_dump(exclude_none=True)
    document["frames"] = [
        {key: value for key, value in frame.items() if key != "page"}
        for frame in document["frames"]
    ]
    file = series_folder(session, record.ordinal) / SERIES_FILE
    with written_aside(file, durable=durable) as aside:
        aside.write_text(documents.dump(document), encoding="utf-8")


def unfinished_session(root: Path) -> Path | None:
    """Return the newest session below ``root`` if it was cut short, else None.

    None, too, if somebody is recording it: one before it was left behind on purpose.

    Raises
    ------
    RecordingError
        If its journal cannot be read.
    """
    journals = root.glob(f"*/{JOURNAL_FILE}")
    for journal in sorted(journals, key=_age, reverse=True):
        if not journal.with_name(SESSION_FILE).is_file():
            continue
        if in_use(journal):
            return None
        entries = read_journal(journal)
        is_closed = bool(entries) and entries[-1]["kind"] == "closed"
        return None if is_closed else journal.parent
    return None


def _age(journal: Path) -> tuple[str, int]:
    """Return what puts sessions into the order in which they were begun."""
    started, _, number = journal.parent.name.partition("Z")
    return started, int(number[1:]) if number[1:].isdecimal() else 1


def _new_folder(root: Path, name: str) -> Path:
    path, number = root / name, 1
    try:
        root.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                path.mkdir()
                break
            except FileExistsError:
                number += 1
                path = root / f"{name}-{number}"
        (path / SERIES_FOLDER).mkdir()
        sync(root)
    except OSError as error:
        raise disk_error(path, error) from error
    return path
