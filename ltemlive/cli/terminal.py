"""What the commands print with: one console, progress, and a log that is never hidden."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

console = Console(highlight=False)


def log_to_stderr() -> None:
    """Send warnings to a duplicate of stderr, which stays while TensorFlow is hushed."""
    stream = os.fdopen(os.dup(2), "w", buffering=1)
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(message)s")


@contextlib.contextmanager
def solving_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar, and yield what takes the steps done and the most there can be."""
    at = TextColumn("{task.fields[at]}")
    columns = (TextColumn("{task.description}"), BarColumn(), at, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, at="")

        def tell(steps: int, max_steps: int) -> None:
            progress.update(task, completed=steps, total=max_steps, at=f"step {steps}")

        yield tell
