"""Who competes in the tables of accuracy, and how all of them are run and scored.

``ltemlive`` is the project with its default settings, ``paper`` and ``paper+TV`` the
authors' recipe as rebuilt in ``ltemlive.recon.recipe``. ``tie`` is the best that the
transport of intensity can do: any pair of images, any cut of long waves, and of all those
the best figure of each kind, found with the truth at hand.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ltemlive.frames import Frame, FrameMeta
from ltemlive.physics.accuracy import PhaseAccuracy, phase_accuracy
from ltemlive.physics.optics import is_in_focus
from ltemlive.physics.tie import transport_of_intensity_phase
from ltemlive.recon import runtime
from ltemlive.recon.graphs import prepare_graphs
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import defocused_series, empty_model, with_frames
from ltemlive.recon.recipe import descend
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.series import Microscope

Method = Literal["ltemlive", "paper", "paper+TV", "tie"]
METHODS: tuple[Method, ...] = get_args(Method)

AUTHORS_STEPS = 6000
"""The recipe may take; the authors' longest run took 5029."""
STEPS_PER_LOOK = 5
NO_REST_RAD = 1e-9
"""Tolerance of a search that goes on."""
STEPS_TO_COMPILE = 30
"""After which the project's own has come to all its graphs but those of the optics."""
CUTS_PER_FIELD = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Cut of TIE's long waves, in cycles per side of the field."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A phase on the way."""

    phase_rad: NDArray[np.float32]
    evaluations: int
    seconds: float
    """Spent on solving so far; compiling and looking are not counted."""


def model_of(
    images: Sequence[NDArray[np.float32]], defocus_nm: Sequence[float], optics: Microscope
) -> SeriesModel:
    """Return the series as the solvers take it."""
    settings = SolverSettings()
    runtime.configure(settings.threads)
    frames = [
        Frame(FrameMeta(seq, value_nm, optics.pixel_nm, optics.voltage_kv), image)
        for seq, (value_nm, image) in enumerate(zip(defocus_nm, images, strict=True))
    ]
    empty = empty_model(frames[0].image.shape, optics, settings.border_px)
    prepare_graphs(empty.series, settings.memory)
    return with_frames(empty, frames)


def looks(method: Method, model: SeriesModel) -> Iterator[Look]:
    """Yield the phase on its way, the last one where the method rests."""
    settings = SolverSettings()
    _compile(method, model, settings)
    phases = (
        _own(model, settings, settings.max_steps)
        if method == "ltemlive"
        else _recipe(model, with_tv=method == "paper+TV")
    )
    seconds = 0.0
    while True:
        started = time.perf_counter()
        found = next(phases, None)
        if found is None:
            return
        seconds += time.perf_counter() - started
        phase_rad, evaluations = found
        yield Look(phase_rad, evaluations, seconds)


def _compile(method: Method, model: SeriesModel, settings: SolverSettings) -> None:
    if method == "ltemlive":
        list(_own(model, settings, STEPS_TO_COMPILE))
    else:
        list(descend(defocused_series(model), 1, with_tv=method == "paper+TV"))


def longer(model: SeriesModel, n_times: int) -> NDArray[np.float32]:
    """Return the project's own phase, made to go on when it rests, ``n_times`` as long.

    With the frames and optics that it has come to.
    """
    settings = SolverSettings()
    state = cold_start(model.series, settings)
    while state.steps < settings.max_steps and not state.is_converged:
        model, state, _ = refine_jointly(model, state, STEPS_PER_LOOK)
    n_steps = n_times * state.steps
    # Where it rests the search forgets what it knows: so nothing is little enough.
    restless = settings.model_copy(update={"tolerance_rad": NO_REST_RAD})
    while state.steps < n_steps:
        state = replace(state, settings=restless, is_converged=False)
        state, _ = refine(state, model.series, n_steps - state.steps)
    return model.field.crop(state.phase.numpy())


def _own(
    model: SeriesModel, settings: SolverSettings, max_steps: int
) -> Iterator[tuple[NDArray[np.float32], int]]:
    state = cold_start(model.series, settings)
    while state.steps < max_steps and not state.is_converged:
        model, state, _ = refine_jointly(model, state, STEPS_PER_LOOK)
        yield model.field.crop(state.phase.numpy()), state.evaluations


def _recipe(
    model: SeriesModel, *, with_tv: bool
) -> Iterator[tuple[NDArray[np.float32], int]]:
    series = defocused_series(model)
    for state in descend(series, AUTHORS_STEPS, with_tv=with_tv):
        yield model.field.crop(state.phase.numpy()), state.steps


def tie_phases(model: SeriesModel) -> Iterator[NDArray[np.float32]]:
    """Yield what TIE makes of each pair around focus, with each of its cuts."""
    images = [
        model.field.crop(image) ** 2 for image in defocused_series(model).measured.numpy()
    ]
    defocus_nm = [
        value for value in model.defocus_nm if not is_in_focus(value, model.microscope)
    ]
    field_nm = min(model.field.frame_shape) * model.microscope.pixel_nm
    for under, over in itertools.permutations(range(len(images)), 2):
        if not defocus_nm[under] > 0.0 > defocus_nm[over]:
            continue
        for cut in CUTS_PER_FIELD:
            yield transport_of_intensity_phase(
                images[under],
                images[over],
                np.asarray(model.first_amplitude**2),
                separation_nm=defocus_nm[under] - defocus_nm[over],
                microscope=model.microscope,
                cutoff_per_nm=cut / field_nm,
            )


def best_tie(model: SeriesModel, truth_rad: NDArray[np.float32]) -> PhaseAccuracy | None:
    """Return TIE's best figures, each from whichever pair and cut; None without a pair."""
    found = [phase_accuracy(phase_rad, truth_rad) for phase_rad in tie_phases(model)]
    if not found:
        return None
    best = max(found, key=lambda accuracy: accuracy.phase)
    return PhaseAccuracy(
        phase=best.phase,
        gradient=max(accuracy.gradient for accuracy in found),
        slope=best.slope,
        rms_rad=min(accuracy.rms_rad for accuracy in found),
    )
