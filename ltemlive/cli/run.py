"""``ltemlive run``: the daemon."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from ltemlive.cli.check import SetOption


def run(
    config: Annotated[
        Path | None, typer.Argument(help="Settings in YAML; none: the defaults.")
    ] = None,
    overrides: SetOption = None,
    new_session: Annotated[
        bool,
        typer.Option(
            "--new-session", help="Begin a new session even if the last one did not end."
        ),
    ] = False,
) -> None:
    """Take frames in, record them, reconstruct while they come, publish the results.

    A session that did not end, of a power cut or with a series still open, goes on.

    Ends with Ctrl-C (or SIGTERM): what is being written is finished first. A second one
    ends at once; every acknowledged frame is on disk either way.
    """
    from ltemlive.cli.terminal import warnings_to_stderr
    from ltemlive.daemon.service import run_daemon
    from ltemlive.settings import load_settings

    settings = load_settings(config, environ=os.environ, overrides=overrides or ())
    stop = threading.Event()

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    with warnings_to_stderr():
        has_ended_well = run_daemon(
            settings, stop=stop, announce=typer.echo, wants_new_session=new_session
        )
    if not has_ended_well:
        raise typer.Exit(1)
