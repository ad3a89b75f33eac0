"""What becomes of a wish to export: one at a time, beside everything else."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ltemlive.dashboard.exporter import Exporter
    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.window import DashboardWindow
    from ltemlive.keys import ClientKeys


class Exports:
    """Start an exporter for each wish of a window, and tell it what came of it.

    Parameters
    ----------
    window
        Whose wishes are fulfilled, and whose banner tells it.
    control_endpoint
        Where the daemon gives maps at full size.
    keys
        Of this client, for a daemon that asks for them.
    """

    def __init__(
        self,
        window: DashboardWindow,
        control_endpoint: str,
        *,
        keys: ClientKeys | None = None,
    ) -> None:
        self._window = window
        self._endpoint = control_endpoint
        self._keys = keys
        self._exporter: Exporter | None = None
        self._is_told = True
        """Whether what became of the last wish stands in the banner."""
        window.export_wanted.connect(self._begin)

    def close(self) -> None:
        """Wait until what is being written is written."""
        if self._exporter is not None:
            self._exporter.wait()

    def _begin(self, estimate: EstimateShown, folder: Path) -> None:
        if self._exporter is not None and self._exporter.isRunning():
            self._window.say("An export is under way; press again when it is done.")
            return
        # Formats and figures take a second to import, which a window must not.
        exporter = importlib.import_module("ltemlive.dashboard.exporter")
        status = self._window.drawn and self._window.drawn.status
        self._exporter = exporter.Exporter(
            self._endpoint,
            estimate=estimate,
            folder=folder,
            formats=exporter.USUAL_FORMATS,
            session=status.session if status else "",
            keys=self._keys,
        )
        self._exporter.done.connect(lambda files, reason: self._tell(files, folder, reason))
        self._exporter.failed.connect(self._refuse)
        self._exporter.finished.connect(self._end)
        self._is_told = False
        self._window.say(f"Exporting revision {estimate.rev} ...")
        self._exporter.start()

    def _refuse(self, reason: str) -> None:
        self._is_told = True
        self._window.say(f"Not exported: {reason}", "error")

    def _end(self) -> None:
        if not self._is_told:
            self._refuse("it broke off; the traceback in the terminal says where")

    def _tell(self, files: Sequence[Path], folder: Path, reason: str) -> None:
        self._is_told = True
        told = f"Exported {len(files)} files to {folder.absolute()}"
        self._window.say(f"{told}, as on screen: {reason}" if reason else told)
