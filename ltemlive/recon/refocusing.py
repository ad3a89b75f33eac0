"""The defocus of each frame and the divergence of the beam, refined with the phase.

Between the rounds of the solver the logarithms of all of them take one Newton step of the
misfit together, as frames take theirs by where they lie (``alignment``). Three things make
of that an estimate (variable projection, Golub & Pereyra 1973):

* A phase held back by its prior predicts too little contrast, and asks for defocus that
  gives more. So what counts is the misfit that is left when phase and amplitude have gone
  on for some steps without a prior: whatever they can explain is gone from it.
* The noise that they take along in these steps looks like a blur, and like less of one in
  the optics. How much, the same steps say of a series that is as predicted (``rehearsal``).
* The phase follows the defocus. Of what a parameter changes in the images only that makes
  it known which no change of phase and amplitude makes as well; to first order in a weak
  object that is a projection of each wave of all images.

What no data can tell: that all signs are wrong. What they hardly tell: the scale of all
defoci together, where the phase is weak and smooth, for an inverse scale of the phase shows
the same contrast.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.physics import optics
from ltemlive.recon.innovation import exit_spectrum
from ltemlive.recon.model import with_members
from ltemlive.recon.optics_pull import PredictedImage, Row, farther, optics_pull, wider
from ltemlive.recon.rehearsal import rehearsed
from ltemlive.recon.search import unheld

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings

RELAXED = 0.7
"""Part of the way that one step goes: a weak frame may be twice as stiff as to first order,
and would go to and fro."""
ENOUGH = 0.5
"""Step of a defocus, in standard deviations of it, below which it is left alone."""
ENOUGH_CONVERGENCE = 0.02
"""Step of the logarithm of the convergence, below which it is."""
NEAR = 0.05
"""Step of any logarithm, from where a phase begins as well as from the right ones."""
FAR, FAR_CONVERGENCE = 0.12, 0.35
"""Logarithms of a defocus and of the convergence that lock edges in otherwise."""
LONGEST, LONGEST_CONVERGENCE = 0.05, 0.3
"""Steps of the logarithms of a defocus and of the convergence."""
SURE = 2.0
"""Deviations of the convergence, up to which a step may be noise."""
LEAST_RESPONSE = 0.1
"""Of a step of the convergence to the one before, at least: by what is left of it, smooth
phases that follow are seen to make a tenth of its stiffness."""
STEPS_FREE = 20
"""Of phase and amplitude without a prior."""


class OpticsFit(NamedTuple):
    """How far the optics are from what fits, and how well that is known."""

    seqs: tuple[int, ...]
    """Of the defocused frames."""
    steps: NDArray[np.float64]
    """By logarithm of their defocus; one more, of the convergence, where it is refined."""
    deviations: NDArray[np.float64]
    """Standard deviations of the same logarithms."""
    evaluations: int
    """Gradients that it has taken to know."""
    asked: float = 0.0
    """What the step of the convergence would be if the phase had followed to first order
    only; ``steps`` has what is made of it."""

    @property
    def is_settled(self) -> bool:
        """Return whether nothing would go far."""
        return self._goes_within(ENOUGH) and self._is_convergence_settled()

    @property
    def is_near(self) -> bool:
        """Return whether the optics are near enough to begin with them."""
        return bool(np.all(np.abs(self.steps) < NEAR))

    @property
    def is_good(self) -> bool:
        """Return whether all is as near to what fits as it is known, or as it matters."""
        return self._goes_within(1.0) and self._is_convergence_settled()

    def _is_convergence_settled(self) -> bool:
        of_others = np.abs(self.steps[len(self.seqs) :])
        return bool(np.all(of_others < ENOUGH_CONVERGENCE))

    def _goes_within(self, deviations: float) -> bool:
        n_frames = len(self.seqs)
        within = deviations * self.deviations[:n_frames]
        return bool(np.all(np.abs(self.steps[:n_frames]) <= within))


def refocused(model: SeriesModel, fit: OpticsFit) -> SeriesModel:
    """Return the model with its optics one step nearer to what fits."""
    steps = dict(zip(fit.seqs, fit.steps, strict=False))
    microscope = model.microscope
    if len(fit.steps) > len(fit.seqs):
        microscope = wider(microscope, fit.steps[-1])
    members = [
        farther(member, steps[member.seq]) if member.seq in steps else member
        for member in model.members
    ]
    return with_members(replace(model, microscope=microscope), members)


def optics_fit(model: SeriesModel, state: SolverState) -> OpticsFit:
    """Return how far the defocused frames are from what fits them, and the convergence.

    ``state`` is one whose search has begun.
    """
    rows = [
        Row(member, place)
        for member, place in zip(model.used, model.rows, strict=True)
        if place is not None
        and not optics.is_in_focus(member.image.defocus_nm, model.microscope)
        and bool(tf.reduce_any(model.series.measured[place] >= 0.0))
    ]
    settings = state.settings
    strayed = [row.member.log_strayed for row in rows]
    widths = [settings.defocus_width if settings.refine_defocus else 0.0] * len(rows)
    longest = [LONGEST] * len(rows)
    has_convergence = _refines_convergence(model, settings)
    if has_convergence:
        known_mrad = model.stated_convergence_mrad
        strayed.append(math.log(model.microscope.convergence_mrad / known_mrad))
        widths.append(settings.convergence_width)
        longest.append(LONGEST_CONVERGENCE)
    images = [PredictedImage(model, row) for row in rows]
    misfits, evaluations = _misfits_left(model, state, images)
    of_waves = model.series.stiffness.numpy()
    pull = optics_pull(images, misfits, state, of_waves, has_convergence=has_convergence)
    there, deviations = pull.estimate(np.array(strayed), np.array(widths))
    steps = RELAXED * (there - strayed)
    asked = 0.0
    if has_convergence:
        asked = float(steps[-1])
        steps[-1] /= _response(asked, float(deviations[-1]), state.optics_before)
    steps = np.clip(steps, np.negative(longest), longest)
    seqs = tuple(row.member.seq for row in rows)
    return OpticsFit(seqs, steps, deviations, evaluations, asked)


def _misfits_left(
    model: SeriesModel, state: SolverState, images: list[PredictedImage]
) -> tuple[list[NDArray[np.complex64]], int]:
    """Return the misfit that phase and amplitude cannot explain, by image and wave.

    Beyond what is left of a series as predicted; and how many gradients that has taken.
    """
    misfits, evaluations = [], 0
    for series in (model.series, rehearsed(model, state).series):
        unknowns, n_gradients = unheld(state, series, STEPS_FREE)
        free = exit_spectrum(unknowns)
        misfits.append(
            [image.misfit(free, series.measured[image.place]) for image in images]
        )
        evaluations += n_gradients
    left = [real - as_predicted for real, as_predicted in zip(*misfits, strict=True)]
    return left, evaluations


def _response(asked: float, deviation: float, before: OpticsFit | None) -> float:
    """Return which part of its last step the convergence has got nearer by (secant).

    1 where there was none, and where what is asked for may be noise.
    """
    if before is None or len(before.steps) == len(before.seqs):
        return 1.0
    if abs(asked) < SURE * deviation or not before.steps[-1]:
        return 1.0
    nearer = (before.asked - asked) / float(before.steps[-1])
    return min(max(nearer, LEAST_RESPONSE), 1.0)


def has_strayed_far(model: SeriesModel) -> bool:
    """Return whether the optics are so far from the stated ones that edges mind."""
    stated_mrad = model.stated_convergence_mrad
    beam = (
        abs(math.log(model.microscope.convergence_mrad / stated_mrad)) if stated_mrad else 0
    )
    defocus = [abs(member.log_strayed) for member in model.used if member.stated_nm]
    return beam > FAR_CONVERGENCE or max(defocus, default=0.0) > FAR


def convergence_mrad(model: SeriesModel, settings: SolverSettings) -> float | None:
    """Return the divergence of the beam as refined; None where it is taken as stated."""
    is_refined = _refines_convergence(model, settings)
    return model.microscope.convergence_mrad if is_refined else None


def _refines_convergence(model: SeriesModel, settings: SolverSettings) -> bool:
    has_any = model.microscope.convergence_mrad > 0.0
    return settings.refines_optics and settings.refine_convergence and has_any
