"""``ltemlive export``: results as files for the user's other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ltemlive.errors import ConfigError

_MOST_DIGITS = 20


def export(
    session: Annotated[
        Path,
        typer.Argument(
            help="A session folder, that of a series, or any folder with results "
            "(report.json, result.nxs)."
        ),
    ],
    to: Annotated[
        str, typer.Option(help="Formats, with commas between: tif,nxs,png,hspy,dm4,pdf.")
    ],
    series: Annotated[
        str, typer.Option(metavar="N|all", help="Which series of a session.")
    ] = "all",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the files; none: `export` in the folder named first."
        ),
    ] = None,
) -> None:
    """Write results as calibrated files, each with what is known of its origin.

    Nothing is solved: values are those of `result.nxs`, bit for bit.
    """
    from ltemlive.cli.destination import make_destination
    from ltemlive.cli.terminal import console, say
    from ltemlive.recording.exporting import check_formats, write_export
    from ltemlive.recording.finished import file_stem, finished_series, read_findings

    try:
        formats = check_formats(filter(None, map(str.strip, to.split(","))))
    except ConfigError as error:
        raise ConfigError(f"--to {to}: {error}") from error
    found = finished_series(session, _ordinal(series))
    findings = [read_findings(folder) for folder in found.folders]
    destination = out if out is not None else session / "export"
    make_destination(destination)
    n_files = 0
    for folder, each in zip(found.folders, findings, strict=True):
        stem = file_stem(folder, each.title) if found.share_a_folder else ""
        n_files += len(write_export(each, destination, formats, stem=stem))
    for folder in found.unfinished:
        say(
            "[yellow]note[/]",
            f"{folder}: not finished, so there is nothing of it to export",
        )
    console.print(f"{n_files} files in {destination}", markup=False, soft_wrap=True)


def _ordinal(series: str) -> int | None:
    if series == "all":
        return None
    if not series.isdecimal() or len(series) > _MOST_DIGITS:
        shown = series if len(series) <= _MOST_DIGITS else f"{series[:_MOST_DIGITS]}..."
        raise ConfigError(f"--series {shown}: expected a number, or all")
    return int(series)
