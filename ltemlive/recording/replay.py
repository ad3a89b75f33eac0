"""A recorded session as values: its settings, its series, and what happened when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ltemlive import documents
from ltemlive.errors import ConfigError, RecordingError
from ltemlive.formats.series import (
    SERIES_FOLDER,
    SESSION_FILE,
    find_description,
    load_frames,
    read_series,
)
from ltemlive.recording.folding import ledger_of
from ltemlive.recording.journal import JOURNAL_FILE, read_journal
from ltemlive.recording.layout import series_folder
from ltemlive.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.recording.ledger import SeriesRecord
    from ltemlive.series import StoredSeries
    from ltemlive.settings import MicroscopeSettings


@dataclass(frozen=True, slots=True)
class Stored:
    """A frame was on the disk."""

    t: float
    """Seconds since 1970, as in all of these."""
    ordinal: int
    seq: int
    use: bool | None = None
    """What was wanted of it then."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The series got a new engine: at its begin, or where the daemon was started again."""

    t: float
    ordinal: int
    start: int | None = None
    """The series whose result its phase may have started from."""


@dataclass(frozen=True, slots=True)
class Added:
    """The engine took these frames in one call."""

    t: float
    ordinal: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wished:
    """The user wanted a frame used or not; None: as it fits."""

    t: float
    ordinal: int
    seq: int
    use: bool | None


@dataclass(frozen=True, slots=True)
class Refined:
    """The engine did ``steps`` steps in one call."""

    t: float
    ordinal: int
    rev: int
    steps: int
    fingerprint: str
    """Hash of the phase's bytes; the replay must give the same."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The series was over."""

    t: float
    ordinal: int
    exit_status: ExitStatus


@dataclass(frozen=True, slots=True)
class Finished:
    """The final result of the series was on the disk; rev 0: there could be none.

    A series that goes on after all is finished again.
    """

    t: float
    ordinal: int
    rev: int


Scheduled: TypeAlias = Begun | Added | Wished | Refined | Ended | Finished


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSession:
    """Everything a replay needs."""

    path: Path
    settings: Settings
    versions: Mapping[str, str]
    series: tuple[StoredSeries, ...]
    """By ordinal, the first being 1; a series may have no frames."""
    records: tuple[SeriesRecord, ...]
    """What the journal says about each of ``series``."""
    arrivals: tuple[Stored, ...]
    """When each frame was stored, oldest first."""
    schedule: tuple[Scheduled, ...]
    """What the engine was told, in this order."""


def read_recorded_session(path: Path) -> RecordedSession:
    """Read a session folder; a journal that was cut short is read up to the cut.

    Frames carry what their producer said about them, and ``rejected`` lists what was
    refused while recording as well as what cannot be read now.

    Raises
    ------
    ConfigError
        If ``path`` is no session, or its settings are of another version.
    RecordingError
        If its journal cannot be read.
    """
    settings = recorded_settings_of(path)
    entries = read_journal(path / JOURNAL_FILE)
    records = ledger_of(entries, where=str(path / JOURNAL_FILE)).records
    in_order = tuple(records[ordinal] for ordinal in sorted(records))
    return RecordedSession(
        path=path,
        settings=settings,
        versions=recorded_versions(path),
        series=tuple(recorded_series(path, record) for record in in_order),
        records=in_order,
        arrivals=tuple(
            Stored(entry["t"], entry["ordinal"], entry["seq"], entry.get("use"))
            for entry in entries
            if entry["kind"] == "stored"
        ),
        schedule=_schedule(entries, where=str(path / JOURNAL_FILE)),
    )


def read_any_series(path: Path, defaults: MicroscopeSettings | None = None) -> StoredSeries:
    """Read a series as ``read_series`` does, with the journal's rejections if it has one.

    Raises
    ------
    ConfigError, FrameError
        As ``read_series``.
    RecordingError
        If it belongs to a session whose journal cannot be read.
    """
    series = read_series(path, defaults)
    session = _session_of(path)
    if session is None:
        return series
    journal = session / JOURNAL_FILE
    records = ledger_of(read_journal(journal), where=str(journal)).records
    record = records.get(int(find_description(path).parent.resolve().name))
    return _as_recorded(series, record) if record is not None else series


def recorded_settings(path: Path) -> dict[str, Any]:
    """Return the settings of the session that a series belongs to; empty if to none.

    Raises
    ------
    ConfigError
        If there is no series, or the session's file is not YAML.
    """
    session = _session_of(path)
    if session is None:
        return {}
    return dict(_session_document(session).get("settings") or {})


def recorded_settings_of(session: Path) -> Settings:
    """Return the settings of a session.

    Raises
    ------
    ConfigError
        If there is no session, or its settings are of another version.
    """
    values = _session_document(session).get("settings") or {}
    where = f"{session / SESSION_FILE}: settings"
    return documents.validated(values, Settings, where=where)


def recorded_versions(session: Path) -> dict[str, str]:
    """Return the versions that a session was begun with; ConfigError as above."""
    return dict(_session_document(session).get("versions") or {})


def recorded_series(path: Path, record: SeriesRecord) -> StoredSeries:
    """Return a series of the session at ``path`` as its journal describes it.

    Frames carry what their producer said about them; those that cannot be read are among
    the rejected.
    """
    folder = series_folder(path, record.ordinal)
    series = load_frames(folder, record.description(), title=record.series)
    return _as_recorded(series, record)


def _session_of(path: Path) -> Path | None:
    folder = find_description(path).parent.resolve()
    session = folder.parent.parent
    is_recorded = (
        folder.parent.name == SERIES_FOLDER
        and folder.name.isdecimal()
        and (session / JOURNAL_FILE).is_file()
    )
    return session if is_recorded else None


def _session_document(path: Path) -> dict[str, Any]:
    if not (path / SESSION_FILE).is_file():
        raise ConfigError(
            f"{path}: expected a session folder, got none with a {SESSION_FILE}; name the "
            "folder that `ltemlive run` made"
        )
    return documents.load(path / SESSION_FILE)


def _as_recorded(series: StoredSeries, record: SeriesRecord) -> StoredSeries:
    """Add to the frames, and to the rejected ones, what only the journal knows."""
    known = {frame.frame for frame in series.rejected}
    refused = tuple(frame for frame in record.rejected if frame.frame not in known)
    frames = tuple(_frame_as_recorded(frame, record) for frame in series.frames)
    return replace(series, frames=frames, rejected=(*refused, *series.rejected))


def _frame_as_recorded(frame: Frame, record: SeriesRecord) -> Frame:
    stored = record.frame(frame.meta.seq)
    if stored is None:
        return frame
    meta = replace(frame.meta, t_exposure_start=stored.t_exposure_start, meta=stored.meta)
    return replace(frame, meta=meta)


def _schedule(entries: Iterable[Mapping[str, Any]], *, where: str) -> tuple[Scheduled, ...]:
    scheduled: list[Scheduled] = []
    for number, entry in enumerate(entries, start=1):
        try:
            step = _step(entry)
        except (KeyError, TypeError) as error:
            raise RecordingError(
                f"{where}: line {number}: expected a complete `{entry['kind']}` entry, got "
                f"one without a good {error}; restore the file from a copy"
            ) from error
        if step is not None:
            scheduled.append(step)
    return tuple(scheduled)


def _step(entry: Mapping[str, Any]) -> Scheduled | None:
    match entry["kind"]:
        case "begun":
            return Begun(entry["t"], entry["ordinal"], entry.get("start"))
        case "added":
            return Added(entry["t"], entry["ordinal"], tuple(entry["seqs"]))
        case "wished":
            return Wished(entry["t"], entry["ordinal"], entry["seq"], entry["use"])
        case "refined":
            return Refined(
                entry["t"],
                entry["ordinal"],
                entry["rev"],
                entry["steps"],
                entry["fingerprint"],
            )
        case "ended":
            return Ended(entry["t"], entry["ordinal"], entry["exit_status"])
        case "finished":
            return Finished(entry["t"], entry["ordinal"], entry["rev"])
        case _:
            return None
