"""What the images say of defocus and divergence, phase and amplitude free to follow."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from ltemlive.physics import optics
from ltemlive.recon.field import ALIGNED, UPRIGHT, split_shift
from ltemlive.recon.innovation import exit_spectrum, predicted_through
from ltemlive.recon.objective import seen_in
from ltemlive.recon.spectrum import wave_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tensorflow import Tensor

    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState
    from ltemlive.series import Microscope

BY = 0.01
"""Logarithm over which derivatives are taken."""
MODEL_ERROR = 0.01
"""Standard deviation of each logarithm that more images do not improve: series whose optics
were right have been off by so much, on stripes by twice as much."""
FOLLOWING_STIFFNESS = 1e-3
"""Of phase and amplitude at least, relative to the stiffest wave, when they follow."""
LEAST_STIFFNESS = 1e-3
"""Of a combination of logarithms: nobody says so little, it may as well be rounding."""


class Row(NamedTuple):
    """A defocused frame, and where it stands in the series."""

    member: Member
    place: int


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


def optics_pull(
    images: Sequence[PredictedImage],
    misfits: Sequence[NDArray[np.complex64]],
    state: SolverState,
    stiffness_of_waves: NDArray[np.float32],
    *,
    has_convergence: bool,
) -> OpticsPull:
    """Return what the images say, by the difference that a small step of each makes.

    ``misfits`` are those of the images by wave, where no prior holds phase and amplitude;
    the stiffness is that of all images to both, two half planes.
    """
    held = exit_spectrum(state.unknowns)
    counts = wave_counts(*state.phase.shape)
    n_parameters = len(images) + int(has_convergence)
    slope, stiffness = np.zeros(n_parameters), np.zeros((n_parameters, n_parameters))
    # What of each parameter phase and amplitude can follow, and how stiff they are.
    followed = np.zeros((n_parameters, *stiffness_of_waves.shape), np.complex64)
    coupling = np.zeros(stiffness_of_waves.shape[1:], np.float32)
    for place, (image, misfit) in enumerate(zip(images, misfits, strict=True)):
        here, ways = image.predicted(held), {place: image.farther()}
        if has_convergence:
            ways[len(images)] = image.wider()
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
    following = _solved(stiffness_of_waves, coupling, followed)
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
        if optics.blurs_intensity(microscope):
            self._blur = tf.constant(optics.intensity_blur(shape, defocus_nm, microscope))

    @property
    def place(self) -> int:
        """Return where it stands in the series."""
        return self._row.place

    def farther(self) -> PredictedImage:
        """Return the same image with a defocus larger by ``BY``."""
        member = farther(self._row.member, BY)
        return PredictedImage(self._model, self._row._replace(member=member))

    def wider(self) -> PredictedImage:
        """Return the same image with a divergence larger by ``BY``."""
        there = wider(self._model.microscope, BY)
        return PredictedImage(replace(self._model, microscope=there), self._row)

    def predicted(self, spectrum: Tensor) -> Tensor:
        """Return what is seen of it as predicted, (ny, nx)."""
        return self._seen * predicted_through(
            spectrum, self._transfer, self._blur, self._measured
        )

    def misfit(self, spectrum: Tensor, measured: Tensor) -> NDArray[np.complex64]:
        """Return the waves of what is predicted less what was measured, or might have been.

        Only where this image was seen.
        """
        predicted = predicted_through(spectrum, self._transfer, self._blur, measured)
        return self.waves(self._seen * (predicted - measured))

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


def farther(member: Member, by: float) -> Member:
    """Return the frame with the logarithm of its defocus larger by so much."""
    return member.with_defocus(member.image.defocus_nm * math.exp(by))


def wider(microscope: Microscope, by: float) -> Microscope:
    """Return the microscope with the logarithm of its divergence larger by so much."""
    mrad = microscope.convergence_mrad * math.exp(by)
    return microscope.model_copy(update={"convergence_mrad": mrad})
