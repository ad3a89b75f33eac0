"""What the commands print with: one console, progress, and a log that is never hidden."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

console = Console(highlight=False)


def say(mark: str, text: str) -> None:
    """Print a mark of ours, and text of the outside world as it is, on one line."""
    console.print(f"{mark} {escape(text)}", soft_wrap=True)


@contextlib.contextmanager
def warnings_to_stderr() -> Iterator[None]:
    """Log warnings to stderr."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def solving_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar, and yield what takes the steps done and the most there can be.

    No bar where the output goes to a file.
    """
    if not console.is_interactive:
        yield lambda steps, max_steps: None
        return
    at = TextColumn("{task.fields[at]}")
    columns = (TextColumn("{task.description}"), BarColumn(), at, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(title), total=None, at="")

        def tell(steps: int, max_steps: int) -> None:
            progress.update(task, completed=steps, total=max_steps, at=f"step {steps}")

        yield tell
