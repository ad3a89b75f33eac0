"""A series as the solver knows it so far, and how it grows with each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.errors import FrameError
from ltemlive.physics.optics import is_in_focus, shows_amplitude
from ltemlive.physics.tie import symmetric_pair, transport_of_intensity_phase
from ltemlive.recon.evidence import Problem, notes_on, problem_of
from ltemlive.recon.graphs import prepare_graphs
from ltemlive.recon.preparation import (
    Field,
    MeasuredImage,
    empty_series,
    exit_amplitude,
    measured_image,
    of_images,
    solved_field,
    with_amplitude,
    with_image,
)
from ltemlive.series import Microscope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ltemlive.frames import Frame
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings


@dataclass(frozen=True, slots=True, eq=False)
class SeriesModel:
    """The frames of one series, ready to be solved; grows by ``with_frames``."""

    microscope: Microscope
    field: Field
    series: FocalSeries
    in_focus: tuple[MeasuredImage, ...] = ()
    seqs: tuple[int, ...] = ()
    defocus_nm: tuple[float, ...] = ()
    """Of each frame in ``seqs``."""
    sigmas: tuple[float, ...] = ()
    """Noise of sqrt(intensity / mean) of each frame in ``seqs``."""
    contrasts: tuple[float, ...] = ()
    """Rms of the same beyond its noise; 0 where nothing stands out of it."""
    significances: tuple[tuple[float, ...], ...] = ()
    """Of each ring of its waves."""

    @property
    def n_defocused(self) -> int:
        """Return how many images constrain the phase."""
        return len(self.seqs) - len(self.in_focus)

    @property
    def problem(self) -> Problem | None:
        """Return why the frames do not determine a phase yet; None: they do."""
        return problem_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know about any estimate made of these frames."""
        return notes_on(self)

    @property
    def first_amplitude(self) -> NDArray[np.float32]:
        """Return what the images in focus say of the exit amplitude, mean square 1."""
        return self.field.crop(self.series.amplitude.numpy())


def empty_model(
    frame_shape: tuple[int, int], microscope: Microscope, border_px: int
) -> SeriesModel:
    """Return the model of a series of which only the microscope is known."""
    field = solved_field(frame_shape, microscope, border_px)
    return SeriesModel(microscope, field, empty_series(field, microscope))


def prepare(settings: SolverSettings) -> None:
    """Compile for the shape that ``settings`` expect, with default border and coherence."""
    if settings.expected_shape is not None:
        # Voltage and pixel are numbers within the graphs, not parts of them.
        any_microscope = Microscope(voltage_kv=200.0, pixel_nm=1.0)
        model = empty_model(settings.expected_shape, any_microscope, settings.border_px)
        prepare_graphs(model.series, settings.memory)


def with_frames(model: SeriesModel, frames: Iterable[Frame]) -> SeriesModel:
    """Return the model with more frames, in the order given.

    Raises
    ------
    FrameError
        If a frame has no defocus or another shape than the model.
    """
    for frame in frames:
        model = _with_frame(model, frame)
    return model


def _with_frame(model: SeriesModel, frame: Frame) -> SeriesModel:
    seq, defocus_nm = frame.meta.seq, frame.meta.defocus_nm
    if frame.image.shape != model.field.frame_shape:
        raise FrameError(
            f"frame {seq}: expected shape {model.field.frame_shape} as the first frame "
            f"of the series, got {frame.image.shape}"
        )
    if defocus_nm is None:
        raise FrameError(f"frame {seq}: expected a defocus in nm, got none")
    image = measured_image(frame, defocus_nm)
    series, in_focus = model.series, model.in_focus
    if is_in_focus(defocus_nm, model.microscope):
        in_focus = (*in_focus, image)
        series = with_amplitude(series, model.field, exit_amplitude(in_focus))
    series = with_image(series, model.field, image, model.microscope)
    return replace(
        model,
        series=series,
        in_focus=in_focus,
        seqs=(*model.seqs, seq),
        defocus_nm=(*model.defocus_nm, defocus_nm),
        sigmas=(*model.sigmas, image.sigma),
        contrasts=(*model.contrasts, image.contrast),
        significances=(*model.significances, image.significance),
    )


def defocused_series(model: SeriesModel) -> FocalSeries:
    """Return the series without its images in focus; the stiffness stays as it was."""
    indices = [
        index
        for index, defocus_nm in enumerate(_with_optics_nm(model))
        if not is_in_focus(defocus_nm, model.microscope)
    ]
    return of_images(model.series, indices)._replace(focus_precision=tf.zeros([]))


def _with_optics_nm(model: SeriesModel) -> list[float]:
    """Return the defocus [nm] of each image in the series that has its own optics."""
    return [
        defocus_nm
        for defocus_nm in model.defocus_nm
        if not shows_amplitude(model.field.shape, defocus_nm, model.microscope)
    ]


def frame_amplitude(field: Field, state: SolverState) -> NDArray[np.float32]:
    """Return the amplitude of the exit wave on the frame, mean square 1."""
    amplitude = field.crop(state.amplitude.numpy())
    return amplitude / np.float32(np.sqrt(np.mean(np.square(amplitude, dtype=np.float64))))


def tie_phase(model: SeriesModel) -> NDArray[np.float32]:
    """Return the phase [rad] that the transport-of-intensity equation gives.

    From the most symmetric pair of images; shape (ny, nx) of the frames.

    Raises
    ------
    FrameError
        If there is no image on one side of focus.
    """
    defocus_nm = [
        0.0 if is_in_focus(value, model.microscope) else value
        for value in _with_optics_nm(model)
    ]
    try:
        under, over = symmetric_pair(defocus_nm)
    except ValueError as error:
        raise FrameError(f"method tie: {error}; method ad needs no pair") from error
    images = [
        model.field.crop(model.series.measured[index].numpy()) ** 2
        for index in (under, over)
    ]
    return transport_of_intensity_phase(
        images[0],
        images[1],
        np.asarray(model.first_amplitude**2),
        separation_nm=defocus_nm[under] - defocus_nm[over],
        microscope=model.microscope,
    )
