"""How well it is known where each frame lies, how it is turned, and at what defocus."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ltemlive.events import FrameDeviations
from ltemlive.recon.alignment import pose_deviations
from ltemlive.recon.refocusing import optics_fit

if TYPE_CHECKING:
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState


def frame_deviations(model: SeriesModel, state: SolverState) -> FrameDeviations:
    """Return the standard deviation of what is refined with the phase, frame by frame.

    From the curvature of each image's misfit, less what the phase would follow, and from
    what was known before. ``state`` is one whose search has begun, and finite.
    """
    settings = state.settings
    deviations = FrameDeviations()
    if settings.aligns_frames:
        poses = pose_deviations(model, state).tolist()
        deviations = deviations._replace(shift_px=tuple((dy, dx) for dy, dx, *_ in poses))
        if settings.turns_frames:
            deviations = deviations._replace(
                rotation_deg=tuple(math.degrees(pose[2]) for pose in poses),
                magnification=tuple(
                    pose[3] * magnification
                    for pose, magnification in zip(poses, model.magnifications, strict=True)
                ),
            )
    if settings.refines_optics:
        fit = state.optics_fit or optics_fit(model, state)
        of_log = dict(zip(fit.seqs, fit.deviations.tolist(), strict=False))
        if settings.refine_defocus:
            deviations = deviations._replace(
                defocus_nm=tuple(
                    of_log[seq] * abs(defocus_nm) if seq in of_log else None
                    for seq, defocus_nm in zip(model.seqs, model.defocus_nm, strict=True)
                )
            )
        if len(fit.deviations) > len(fit.seqs):
            of_convergence = float(fit.deviations[-1]) * model.microscope.convergence_mrad
            deviations = deviations._replace(convergence_mrad=of_convergence)
    return deviations
