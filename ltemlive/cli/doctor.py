"""``ltemlive doctor``: what this machine lacks."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Check TensorFlow, the window's libraries and the ports; name every remedy."""
    from ltemlive.cli.diagnosis import diagnose
    from ltemlive.cli.terminal import console, say

    with console.status("importing TensorFlow"):
        findings = diagnose()
    for finding in findings:
        mark = "[green]ok[/]     " if finding.is_ok else "[red]missing[/]"
        say(mark, f"{finding.what}: {finding.detail}")
    if not all(finding.is_ok for finding in findings):
        raise typer.Exit(1)
