"""``ltemlive reconstruct``: one series, offline."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from ltemlive.cli.check import SetOption


def reconstruct(
    series: Annotated[
        Path,
        typer.Argument(
            help="A session folder, or a folder or stack of images with its series.yaml, "
            ".fls or .mdoc."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; made if missing.")],
    config: Annotated[
        Path | None,
        typer.Option(help="Settings in YAML; none: those of the session, or the defaults."),
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Reconstruct one series from its files alone, and write every result.

    Gives the same phase as the daemon's final result of the same frames.
    """
    from ltemlive.cli.destination import make_destination
    from ltemlive.cli.terminal import console, say, solving_progress
    from ltemlive.formats.references import load_camera
    from ltemlive.recording.origin import recorded_origin
    from ltemlive.recording.replay import read_any_series, recorded_settings
    from ltemlive.settings import load_settings

    started = perf_counter()
    recorded = recorded_settings(series)
    settings = load_settings(
        config, environ=os.environ, overrides=overrides or (), recorded=recorded
    )
    stored = read_any_series(series, settings.microscope)
    if not recorded and stored.microscope.camera is None:
        # As for the daemon; a session knows its camera itself.
        camera = load_camera(Path(), settings.microscope.camera, where="microscope")
        update = {"camera": settings.microscope.camera}
        microscope = stored.microscope.model_copy(update=update)
        stored = replace(stored, microscope=microscope, camera=camera)
    loaded = perf_counter()
    make_destination(out)
    with solving_progress(f"{stored.title}: loading TensorFlow") as tell:
        from ltemlive.daemon.loading import load_solver

        solver = load_solver(settings.solver.threads)
        result = solver.reconstruct(stored, settings.solver, on_progress=tell)
    seconds = replace(result.report.seconds, load=loaded - started)
    solver_settings = settings.solver.model_dump(mode="json")
    report = replace(result.report, seconds=seconds, solver=solver_settings)
    result = replace(result, report=report, origin=recorded_origin(stored.folder)[0])
    report = solver.write_results(out, result)
    for rejected in report.frames_rejected:
        say("[yellow]not used[/]", f"{rejected.frame}: {rejected.reason}")
    for note in report.notes:
        say("[yellow]note[/]", note)
    console.print(
        f"{len(report.frames_used)} images, {report.steps} steps, "
        f"{report.seconds.solve:.1f} s on {report.device}: results in {out}",
        markup=False,
        soft_wrap=True,
    )
