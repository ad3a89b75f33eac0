"""What ``ltemlive simulate --list`` says: specimens, and scenarios to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.specimen_keys import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"
"""Of a checkout; an installed package has none."""


def specimen_list(folder: Path = SCENARIOS) -> str:
    """Return a line for each kind of specimen and each scenario in ``folder``.

    A scenario is told by its first line, which is a comment.
    """
    kinds = list(KINDS.items())
    files = [
        (str(_shown(file)), _first_remark(file)) for file in sorted(folder.glob("*.yaml"))
    ]
    lines = ["Kinds of specimens (specimen.kind):", *_columns(kinds)]
    if files:
        lines += ["", "Scenarios:", *_columns(files)]
    return "\n".join(lines)


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {what}" for name, what in rows]


def _shown(file: Path) -> Path:
    """Return a path as the user would type it, where that is shorter."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def _first_remark(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    return lines[0].lstrip("# ") if lines and lines[0].startswith("#") else ""
