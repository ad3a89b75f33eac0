"""The whole of one series, from stored frames and settings alone: the ``final`` result.

The daemon calls this when a series ends and ``ltemlive reconstruct`` calls it offline, so
live and offline agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.physics.correction import corrected_series
from ltemlive.recon import runtime
from ltemlive.recon.arrival import first_looked
from ltemlive.recon.certainty import Certainty, certainty_of
from ltemlive.recon.deviations import frame_deviations
from ltemlive.recon.innovation import holdout_scores, notes_on_fit
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import (
    SeriesModel,
    defocused_series,
    empty_model,
    frame_amplitude,
    with_frames,
)
from ltemlive.recon.recipe import descend
from ltemlive.recon.refocusing import convergence_mrad
from ltemlive.recon.solver import cold_start
from ltemlive.recon.transport import tie_phase
from ltemlive.recon.viewing import Basis
from ltemlive.results import Reconstruction, Report, Timing
from ltemlive.series import RejectedFrame
from ltemlive.versions import versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ltemlive.events import FrameDeviations
    from ltemlive.recon.solver import SolverState
    from ltemlive.series import StoredSeries
    from ltemlive.settings import SolverSettings

STEPS_PER_CALL = 10
"""How often the progress is told."""

RECIPE_LENGTH = 10
"""How many times more steps the paper's recipe may take."""

DIVERGED_NOTE = "the solver met a result that is not finite and kept the last good phase"


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    model: SeriesModel
    """With the frames that were used in the end."""
    phase_rad: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    steps: int = 0
    evaluations: int = 0
    objective: tuple[float, ...] = ()
    holdout: tuple[float, ...] | None = None
    deviations: FrameDeviations | None = None
    certainty: Certainty | None = None
    notes: tuple[str, ...] = ()
    state: SolverState | None = None
    """None where the method predicts no image."""


def reconstruct(
    stored: StoredSeries,
    settings: SolverSettings,
    *,
    on_progress: Callable[[int, int], None] = lambda steps, max_steps: None,
    clock: Callable[[], float],
) -> Reconstruction:
    """Return the phase of a whole series, solved from a flat start.

    Parameters
    ----------
    on_progress
        Called with the steps done and the most there can be.
    clock
        Seconds that never run backwards, for the report.

    Raises
    ------
    FrameError
        If the frames do not determine a phase: fewer than two, none of them defocused, all
        of one defocus, or nothing but noise.
    """
    runtime.configure(settings.threads)
    started = clock()
    camera = stored.microscope.camera
    stored = corrected_series(stored)
    model = _model_of(stored, settings)
    loaded = clock()
    if settings.looks_at_frames:
        model = first_looked(model, settings)
    aligned = clock()
    if settings.method == "tie":
        solution = _Solution(model, tie_phase(model), model.first_amplitude)
    elif settings.method in ("paper", "paper+TV"):
        solution = _by_recipe(model, settings, on_progress)
    else:
        solution = _solve(model, settings, on_progress)
    solved = clock()
    model = solution.model
    labels = {
        frame.meta.seq: label
        for frame, label in zip(stored.frames, stored.labels, strict=True)
    }
    set_aside = (
        RejectedFrame(labels[seq], f"set aside: {reason}")
        for seq, reason in model.set_aside
    )
    report = Report(
        frames_used=tuple(labels[seq] for seq in model.seqs),
        frames_rejected=(*stored.rejected, *set_aside),
        defocus_nm=model.defocus_nm,
        noise_sigma=float(np.median([image.sigma for image in model.images])),
        steps=solution.steps,
        gradient_evaluations=solution.evaluations,
        seconds=Timing(loaded - started, aligned - loaded, solved - aligned),
        objective=solution.objective,
        device=runtime.device_name(),
        versions=versions(),
        method=settings.method,
        camera=camera,
        shift_px=model.shifts_px if settings.aligns_frames else None,
        rotation_deg=model.rotations_deg if settings.turns_frames else None,
        magnification=model.magnifications if settings.turns_frames else None,
        convergence_mrad=convergence_mrad(model, settings),
        deviations=solution.deviations,
        holdout=solution.holdout,
        uncertainty=solution.certainty and solution.certainty.sigmas,
        notes=(*model.notes, *solution.notes),
    )
    return Reconstruction(
        solution.phase_rad - solution.phase_rad.mean(dtype=np.float64).astype(np.float32),
        solution.amplitude,
        stored.microscope,
        report,
        stored.title,
        seqs_used=model.seqs,
        set_aside=model.set_aside,
        basis=Basis.of(model, solution.state),
        phase_sigma_rad=solution.certainty and solution.certainty.phase_sigma_rad,
    )


def _model_of(stored: StoredSeries, settings: SolverSettings) -> SeriesModel:
    if not stored.frames:
        # One for all of them, as those of the camera are.
        reasons = "; ".join(
            dict.fromkeys(each.reason.partition(": ")[2] for each in stored.rejected)
        )
        raise FrameError(
            f"{stored.title}: expected at least two images, got none"
            + (f" ({reasons})" if reasons else "")
        )
    shape = stored.frames[0].image.shape
    model = empty_model(shape, stored.microscope, settings.border_px)
    model = with_frames(model, stored.frames)
    if model.problem is not None:
        raise FrameError(f"{stored.title}: {model.problem.text}")
    return model


def _solve(
    model: SeriesModel,
    settings: SolverSettings,
    on_progress: Callable[[int, int], None],
) -> _Solution:
    state = cold_start(model.series, settings)
    objective: list[float] = []
    notes: tuple[str, ...] = ()
    while state.steps_since_begun < settings.max_steps and not state.is_converged:
        budget = min(STEPS_PER_CALL, settings.max_steps - state.steps_since_begun)
        model, state, report = refine_jointly(model, state, budget)
        objective.extend(report.objective)
        on_progress(state.steps_since_begun, settings.max_steps)
        if not report.is_finite:
            notes = (DIVERGED_NOTE,)
            break
    if not (state.is_converged or notes):
        notes = (f"not at rest after {settings.max_steps} steps (solver.max_steps)",)
    scores = holdout_scores(state, model)
    return _Solution(
        model,
        model.field.crop(state.phase.numpy()),
        frame_amplitude(model.field, state),
        state.steps,
        state.evaluations,
        tuple(objective),
        scores,
        None if DIVERGED_NOTE in notes else frame_deviations(model, state),
        certainty_of(model, state),
        (*notes_on_fit(scores, model), *notes),
        state,
    )


def _by_recipe(
    model: SeriesModel,
    settings: SolverSettings,
    on_progress: Callable[[int, int], None],
) -> _Solution:
    """Solve as the authors of the method did, which takes many more steps."""
    max_steps = RECIPE_LENGTH * settings.max_steps
    with_tv = settings.method == "paper+TV"
    for state in descend(defocused_series(model), max_steps, with_tv=with_tv):
        on_progress(state.steps, max_steps)
    return _Solution(
        model,
        model.field.crop(state.phase.numpy()),
        model.first_amplitude,
        state.steps,
        state.steps,
        state.error,
    )
