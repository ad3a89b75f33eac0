"""Which session a daemon records into: a new one, or one that was cut short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ltemlive.recording.layout import unfinished_session
from ltemlive.recording.replay import recorded_settings_of, recorded_versions
from ltemlive.recording.session import SessionRecorder
from ltemlive.sources.directory import folder_key
from ltemlive.sources.recorded import Recorded
from ltemlive.versions import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ltemlive.recording.ledger import Ledger, SeriesRecord
    from ltemlive.settings import Settings

_OF_THE_NUMBERS = ("solver", "microscope")
"""Sections that the numbers depend on: a session keeps its own to the end."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session to record into."""

    recorder: SessionRecorder
    settings: Settings
    """Of the user, with what the numbers depend on as the session has it."""
    notes: tuple[str, ...] = ()
    """What the user should know, each one line that begins with a word for it."""


def resumed_session(
    settings: Settings, *, clock: Callable[[], float]
) -> OpenSession | None:
    """Return the newest session below ``session.root`` if it did not end, opened again.

    Raises
    ------
    ConfigError, RecordingError
        If there is one that cannot be read; the line says that ``--new-session`` begins
        another.
    """
    path = unfinished_session(settings.session.root)
    if path is None:
        return None
    own = recorded_settings_of(path)
    update = {section: getattr(own, section) for section in _OF_THE_NUMBERS}
    recorder = SessionRecorder.resume(path, clock=clock)
    notes = (_what_goes_on(recorder.ledger), *_differences(settings, own, path))
    return OpenSession(recorder, settings.model_copy(update=update), notes)


def new_session(settings: Settings, *, clock: Callable[[], float]) -> OpenSession:
    """Return a session that begins now.

    Raises
    ------
    RecordingError
        If its folder cannot be made.
    """
    recorder = SessionRecorder.create(
        settings.session.root, settings=settings, versions=versions(), clock=clock
    )
    return OpenSession(recorder, settings)


def recorded(ledger: Ledger, folder: Path | None = None) -> Recorded:
    """Return what sources ask of a session that goes on; ``folder`` is the watched one."""
    records = ledger.records.values()
    key = folder_key(folder) if folder is not None else None
    return Recorded(
        numbers={record.key: _numbers(record) for record in records},
        labels={
            str(frame.meta["file"]): frame.seq
            for record in records
            if record.key == key
            for frame in record.frames
            if isinstance(frame.meta, dict) and "file" in frame.meta
        },
    )


def _numbers(record: SeriesRecord) -> frozenset[int]:
    """Return what came of a series; what was refused is called by its number, too."""
    refused = (each.frame for each in record.rejected)
    return frozenset(frame.seq for frame in record.frames) | {
        int(label) for label in refused if label.isascii() and label.isdecimal()
    }


def _what_goes_on(ledger: Ledger) -> str:
    records = ledger.records.values()
    n_frames = sum(len(record.frames) for record in records)
    n_open = sum(record.exit_status is None for record in records)
    return (
        f"resumed {len(records)} series, {n_open} of them open, {n_frames} frames on disk; "
        "--new-session begins another session"
    )


def _differences(settings: Settings, own: Settings, path: Path) -> Iterator[str]:
    mine, theirs = settings.as_document(), own.as_document()
    changed = [
        f"{section}.{key}"
        for section in _OF_THE_NUMBERS
        for key in theirs[section]
        if mine[section].get(key) != theirs[section][key]
    ]
    if changed:
        yield (
            f"note    {', '.join(changed)}: as the session was begun, not as set now; "
            "--new-session takes what is set"
        )
    if recorded_versions(path) != versions():
        yield "note    begun with other versions (session.yaml): a replay may differ"
