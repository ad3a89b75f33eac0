"""The commands put together, and how they fail: one line each, never a traceback."""

from __future__ import annotations

import sys

import typer

from ltemlive.cli import (
    check,
    dashboard,
    demo,
    doctor,
    export,
    keys,
    reconstruct,
    replay,
    run,
    simulate,
)
from ltemlive.errors import LtemLiveError

app = typer.Typer(
    name="ltemlive",
    help=(
        "Live phase reconstruction beside a Lorentz transmission electron microscope. "
        "Takes in a defocus series while it is acquired, and shows the phase and the "
        "projected induction before the next exposure."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo.demo,
    run.run,
    dashboard.dashboard,
    simulate.simulate,
    replay.replay,
    reconstruct.reconstruct,
    export.export,
    check.check,
    keys.keys,
    doctor.doctor,
):
    app.command()(command)


def main() -> None:
    """Run a command; say in one line what the user got wrong, and exit 2 or 1."""
    try:
        app()
    except LtemLiveError as error:
        sys.stderr.write(f"ltemlive: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
