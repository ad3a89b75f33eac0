"""``ltemlive dashboard``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ltemlive.cli.keys import KeysOption


def dashboard(
    connect: Annotated[
        str, typer.Option(help="Where the daemon publishes its results (output.results).")
    ] = "tcp://127.0.0.1:5572",
    control: Annotated[
        str, typer.Option(help="Where the daemon answers requests (output.control).")
    ] = "tcp://127.0.0.1:5573",
    screenshot: Annotated[
        Path | None,
        typer.Option(help="Save the window as PNG once it shows an estimate, then close."),
    ] = None,
    keys: KeysOption = None,
) -> None:
    """Show phase, gradient and induction live. Any number of windows, at any time."""
    from ltemlive.cli.keys import client_keys
    from ltemlive.dashboard.app import run_dashboard

    raise typer.Exit(
        run_dashboard(connect, control, screenshot=screenshot, keys=client_keys(keys))
    )
