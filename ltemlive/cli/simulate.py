"""``ltemlive simulate``: the simulator as a microscope."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.models import OptionInfo

from ltemlive.cli.keys import KeysOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.scenario import Scenario

ToOption = Annotated[
    tuple[str, str],
    typer.Option(
        "--to",
        metavar="folder DIR | zmq ENDPOINT",
        help="Write image files into DIR, or send frames to a daemon at ENDPOINT.",
    ),
]


PatienceOption = Annotated[
    float,
    typer.Option(
        min=0.001,
        metavar="SECONDS",
        help="How long the daemon may leave everything unanswered.",
    ),
]
PreviewOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.png",
        help="Only draw one page: phase, induction, and the image at each defocus.",
    ),
]
ListOption = Annotated[
    bool,
    typer.Option("--list", help="Only say which specimens and scenarios there are."),
]
TruthOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="NeXus file for the truth; none: truth.nxs beside frames in a folder.",
    ),
]
KillOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Frames after which the simulator kills itself (SIGKILL).",
        rich_help_panel="Faults",
    ),
]


def _fault(what: str) -> OptionInfo:
    option: OptionInfo = typer.Option(
        min=0.0,
        max=1.0,
        metavar="P",
        help=f"Probability that a frame is {what}.",
        rich_help_panel="Faults",
    )
    return option


def simulate(  # noqa: PLR0913 - one argument for each option
    scenario: Annotated[
        Path | None, typer.Argument(help="Scenario in YAML; none: the demo's.")
    ] = None,
    to: ToOption = ("zmq", "tcp://127.0.0.1:5571"),
    fps: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Frames per second to play at; none: in the scenario's own time.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of specimen, noise and faults.")
    ] = None,
    preview: PreviewOption = None,
    lists: ListOption = False,
    truth: TruthOption = None,
    patience: PatienceOption = 30.0,
    keys: KeysOption = None,
    drop: Annotated[float | None, _fault("never sent, though counted")] = None,
    dup: Annotated[float | None, _fault("sent again after the next")] = None,
    reorder: Annotated[float | None, _fault("sent after the next")] = None,
    truncate: Annotated[float | None, _fault("sent cut off before it is whole")] = None,
    garbage: Annotated[float | None, _fault("preceded by random bytes")] = None,
    kill_after: KillOption = None,
) -> None:
    """Acquire a defocus series of a simulated specimen, as a microscope would.

    Faults happen on purpose, to see what the daemon makes of them: the same to the same
    frames for the same seed. Options win over the scenario.
    """
    if lists:
        from ltemlive.cli.specimen_list import specimen_list

        typer.echo(specimen_list())
        return
    plan = _plan(scenario, seed)
    if preview is not None:
        _preview(preview, plan)
        return
    options = {
        "drop": drop,
        "dup": dup,
        "reorder": reorder,
        "truncate": truncate,
        "garbage": garbage,
        "kill_after": kill_after,
    }
    stated = {name: value for name, value in options.items() if value is not None}
    # Played faster, and nothing else: dirt grows as in the scenario's own time.
    speed = fps * (plan.exposure_s + plan.dead_time_s) if fps is not None else 1.0
    how = {"patience_s": patience, "keys": keys, "speed": speed}
    for said in _play(plan, to, truth, stated, how):
        typer.echo(said)


def _plan(scenario: Path | None, seed: int | None) -> Scenario:
    from simulator.scenario import load_scenario

    plan = load_scenario(scenario)
    if seed is not None:
        plan = plan.model_copy(update={"seed": seed})
    return plan


def _play(
    plan: Scenario,
    to: tuple[str, str],
    truth: Path | None,
    stated: dict[str, float],
    how: dict[str, Any],
) -> Iterator[str]:
    """Acquire the series with the faults that were ``stated``; say how each went."""
    from ltemlive.cli.emitting import emit_scenario
    from ltemlive.errors import ConfigError
    from simulator.faults import FaultPlan

    kill_after, n_frames = stated.get("kill_after", 0), len(plan.plan_nm)
    if kill_after > n_frames:
        raise ConfigError(
            f"--kill-after {kill_after}: expected at most {n_frames}, the frames of a "
            "series"
        )
    faults = FaultPlan(plan.faults.model_copy(update=stated), plan.seed)
    return emit_scenario(plan, to, truth, faults=faults, **how)


def _preview(path: Path, plan: Scenario) -> None:
    from ltemlive.cli.emitting import threads_for
    from ltemlive.cli.preview import write_preview
    from simulator.acquisition import Acquisition

    write_preview(path, plan, Acquisition(plan, workers=threads_for(plan)))
    typer.echo(f"preview written to {path}")
