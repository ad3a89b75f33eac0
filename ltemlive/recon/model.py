"""A series as the solver knows it so far, and how it grows with each frame."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.errors import FrameError
from ltemlive.physics.optics import is_in_focus, shows_amplitude
from ltemlive.physics.tie import symmetric_pair, transport_of_intensity_phase
from ltemlive.recon.evidence import Problem, notes_on, problem_of
from ltemlive.recon.field import ALIGNED, solved_field
from ltemlive.recon.graphs import prepare_graphs
from ltemlive.recon.preparation import (
    MeasuredImage,
    empty_series,
    exit_amplitude,
    measured_image,
    of_images,
    with_amplitude,
    with_image,
)
from ltemlive.series import Microscope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ltemlive.frames import Frame
    from ltemlive.recon.field import Field, Shift
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings


@dataclass(frozen=True, slots=True, eq=False)
class SeriesModel:
    """The frames of one series, ready to be solved; grows by ``with_frames``."""

    microscope: Microscope
    field: Field
    series: FocalSeries
    seqs: tuple[int, ...] = ()
    images: tuple[MeasuredImage, ...] = ()
    """Of each frame in ``seqs``."""
    shifts_px: tuple[Shift, ...] = ()
    """Of each frame in ``seqs``: where what stands at r in the reference frame stands."""
    registered_px: tuple[Shift | None, ...] = ()
    """The same before the shifts were refined with the phase; None: it did not show."""

    @property
    def defocus_nm(self) -> tuple[float, ...]:
        """Return the defocus of each frame."""
        return tuple(image.defocus_nm for image in self.images)

    @property
    def in_focus(self) -> tuple[MeasuredImage, ...]:
        """Return the images in which a phase is all but invisible."""
        return tuple(
            image for image in self.images if is_in_focus(image.defocus_nm, self.microscope)
        )

    @property
    def aligned_in_focus(self) -> tuple[MeasuredImage, ...]:
        """Return those of them that lie exactly where the reference frame does."""
        return tuple(
            image
            for image, shift_px in zip(self.images, self.shifts_px, strict=True)
            if shift_px == ALIGNED and is_in_focus(image.defocus_nm, self.microscope)
        )

    @property
    def reference(self) -> int:
        """Return the place of the reference frame: the first in focus, or nearest to it."""
        distance = [
            0.0 if is_in_focus(value, self.microscope) else abs(value)
            for value in self.defocus_nm
        ]
        return distance.index(min(distance))

    @property
    def defocused(self) -> tuple[MeasuredImage, ...]:
        """Return the images that constrain the phase."""
        return tuple(
            image
            for image in self.images
            if not is_in_focus(image.defocus_nm, self.microscope)
        )

    @property
    def rows(self) -> tuple[int | None, ...]:
        """Return where each image stands in ``series``; None: in its mean in focus."""
        has_optics = [
            shift_px != ALIGNED or not self._shows_amplitude(image)
            for image, shift_px in zip(self.images, self.shifts_px, strict=True)
        ]
        counted = itertools.accumulate(has_optics)
        return tuple(
            count - 1 if has else None
            for has, count in zip(has_optics, counted, strict=True)
        )

    @property
    def problem(self) -> Problem | None:
        """Return why the frames do not determine a phase yet; None: they do."""
        return problem_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know about any estimate made of these frames."""
        return notes_on(self)

    def _shows_amplitude(self, image: MeasuredImage) -> bool:
        return shows_amplitude(self.field.shape, image.defocus_nm, self.microscope)

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
    return _with_measured(replace(model, seqs=(*model.seqs, seq)), image, ALIGNED)


def with_shifts(model: SeriesModel, shifts_px: Iterable[Shift]) -> SeriesModel:
    """Return the model with its frames where ``shifts_px`` say, in their order."""
    images = model.images
    empty = empty_series(model.field, model.microscope)
    model = replace(model, series=empty, images=(), shifts_px=(), registered_px=())
    for image, shift_px in zip(images, shifts_px, strict=True):
        model = _with_measured(model, image, shift_px)
    return model


def _with_measured(
    model: SeriesModel, image: MeasuredImage, shift_px: Shift
) -> SeriesModel:
    series = with_image(model.series, model.field, image, model.microscope, shift_px)
    model = replace(
        model,
        series=series,
        images=(*model.images, image),
        shifts_px=(*model.shifts_px, shift_px),
        registered_px=(*model.registered_px, shift_px),
    )
    if shift_px != ALIGNED or not is_in_focus(image.defocus_nm, model.microscope):
        return model
    amplitude = exit_amplitude(model.aligned_in_focus)
    return replace(model, series=with_amplitude(series, model.field, amplitude))


def defocused_series(model: SeriesModel) -> FocalSeries:
    """Return the series without its images in focus; the stiffness stays as it was."""
    rows = [
        row
        for row, defocus_nm in zip(model.rows, model.defocus_nm, strict=True)
        if row is not None and not is_in_focus(defocus_nm, model.microscope)
    ]
    return of_images(model.series, rows)._replace(focus_precision=tf.zeros([]))


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
    defocused = model.defocused
    try:
        under, over = symmetric_pair([image.defocus_nm for image in defocused])
    except ValueError as error:
        raise FrameError(f"method tie: {error}; method ad needs no pair") from error
    images = [defocused[index].amplitude ** 2 for index in (under, over)]
    return transport_of_intensity_phase(
        images[0],
        images[1],
        np.asarray(model.first_amplitude**2),
        separation_nm=defocused[under].defocus_nm - defocused[over].defocus_nm,
        microscope=model.microscope,
    )
