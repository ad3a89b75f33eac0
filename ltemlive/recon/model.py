"""A series as the solver knows it so far, and how it grows with each frame."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltemlive.errors import FrameError
from ltemlive.physics.optics import is_in_focus, shows_amplitude
from ltemlive.recon.evidence import Problem, notes_on, problem_of
from ltemlive.recon.field import solved_field
from ltemlive.recon.graphs import prepare_graphs
from ltemlive.recon.members import Member
from ltemlive.recon.preparation import (
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
    from ltemlive.recon.field import Field, Shift, Turn
    from ltemlive.recon.objective import FocalSeries
    from ltemlive.recon.preparation import MeasuredImage
    from ltemlive.recon.solver import SolverState
    from ltemlive.settings import SolverSettings


@dataclass(frozen=True, slots=True, eq=False)
class SeriesModel:
    """The frames of one series, ready to be solved; grows by ``with_frames``."""

    microscope: Microscope
    field: Field
    series: FocalSeries
    """Of the frames that are used."""
    stated_convergence_mrad: float
    """What ``microscope`` had before it was refined."""
    members: tuple[Member, ...] = ()
    """All frames, in the order in which they were taken in."""

    @property
    def used(self) -> tuple[Member, ...]:
        """Return the frames that are used; unless said otherwise, all is of them."""
        return tuple(member for member in self.members if member.aside is None)

    @property
    def set_aside(self) -> tuple[tuple[int, str], ...]:
        """Return (seq, reason) of each frame that is not used."""
        return tuple(
            (member.seq, member.aside.reason)
            for member in self.members
            if member.aside is not None
        )

    @property
    def seqs(self) -> tuple[int, ...]:
        """Return the number of each frame."""
        return tuple(member.seq for member in self.used)

    @property
    def images(self) -> tuple[MeasuredImage, ...]:
        """Return the image of each frame."""
        return tuple(member.image for member in self.used)

    @property
    def shifts_px(self) -> tuple[Shift, ...]:
        """Return where what stands at r in the reference frame stands in each frame."""
        return tuple(member.shift_px for member in self.used)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Return how each frame is turned and magnified against the reference frame."""
        return tuple(member.turn for member in self.used)

    @property
    def rotations_deg(self) -> tuple[float, ...]:
        """Return how each frame is rotated, from x (right) towards y (down)."""
        return tuple(turn.rotation_deg for turn in self.turns)

    @property
    def magnifications(self) -> tuple[float, ...]:
        """Return how each frame is magnified against the reference frame."""
        return tuple(turn.magnification for turn in self.turns)

    @property
    def registered_px(self) -> tuple[Shift | None, ...]:
        """Return the same before it was refined with the phase; None: it did not show."""
        return tuple(member.registered_px for member in self.used)

    @property
    def defocus_nm(self) -> tuple[float, ...]:
        """Return the defocus of each frame."""
        return tuple(image.defocus_nm for image in self.images)

    @property
    def stated_nm(self) -> tuple[float, ...]:
        """Return the stated defocus of each frame, on the side on which it is used."""
        return tuple(member.signed_nm for member in self.used)

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
            member.image
            for member in self.used
            if member.is_aligned and is_in_focus(member.image.defocus_nm, self.microscope)
        )

    @property
    def reference(self) -> int:
        """Return the place of the reference frame: the first in focus, or nearest to it.

        As stated: what is refined with the phase must not make another frame of it.
        """
        distance = [
            0.0 if is_in_focus(value, self.microscope) else abs(value)
            for value in self.stated_nm
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
            not (member.is_aligned and self._shows_amplitude(member.image))
            for member in self.used
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
    series = empty_series(field, microscope)
    return SeriesModel(microscope, field, series, microscope.convergence_mrad)


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
        model = _with_member(model, _member(model, frame))
    return model


def _member(model: SeriesModel, frame: Frame) -> Member:
    seq, defocus_nm = frame.meta.seq, frame.meta.defocus_nm
    if frame.image.shape != model.field.frame_shape:
        raise FrameError(
            f"frame {seq}: expected shape {model.field.frame_shape} as the first frame "
            f"of the series, got {frame.image.shape}"
        )
    if defocus_nm is None:
        raise FrameError(f"frame {seq}: expected a defocus in nm, got none")
    use = frame.meta.use
    return Member(seq, measured_image(frame, defocus_nm), defocus_nm).with_wish(use)


def with_members(model: SeriesModel, members: Iterable[Member]) -> SeriesModel:
    """Return the model of these frames instead of its own."""
    empty = empty_series(model.field, model.microscope)
    model = replace(model, series=empty, members=())
    for member in members:
        model = _with_member(model, member)
    return model


def as_stated(model: SeriesModel) -> SeriesModel:
    """Return the model with the optics that were stated; signs stay as they were found."""
    mrad = model.stated_convergence_mrad
    stated = model.microscope.model_copy(update={"convergence_mrad": mrad})
    members = [member.with_sign(member.sign) for member in model.members]
    return with_members(replace(model, microscope=stated), members)


def known_as(model: SeriesModel, members: Iterable[Member]) -> SeriesModel:
    """Return the model with these in place of its frames of the same numbers.

    Its series stays as it was.
    """
    known = {member.seq: member for member in members}
    there = tuple(known.get(member.seq, member) for member in model.members)
    return replace(model, members=there)


def with_used(model: SeriesModel, used: Iterable[Member]) -> SeriesModel:
    """Return the model with these in place of its frames of the same numbers."""
    return with_members(model, known_as(model, used).members)


def with_shifts(
    model: SeriesModel,
    shifts_px: Iterable[Shift],
    registered_px: Iterable[Shift | None] | None = None,
) -> SeriesModel:
    """Return the model with its frames where ``shifts_px`` say, in their order.

    ``registered_px`` is what registration said of them; by default the same.
    """
    shifts = tuple(shifts_px)
    registered = shifts if registered_px is None else registered_px
    there = zip(model.used, shifts, registered, strict=True)
    return with_used(
        model,
        [
            replace(member, shift_px=shift, registered_px=found)
            for member, shift, found in there
        ],
    )


def _with_member(model: SeriesModel, member: Member) -> SeriesModel:
    model = replace(model, members=(*model.members, member))
    if member.aside:
        return model
    field, image, microscope = model.field, member.image, model.microscope
    series = with_image(
        model.series, field, image, microscope, member.shift_px, member.turn
    )
    model = replace(model, series=series)
    if not member.is_aligned or not is_in_focus(image.defocus_nm, microscope):
        return model
    amplitude = exit_amplitude(model.aligned_in_focus)
    return replace(model, series=with_amplitude(series, field, amplitude))


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
