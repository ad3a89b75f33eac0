"""The estimate that is told of a live phase: all of it from the model and the state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.events import PhaseEstimate
from ltemlive.recon import runtime
from ltemlive.recon.certainty import N_LIVE_SAMPLES, certainty_of
from ltemlive.recon.deviations import frame_deviations
from ltemlive.recon.innovation import holdout_scores, notes_on_fit
from ltemlive.recon.model import frame_amplitude
from ltemlive.recon.refocusing import convergence_mrad

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState


@dataclass(frozen=True, slots=True)
class Heading:
    """Which estimate of which series it is."""

    ordinal: int
    series: str
    rev: int
    t_frame_last: float | None
    """Start of the newest exposure, seconds since 1970."""


def estimate_by_solver(
    heading: Heading,
    model: SeriesModel,
    state: SolverState,
    *,
    objective: tuple[float, ...],
    is_at_rest: bool,
) -> PhaseEstimate:
    """Return the phase of a state that was made of the frames of ``model``.

    Parameters
    ----------
    objective
        After each step since the estimate before.
    is_at_rest
        Whether no more steps are wanted. On its way a phase fits no image, and nothing is
        told of how well it is known.
    """
    settings = state.settings
    scores = holdout_scores(state, model)
    certainty = certainty_of(model, state, N_LIVE_SAMPLES) if is_at_rest else None
    doubts = notes_on_fit(scores, model) if is_at_rest else ()
    phase_rad = model.field.crop(state.phase.numpy())
    return replace(
        _estimate(heading, model, phase_rad, frame_amplitude(model.field, state)),
        steps=state.steps,
        gradient_evaluations=state.evaluations,
        objective=objective,
        shift_px=model.shifts_px if settings.aligns_frames else (),
        rotation_deg=model.rotations_deg if settings.turns_frames else (),
        magnification=model.magnifications if settings.turns_frames else (),
        convergence_mrad=convergence_mrad(model, settings),
        deviations=frame_deviations(model, state) if is_at_rest else None,
        phase_sigma_rad=certainty and certainty.phase_sigma_rad,
        sigmas=certainty and certainty.sigmas,
        holdout=scores,
        notes=(*model.notes, *doubts),
    )


def estimate_by_tie(
    heading: Heading, model: SeriesModel, phase_rad: NDArray[np.float32]
) -> PhaseEstimate:
    """Return the estimate of a phase, (ny, nx), by the transport of intensity."""
    return _estimate(heading, model, phase_rad, model.first_amplitude)


def _estimate(
    heading: Heading,
    model: SeriesModel,
    phase_rad: NDArray[np.float32],
    amplitude: NDArray[np.float32],
) -> PhaseEstimate:
    """Return what is told whatever the method."""
    return PhaseEstimate(
        ordinal=heading.ordinal,
        series=heading.series,
        rev=heading.rev,
        seqs_used=model.seqs,
        defocus_nm=model.defocus_nm,
        steps=0,
        gradient_evaluations=0,
        objective=(),
        is_final=False,
        phase_rad=phase_rad - phase_rad.mean(dtype=np.float64).astype(np.float32),
        amplitude=amplitude,
        pixel_nm=model.microscope.pixel_nm,
        beam=model.microscope.beam,
        device=runtime.device_name(),
        t_frame_last=heading.t_frame_last,
        set_aside=model.set_aside,
        notes=model.notes,
    )
