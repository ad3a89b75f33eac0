"""A defocus series at rest: images in a folder or a stack, described by ``series.yaml``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError, FrameError
from ltemlive.formats.images import cut_short, read_image
from ltemlive.formats.lists import described_by_lists, list_files
from ltemlive.formats.references import leads_out, load_camera
from ltemlive.frames import Frame, FrameMeta, check_usable
from ltemlive.series import (
    SERIES_FILE,
    RejectedFrame,
    SeriesDescription,
    StoredSeries,
    load_series_description,
)
from ltemlive.settings import MicroscopeSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ltemlive.series import Microscope, SeriesFrame

SESSION_FILE = "session.yaml"
SERIES_FOLDER = "series"

MIN_FRAMES = 2
"""One image alone says nothing about the phase."""


def read_series(path: Path, defaults: MicroscopeSettings | None = None) -> StoredSeries:
    """Read a series from a folder, a stack with its sidecar, or a recorded session.

    A frame that cannot be used is put into ``rejected`` with its reason, and the rest
    goes on.

    Parameters
    ----------
    path
        A folder with ``series.yaml``, a stack beside its ``series.yaml``, that file itself,
        or a session folder that holds one series. Where there is no ``series.yaml`` the
        lists of PyLorentz or SerialEM beside the images describe it.
    defaults
        What such lists do not say of the microscope.

    Raises
    ------
    ConfigError
        If there is no description, it is wrong or lacks a defocus, or a session holds
        several series.
    FrameError
        If fewer than two frames can be used.
    """
    description_file = find_description(path)
    if description_file.name == SERIES_FILE:
        description = load_series_description(description_file)
    else:
        lists = list_files(description_file.parent)
        description = described_by_lists(lists, defaults or MicroscopeSettings())
    entries = [
        entry
        for entry in description.frames
        if path.is_dir()
        or path.name in (description_file.name, PurePosixPath(entry.file).name)
    ]
    if not entries:
        raise ConfigError(
            f"{description_file}: frames: expected at least {MIN_FRAMES} entries for "
            f"{path.name}, got none; add `- {{file: ..., defocus_nm: ...}}`"
        )
    _check_defocus(description_file, description)
    title = path.stem if path.is_file() and path.name != SERIES_FILE else ""
    series = load_frames(
        description_file.parent,
        description.model_copy(update={"frames": tuple(entries)}),
        title=description.series or title or description_file.parent.resolve().name,
    )
    if len(series.frames) < MIN_FRAMES:
        reasons = "; ".join(f"{bad.frame}: {bad.reason}" for bad in series.rejected)
        raise FrameError(
            f"{description_file}: expected at least {MIN_FRAMES} usable frames, got "
            f"{len(series.frames)} of {len(entries)}{f' ({reasons})' if reasons else ''}"
        )
    return series


def find_description(path: Path) -> Path:
    """Return the ``series.yaml`` that describes ``path``, or else a list beside it.

    Raises
    ------
    ConfigError
        If there is none, or a session holds several series.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; check the name and the share")
    folder = path if path.is_dir() else path.parent
    if (folder / SERIES_FILE).is_file():
        return folder / SERIES_FILE
    if not (path / SESSION_FILE).is_file():
        lists = list_files(folder)
        if lists:
            return lists[0]
        raise ConfigError(
            f"{folder / SERIES_FILE}: no such file; describe the series there "
            "(voltage_kv, pixel_nm, frames)"
        )
    recorded = sorted((path / SERIES_FOLDER).glob(f"*/{SERIES_FILE}"))
    if len(recorded) != 1:
        names = " ".join(str(found.parent) for found in recorded) or "none"
        raise ConfigError(f"{path}: expected a session with one series, got: {names}")
    return recorded[0]


def load_frames(
    folder: Path, description: SeriesDescription, *, title: str
) -> StoredSeries:
    """Read the images that ``description`` names; those it cannot use are ``rejected``.

    Frames come in seq order, an entry without a seq counting by its place in the list.
    A frame without a defocus is rejected, and so is one of another shape than most.

    Raises
    ------
    ConfigError
        If two entries have the same seq, a name leads out of the folder, or a reference
        image of the camera cannot be read.
    """
    _check_names(folder, description)
    camera = load_camera(folder, description.camera, where=str(folder / SERIES_FILE))
    read = [
        (_label(entry), _frame_or_reason(folder, seq, entry, description))
        for seq, entry in _numbered(folder, description.frames)
    ]
    shape = _usual_shape([frame for _, frame in read if isinstance(frame, Frame)])
    good: list[tuple[str, Frame]] = []
    rejected: list[RejectedFrame] = []
    for label, frame in read:
        if not isinstance(frame, Frame):
            rejected.append(RejectedFrame(label, frame))
        elif frame.image.shape != shape:
            reason = f"expected shape {shape} as most frames have, got {frame.image.shape}"
            rejected.append(RejectedFrame(label, reason))
        else:
            good.append((label, frame))
    return StoredSeries(
        title=title,
        folder=folder,
        microscope=description.microscope(),
        frames=tuple(frame for _, frame in good),
        labels=tuple(label for label, _ in good),
        rejected=tuple(rejected),
        camera=camera,
    )


def _numbered(
    folder: Path, entries: Sequence[SeriesFrame]
) -> list[tuple[int, SeriesFrame]]:
    numbered = [
        (index if entry.seq is None else entry.seq, entry)
        for index, entry in enumerate(entries)
    ]
    first_use: dict[int, int] = {}
    for index, (seq, _) in enumerate(numbered):
        other = first_use.setdefault(seq, index)
        if other != index:
            raise ConfigError(
                f"{folder / SERIES_FILE}: frames.{index}.seq: expected its own number, "
                f"got {seq}, which frames.{other} has"
            )
    return sorted(numbered, key=lambda pair: pair[0])


def _check_defocus(description_file: Path, description: SeriesDescription) -> None:
    missing = [
        f"{description_file}: frames.{index}.{problem}"
        for index, entry in enumerate(description.frames)
        if (problem := _problem_of_defocus(entry, description))
    ]
    if missing:
        raise ConfigError("\n".join(missing))


def _problem_of_defocus(entry: SeriesFrame, microscope: Microscope) -> str:
    """Return why the defocus of an entry is not known; empty where it is."""
    if entry.defocus_nm is not None:
        return ""
    if entry.lens_value is None:
        return (
            f"defocus_nm: missing for {entry.file}; add `defocus_nm: ...` (positive is "
            "underfocus)"
        )
    try:
        microscope.defocus_of_lens(entry.lens_value)
    except ValueError as error:
        return f"lens_value: {error}"
    return ""


def _check_names(folder: Path, description: SeriesDescription) -> None:
    """Refuse names that lead out of the folder."""
    named = {f"frames.{k}.file": each.file for k, each in enumerate(description.frames)}
    if description.camera is not None:
        references = description.camera.references
        named |= {f"camera.{key}": file for key, file in references.items()}
    for key, name in named.items():
        if leads_out(name):
            raise ConfigError(
                f"{folder / SERIES_FILE}: {key}: expected a name inside this folder, got "
                f"{name!r}"
            )


def _frame_or_reason(
    folder: Path, seq: int, entry: SeriesFrame, microscope: Microscope
) -> Frame | str:
    try:
        return _read_frame(folder, seq, entry, microscope)
    except FrameError as error:
        return str(error).replace(f"{folder}/", "")


def _read_frame(
    folder: Path, seq: int, entry: SeriesFrame, microscope: Microscope
) -> Frame:
    problem = _problem_of_defocus(entry, microscope)
    if problem:
        raise FrameError(problem)
    defocus_nm = entry.defocus_nm
    if defocus_nm is None and entry.lens_value is not None:
        defocus_nm = microscope.defocus_of_lens(entry.lens_value)
    image = read_image(folder / entry.file, page=entry.page)
    meta = FrameMeta(
        seq=seq,
        defocus_nm=defocus_nm,
        pixel_nm=microscope.pixel_nm,
        voltage_kv=microscope.voltage_kv,
        exposure_s=entry.exposure_s,
        use=entry.use,
    )
    frame = Frame(meta, image)
    check_usable(frame)
    problem = cut_short(image)
    if problem:
        raise FrameError(problem)
    return frame


def _usual_shape(frames: Sequence[Frame]) -> tuple[int, ...]:
    """Return the shape most frames have, of equally usual ones the first."""
    shapes = Counter(frame.image.shape for frame in frames)
    return max(shapes, key=shapes.__getitem__, default=())


def _label(entry: SeriesFrame) -> str:
    name = PurePosixPath(entry.file).name
    return f"{name}#{entry.page}" if entry.page else name
