"""The defocus of each frame and the divergence of the beam, refined with the phase.

Between the rounds of the solver the logarithms of all of them take one Newton step of the
misfit together, as frames take theirs by where they lie (``alignment``). Two things make
of that an estimate (variable projection, Golub & Pereyra 1973):

* A phase held back by its prior predicts too little contrast, and asks for defocus that
  gives more. So what counts is the misfit that is left when phase and amplitude have gone
  on for some steps without a prior: whatever they can explain is gone from it.
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
from ltemlive.recon.field import ALIGNED, UPRIGHT, split_shift
from ltemlive.recon.innovation import exit_spectrum, predicted_through
from ltemlive.recon.model import with_members
from ltemlive.recon.objective import seen_in
from ltemlive.recon.search import unheld
from ltemlive.recon.spectrum import wave_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState
    from ltemlive.series import Microscope
    from ltemlive.settings import SolverSettings

BY = 0.01
"""Logarithm over which derivatives are taken."""
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
STEPS_FREE = 20
"""Of phase and amplitude without a prior."""
MODEL_ERROR = 0.01
"""Standard deviation of each logarithm that more images do not improve: series whose optics
were right have been off by so much, on stripes by twice as much."""
FOLLOWING_STIFFNESS = 1e-3
"""Of phase and amplitude at least, relative to the stiffest wave, when they follow."""
LEAST_STIFFNESS = 1e-3
"""Of a combination of logarithms: nobody says so little, it may as well be rounding."""


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

    @property
    def is_settled(self) -> bool:
        """Return whether nothing would go far."""
        of_others = np.abs(self.steps[len(self.seqs) :])
        return self._goes_within(ENOUGH) and bool(np.all(of_others < ENOUGH_CONVERGENCE))

    @property
    def is_near(self) -> bool:
        """Return whether the optics are near enough to begin with them."""
        return bool(np.all(np.abs(self.steps) < NEAR))

    @property
    def is_good(self) -> bool:
        """Return whether each defocus is as near to what fits as it is known."""
        return self._goes_within(1.0)

    def _goes_within(self, deviations: float) -> bool:
        n_frames = len(self.seqs)
        within = deviations * self.deviations[:n_frames]
        return bool(np.all(np.abs(self.steps[:n_frames]) <= within))


class Row(NamedTuple):
    """A defocused frame, and where it stands in the series."""

    member: Member
    place: int


def refocused(model: SeriesModel, fit: OpticsFit) -> SeriesModel:
    """Return the model with its optics one step nearer to what fits."""
    steps = dict(zip(fit.seqs, fit.steps, strict=False))
    microscope = model.microscope
    if len(fit.steps) > len(fit.seqs):
        microscope = _wider(microscope, fit.steps[-1])
    members = [
        _farther(member, steps[member.seq]) if member.seq in steps else member
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
    if _refines_convergence(model, settings):
        known_mrad = model.stated_convergence_mrad
        strayed.append(math.log(model.microscope.convergence_mrad / known_mrad))
        widths.append(settings.convergence_width)
        longest.append(LONGEST_CONVERGENCE)
    free, evaluations = unheld(state, model.series, STEPS_FREE)
    pull = _pull(model, rows, state, exit_spectrum(free))
    there, deviations = pull.estimate(np.array(strayed), np.array(widths))
    steps = np.clip(RELAXED * (there - strayed), np.negative(longest), longest)
    seqs = tuple(row.member.seq for row in rows)
    return OpticsFit(seqs, steps, deviations, evaluations)


class OpticsPull(NamedTuple):
    """What the images say of all parameters, in units of noise."""

    slope: NDArray[np.float64]
    """Derivative of half the misfit, (n,), phase and amplitude free to follow."""
    stiffness: NDArray[np.float64]
    """Its second derivative, (n, n)."""

    def estimate(
        self, strayed: NDArray[np.float64], widths: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where to go and how well that is known, from values known to ``widths``.

        ``strayed`` is how far the values are from those; both results are from there, too.
        """
        told, along = np.linalg.eigh(self.stiffness)
        inverse = (along / np.maximum(told, LEAST_STIFFNESS)) @ along.T
        noise = inverse + MODEL_ERROR**2 * np.eye(len(told))
        prior = np.diag(widths**2)
        gain = prior @ np.linalg.inv(prior + noise)
        covariance = prior - gain @ prior
        there = gain @ (strayed - inverse @ self.slope)
        return there, np.sqrt(np.maximum(np.diag(covariance), 0.0))


def _pull(
    model: SeriesModel, rows: list[Row], state: SolverState, free: Tensor
) -> OpticsPull:
    """Return what the images say, by the difference that a small step of each makes.

    ``free`` is the DFT of the exit wave that no prior holds.
    """
    series, shape = model.series, model.field.shape
    held = exit_spectrum(state.unknowns)
    counts = wave_counts(*shape)
    n_parameters = len(rows) + _refines_convergence(model, state.settings)
    slope, stiffness = np.zeros(n_parameters), np.zeros((n_parameters, n_parameters))
    # What of each parameter phase and amplitude can follow, and how stiff they are.
    followed = np.zeros((n_parameters, *series.stiffness.shape), np.complex64)
    coupling = np.zeros(series.stiffness.shape[1:], np.float32)
    for place, row in enumerate(rows):
        image = PredictedImage(model, row)
        misfit = image.misfit(free)
        here, ways = image.predicted(held), {place: image.farther()}
        if n_parameters > len(rows):
            ways[len(rows)] = image.wider()
        changes = {
            index: image.waves((way.predicted(held) - here) / BY)
            for index, way in ways.items()
        }
        contrasts = image.contrasts()
        coupling += contrasts.prod(axis=0)
        for index, change in changes.items():
            slope[index] += _overlap(change, misfit, counts)
            followed[index] += change * contrasts
            for other, beside in changes.items():
                stiffness[index, other] += _overlap(change, beside, counts)
    following = _solved(series.stiffness.numpy(), coupling, followed)
    for index, one in enumerate(followed):
        for other, beside in enumerate(following):
            stiffness[index, other] -= sum(
                _overlap(layer, across, counts)
                for layer, across in zip(one, beside, strict=True)
            )
    return OpticsPull(slope, stiffness)


def _overlap(
    one: NDArray[np.complex64], other: NDArray[np.complex64], counts: NDArray[np.float32]
) -> float:
    """Return the sum over all waves of one times the conjugate of the other."""
    return float(np.sum(counts * (one.real * other.real + one.imag * other.imag)))


def _solved(
    stiffness: NDArray[np.float32],
    coupling: NDArray[np.float32],
    forces: NDArray[np.complex64],
) -> NDArray[np.complex64]:
    """Return how far phase and amplitude go for each force, (n, 2, ny, nx // 2 + 1)."""
    of_phase, of_amplitude = stiffness + FOLLOWING_STIFFNESS * stiffness.max()
    determinant = of_phase * of_amplitude - coupling**2
    along_phase, along_amplitude = forces[:, 0], forces[:, 1]
    return np.stack(
        [
            (of_amplitude * along_phase - coupling * along_amplitude) / determinant,
            (of_phase * along_amplitude - coupling * along_phase) / determinant,
        ],
        axis=1,
    )


class PredictedImage:
    """One image and the optics that it is predicted with."""

    def __init__(self, model: SeriesModel, row: Row) -> None:
        self._model = model
        self._row = row
        self._measured = model.series.measured[row.place]
        self._seen = seen_in(self._measured)
        self._precision = float(model.series.precision[row.place])
        defocus_nm, microscope = row.member.image.defocus_nm, model.microscope
        is_moved = row.member.turn == UPRIGHT
        part_px = split_shift(row.member.shift_px)[1] if is_moved else ALIGNED
        self._ramp = model.field.ramp(part_px)
        shape = model.field.shape
        transfer = optics.transfer_function(shape, defocus_nm, microscope)
        self._transfer = tf.constant(transfer * self._ramp)
        self._blur = tf.zeros([0, 0])
        if microscope.coherence == "intensity":
            self._blur = tf.constant(optics.intensity_blur(shape, defocus_nm, microscope))

    def farther(self) -> PredictedImage:
        """Return the same image with a defocus larger by ``BY``."""
        member = _farther(self._row.member, BY)
        return PredictedImage(self._model, self._row._replace(member=member))

    def wider(self) -> PredictedImage:
        """Return the same image with a divergence larger by ``BY``."""
        there = _wider(self._model.microscope, BY)
        return PredictedImage(replace(self._model, microscope=there), self._row)

    def predicted(self, spectrum: Tensor) -> Tensor:
        """Return what is seen of it as predicted, (ny, nx)."""
        return self._seen * predicted_through(
            spectrum, self._transfer, self._blur, self._measured
        )

    def misfit(self, spectrum: Tensor) -> NDArray[np.complex64]:
        """Return the waves of predicted less measured."""
        return self.waves(self.predicted(spectrum) - self._seen * self._measured)

    def waves(self, image: Tensor) -> NDArray[np.complex64]:
        """Return an image where the reference frame shows it, by wave, half plane.

        In units of noise.
        """
        per_noise = math.sqrt(self._precision / math.prod(image.shape))
        waves = tf.signal.rfft2d(image).numpy()
        ramp = self._ramp[:, : waves.shape[1]]
        return np.asarray(per_noise * waves * np.conj(ramp), np.complex64)

    def contrasts(self) -> NDArray[np.float32]:
        """Return those of phase and log amplitude, in units of noise, two half planes."""
        shape, microscope = self._model.field.shape, self._model.microscope
        defocus_nm = self._row.member.image.defocus_nm
        both = np.stack(optics.weak_contrasts(shape, defocus_nm, microscope))
        half = both[..., : shape[1] // 2 + 1]
        return np.asarray(math.sqrt(self._precision) * half, np.float32)


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


def _farther(member: Member, by: float) -> Member:
    return member.with_defocus(member.image.defocus_nm * math.exp(by))


def _wider(microscope: Microscope, by: float) -> Microscope:
    mrad = microscope.convergence_mrad * math.exp(by)
    return microscope.model_copy(update={"convergence_mrad": mrad})
