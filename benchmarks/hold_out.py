"""Leave one image out and predict it while the solver goes on, beside the truth.

Does the prediction of an image that nobody used get worse while the solver goes on, as it
would if the solver followed noise? And is the phase that predicts it best nearer to the
truth than the last one? ``unseen`` is the mean squared error of the prediction in units of
noise, best on the way and at rest, each with the accuracy that the phase had then.
``score`` is what ``report.json`` says of the same image, from a fit that has used it.

The series are those of ``paper_table.py`` (of its target, or of ``--phantom``) and the
specimens of ``specimen_table.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from contest import model_of
from paper_series import NM_PER_MM, noisy_images, paper_optics
from paper_table import SERIES, specimen_of
from reporting import Row, parser, report
from specimen_table import DEFOCUS_MM, NOISE
from specimens import SPECIMENS

from ltemlive.physics.accuracy import PhaseAccuracy, phase_accuracy
from ltemlive.recon.innovation import holdout_scores, predictions
from ltemlive.recon.solver import SolverState, cold_start, refine
from ltemlive.settings import SolverSettings
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.series import Microscope

STEPS_PER_LOOK = 5


class _Case(NamedTuple):
    """A series and its truth."""

    name: str
    images: list[NDArray[np.float32]]
    defocus_nm: tuple[float, ...]
    optics: Microscope
    truth_rad: NDArray[np.float32]


class _Look(NamedTuple):
    """The solver on its way."""

    unseen: float
    steps: int
    accuracy: PhaseAccuracy


def main() -> None:
    """Print one line for each image that is left out."""
    options = _options()
    cases = (_case(name, options.phantom, options.seed) for name in options.series)
    rows = [
        _row(case, held)
        for case in cases
        for held, value_nm in enumerate(case.defocus_nm)
        if value_nm
    ]
    report(rows, options.json)


def _case(name: str, phantom: tuple[Path, Path] | None, seed: int) -> _Case:
    if name in SERIES:
        specimen, (defocus_mm, noise) = specimen_of(phantom), SERIES[name]
        optics = paper_optics("wave")
        if phantom is None:
            optics = optics.model_copy(update={"border": "free"})
    else:
        specimen, defocus_mm, noise = SPECIMENS[name](), DEFOCUS_MM[1:], NOISE
        optics = paper_optics("intensity")
        optics = optics.model_copy(update={"pixel_nm": specimen.pixel_nm})
    defocus_nm = (0.0, *(value * NM_PER_MM for value in defocus_mm))
    microscope = VirtualMicroscope(specimen, optics, Detector(), workers=2)
    images = noisy_images(microscope, defocus_nm, noise, np.random.default_rng(seed))
    truth_rad = specimen.frame_of(specimen.phase_rad).astype(np.float32)
    return _Case(name, images, defocus_nm, optics, truth_rad)


def _row(case: _Case, held: int) -> Row:
    kept = [index for index in range(len(case.images)) if index != held]
    looks = list(_looks(_model(case, kept), _model(case, [held]), case.truth_rad))
    best, last = min(looks), looks[-1]
    whole = _model(case, range(len(case.images)))
    *_, state = _on_the_way(whole)
    return {
        "series": case.name,
        "held out mm": f"{case.defocus_nm[held] / NM_PER_MM:+.2f}",
        **_figures(best, "best"),
        **_figures(last, "last"),
        "score": f"{holdout_scores(state, whole)[held]:.3f}",
    }


def _model(case: _Case, indices: Any) -> SeriesModel:
    return model_of(
        [case.images[index] for index in indices],
        [case.defocus_nm[index] for index in indices],
        case.optics,
    )


def _looks(
    model: SeriesModel, unseen: SeriesModel, truth_rad: NDArray[np.float32]
) -> Iterator[_Look]:
    for state in _on_the_way(model):
        (predicted,) = predictions(state, unseen.series)
        accuracy = phase_accuracy(model.field.crop(state.phase.numpy()), truth_rad)
        yield _Look(predicted.misfit, state.steps, accuracy)


def _on_the_way(model: SeriesModel) -> Iterator[SolverState]:
    settings = SolverSettings()
    state = cold_start(model.series, settings)
    while state.steps < settings.max_steps and not state.is_converged:
        state, _ = refine(state, model.series, STEPS_PER_LOOK)
        yield state


def _figures(look: _Look, which: str) -> Row:
    accuracy = look.accuracy
    return {
        f"steps, {which}": look.steps,
        f"unseen, {which}": f"{look.unseen:.4f}",
        f"phase, {which}": f"{accuracy.phase:.4f}",
        f"gradient, {which}": f"{accuracy.gradient:.4f}",
        f"slope, {which}": f"{accuracy.slope:.3f}",
    }


def _options() -> Any:
    names = [*SERIES, *SPECIMENS]
    arguments = parser(__doc__)
    arguments.add_argument("--series", choices=names, nargs="+", default=names)
    arguments.add_argument("--phantom", type=Path, nargs=2, metavar=("AMP", "PHASE"))
    arguments.add_argument("--seed", type=int, default=1)
    return arguments.parse_args()


if __name__ == "__main__":
    main()
