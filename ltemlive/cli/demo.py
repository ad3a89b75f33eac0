"""``ltemlive demo``: simulator, daemon and window as real processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Open no window.")] = False,
    out: Annotated[
        Path,
        typer.Option(help="Folder for everything; an earlier demo's is reused."),
    ] = Path("demo-output"),
    seed: Annotated[int, typer.Option(min=0, help="Of specimen and noise.")] = 1,
) -> None:
    """Watch a simulated defocus series being reconstructed while it is acquired.

    A simulated microscope sends five images of a patterned film, with 10 % noise, to the
    daemon, which refines the phase with each. At the end the folder holds the results, the
    recorded session, the true phase, and a one-page summary.
    """
    from ltemlive.cli.showcase import run_showcase

    run_showcase(out, seed=seed, wants_window=not headless)
