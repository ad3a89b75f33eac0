"""What every benchmark prints: the machine it ran on, and a table.

As JSON and as a figure, too, where that is asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = dict[str, str | int | float | None]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a command line with ``--json``, its help opening with ``description``."""
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    return arguments


def machine() -> dict[str, str | int]:
    """Return what a figure depends on beside the code."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor_name(),
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
    }


def report(rows: Sequence[Row], json_file: Path | None = None) -> None:
    """Print the machine and one line for each row; write both to ``json_file``."""
    about = machine()
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_text(row.get(name)) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (text.rjust(width) for text, width in zip(line, widths, strict=True))
        print("  ".join(padded))
    if json_file is not None:
        document = {"machine": about, "rows": list(rows)}
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def draw(rows: Sequence[Row], columns: Sequence[str], file: Path) -> None:
    """Draw one panel for each column: a line of dots for each series, one colour a method.

    What is drawn is how far each figure is from 1, on a logarithmic scale.
    """
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    figure = Figure(figsize=(9.0, 1.2 + 0.4 * len(names)), layout="constrained")
    for axes, column in zip(
        np.atleast_1d(figure.subplots(1, len(columns), sharey=True)), columns, strict=True
    ):
        for method in methods:
            found = [
                (1.0 - float(row[column]), names.index(str(row["series"])))
                for row in rows
                if row["method"] == method and row.get(column) is not None
            ]
            axes.scatter(*zip(*found, strict=True), label=method, alpha=0.8)
        axes.set(xscale="log", xlabel=f"1 - {column} accuracy", yticks=range(len(names)))
        axes.set_yticklabels(names)
        axes.grid(alpha=0.3)
    axes.invert_yaxis()
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=120)


def _processor_name() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _text(value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
