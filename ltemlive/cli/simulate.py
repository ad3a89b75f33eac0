"""``ltemlive simulate``: the simulator as a microscope."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ToOption = Annotated[
    tuple[str, str],
    typer.Option(
        "--to",
        metavar="folder DIR | zmq ENDPOINT",
        help="Write image files into DIR, or send frames to a daemon at ENDPOINT.",
    ),
]


def simulate(
    scenario: Annotated[
        Path | None, typer.Argument(help="Scenario in YAML; none: the demo's.")
    ] = None,
    to: ToOption = ("zmq", "tcp://127.0.0.1:5571"),
    fps: Annotated[
        float | None,
        typer.Option(min=0.001, help="Frames per second; none: as the scenario says."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of specimen and noise.")] = None,
) -> None:
    """Acquire a defocus series of a simulated specimen, as a microscope would."""
    from ltemlive.cli.emitting import emit
    from simulator.acquisition import Acquisition
    from simulator.scenario import load_scenario

    plan = load_scenario(scenario)
    if seed is not None:
        plan = plan.model_copy(update={"seed": seed})
    if fps is not None:
        plan = plan.model_copy(update={"exposure_s": 1.0 / fps, "dead_time_s": 0.0})
    typer.echo(emit(Acquisition(plan), to, dead_time_s=plan.dead_time_s))
