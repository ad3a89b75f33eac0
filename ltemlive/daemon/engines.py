"""What solves: the engines of a session's open series, and their final results."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ltemlive.daemon.showing import Over, left_of, shown
from ltemlive.errors import ConfigError, FrameError, LtemLiveError, RecordingError
from ltemlive.events import AdviceGiven, PhaseEstimate
from ltemlive.formats.images import read_image
from ltemlive.formats.references import load_camera
from ltemlive.recording.export import PHASE_FILE
from ltemlive.recording.replay import read_any_series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ltemlive.daemon.loading import Solver
    from ltemlive.engine import LiveEngine
    from ltemlive.events import Event
    from ltemlive.frames import Frame
    from ltemlive.results import Reconstruction
    from ltemlive.series import Microscope, StoredSeries
    from ltemlive.settings import SolverSettings


@dataclass(frozen=True, slots=True)
class Progress:
    """What a call led to."""

    events: tuple[Event, ...] = ()
    wants_steps: bool = False
    """Whether more steps would still change something that matters."""
    refused: str = ""
    """Why the disk did not take the results; the call may be made again."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the engine of a series begins with."""

    ordinal: int
    series: str
    microscope: Microscope
    folder: Path
    """Of the series; it has the references of its camera."""
    start: Path | None = None
    """Folder of the series whose result the phase may start from."""


def start_at_result(engine: LiveEngine, folder: Path | None) -> None:
    """Start an engine from the result in the folder of another series, if there is one."""
    if folder is not None:
        with contextlib.suppress(FrameError):
            engine.start_at(np.asarray(read_image(folder / PHASE_FILE), np.float32))


class LiveSolver(Protocol):
    """Engines by ordinal, wherever they run; driven by one thread."""

    @property
    def device(self) -> str:
        """Return what solves."""
        ...

    def begin(self, beginning: Beginning) -> Progress:
        """Make the engine of a series."""
        ...

    def add(self, ordinal: int, frames: Sequence[Frame]) -> Progress:
        """Take frames in; a frame that cannot be used is among the events."""
        ...

    def wish(self, ordinal: int, seq: int, use: bool | None) -> Progress:
        """Use a frame or set it aside, as the user wants; None: as it fits."""
        ...

    def refine(self, ordinal: int, n_steps: int) -> Progress:
        """Improve by at most ``n_steps``; the estimate is among the events, if any."""
        ...

    def view(self, seq: int | None, ordinal: int | None) -> Progress:
        """Show a frame, or (None) TIE, of a series (None: the newest); change nothing.

        Of those that are over, only the last one has anything to show.
        """
        ...

    def finish(
        self,
        ordinal: int,
        folder: Path,
        *,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Progress:
        """Forget the engine, if any, and compute the final result from the series' folder.

        ``meanwhile`` is called now and then, and may call ``view``. The one event is the
        final estimate, its files written, or why there is none. No event where the disk
        refuses the files.
        """
        ...


class Engines:
    """A ``LiveSolver`` in this process, around what ``load_solver`` loaded.

    A series whose camera cannot be loaded has no engine, and nothing comes of its frames
    until its final result.

    Parameters
    ----------
    last_rev
        The highest revision that the session has had.
    """

    def __init__(
        self, solver: Solver, settings: SolverSettings, *, last_rev: int = 0
    ) -> None:
        solver.prepare(settings)
        self._solver = solver
        self._settings = settings
        self._revisions = itertools.count(last_rev + 1)
        self._engines: dict[int, LiveEngine] = {}
        self._finished: Over | None = None

    @property
    def device(self) -> str:
        """Return what solves, e.g. ``CPU (2 threads)``."""
        return self._solver.device

    def begin(self, beginning: Beginning) -> Progress:
        """Make the engine of a series."""
        folder, microscope = beginning.folder, beginning.microscope
        try:
            camera = load_camera(folder, microscope.camera, where=str(folder))
        except ConfigError as error:
            reason = str(error).replace("\n", "; ")
            text = f"{beginning.series}: no live phase: {reason}; frames are recorded"
            return Progress((AdviceGiven(text, "error", beginning.ordinal),))
        engine = self._solver.engine(
            beginning.ordinal,
            beginning.series,
            microscope,
            self._settings,
            self._revisions,
            camera,
        )
        start_at_result(engine, beginning.start)
        self._engines[beginning.ordinal] = engine
        return Progress()

    def add(self, ordinal: int, frames: Sequence[Frame]) -> Progress:
        """Take frames in."""
        return self._made(ordinal, lambda engine: engine.add(frames))

    def wish(self, ordinal: int, seq: int, use: bool | None) -> Progress:
        """Use a frame or set it aside, as the user wants; None: as it fits."""
        return self._made(ordinal, lambda engine: engine.wish(seq, use))

    def refine(self, ordinal: int, n_steps: int) -> Progress:
        """Improve by at most ``n_steps``."""
        return self._made(ordinal, lambda engine: engine.refine(n_steps))

    def view(self, seq: int | None, ordinal: int | None) -> Progress:
        """Show a frame, or TIE, of a series that is open or was the last to finish."""
        return Progress(tuple(shown(self._engines, self._finished, seq, ordinal)))

    def finish(
        self,
        ordinal: int,
        folder: Path,
        *,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Progress:
        """Compute the final result from the disk, by the ``reconstruct`` of offline."""
        self._finished = left_of(self._engines.pop(ordinal, None)) or self._finished
        try:
            stored = read_any_series(folder)
            result = self._solver.reconstruct(
                stored, self._settings, on_progress=lambda *_: meanwhile()
            )
            self._solver.write_results(folder, result)
        except RecordingError as error:
            return Progress(refused=str(error))
        except LtemLiveError as error:
            advice = AdviceGiven(f"no final result: {error}", "error", ordinal)
            return Progress((advice,))
        rev = next(self._revisions)
        estimate = final_estimate(result, stored, ordinal=ordinal, rev=rev)
        self._finished = Over(estimate, result.basis)
        return Progress((estimate,))

    def _made(
        self, ordinal: int, call: Callable[[LiveEngine], Sequence[Event]]
    ) -> Progress:
        engine = self._engines.get(ordinal)
        if engine is None:
            return Progress()
        events = tuple(call(engine))
        return Progress(events, engine.wants_steps)


def final_estimate(
    result: Reconstruction, stored: StoredSeries, *, ordinal: int, rev: int
) -> PhaseEstimate:
    """Return the final result of a series as the event that tells it."""
    report = result.report
    return PhaseEstimate(
        ordinal=ordinal,
        series=stored.title,
        rev=rev,
        seqs_used=result.seqs_used,
        defocus_nm=report.defocus_nm,
        steps=report.steps,
        gradient_evaluations=report.gradient_evaluations,
        objective=report.objective,
        is_final=True,
        phase_rad=result.phase_rad,
        amplitude=result.amplitude,
        pixel_nm=result.microscope.pixel_nm,
        beam=result.microscope.beam,
        device=report.device,
        t_frame_last=max(
            (frame.meta.t_exposure_start or 0.0 for frame in stored.frames), default=None
        ),
        shift_px=report.shift_px or (),
        rotation_deg=report.rotation_deg or (),
        magnification=report.magnification or (),
        convergence_mrad=report.convergence_mrad,
        deviations=report.deviations,
        phase_sigma_rad=result.phase_sigma_rad,
        sigmas=report.uncertainty,
        holdout=report.holdout or (),
        set_aside=result.set_aside,
        notes=report.notes,
    )
