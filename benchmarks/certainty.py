"""What a phase says it may be off by, beside what it is off by.

Five planes (in focus, +-0.15 and +-1.6 mm), images summed over tilts and focus, the default
model of coherence. Rms over the frame and over seeds, of the phase less its plane and of a
component of its gradient. The cost of saying it is in gradients of the same series.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import specimens
from contest import model_of
from paper_series import NM_PER_MM, noisy_images, paper_optics
from reporting import Row, parser, report

from ltemlive.physics.accuracy import without_plane
from ltemlive.physics.induction import phase_gradient
from ltemlive.recon.certainty import certainty_of
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.priors import no_prior
from ltemlive.recon.search import evaluating
from ltemlive.recon.solver import cold_start
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.solver import SolverState
    from simulator.specimens import Specimen

DEFOCUS_MM = (0.0, -0.15, 0.15, -1.6, 1.6)
TARGET = "target"
NAMES = (TARGET, "stripe domains", "vortices")


def main() -> None:
    """Print one line for each specimen and noise."""
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--specimens", choices=NAMES, nargs="+", default=NAMES)
    arguments.add_argument("--noise", type=float, nargs="+", default=[0.1, 0.03])
    arguments.add_argument("--size", type=int, default=256, help="pixels (default: 256)")
    options = arguments.parse_args()
    specimens.SIDE_PX = options.size
    rows = [
        _row(name, noise, options.seeds, options.size)
        for name in options.specimens
        for noise in options.noise
    ]
    report(rows, options.json)


def _row(name: str, noise: float, seeds: list[int], size_px: int) -> Row:
    specimen = _specimen(name, size_px)
    figures = [_figures(specimen, noise, seed, is_free=name == TARGET) for seed in seeds]
    said_rad, off_rad, said_slope, off_slope = np.sqrt(
        np.mean(np.square([each[:-1] for each in figures]), axis=0)
    )
    return {
        "specimen": name,
        "noise": f"{100.0 * noise:g} %",
        "said rad": f"{said_rad:.4f}",
        "off": f"{off_rad:.4f}",
        "ratio": f"{said_rad / off_rad:.2f}",
        "said rad/nm": f"{said_slope:.5f}",
        "off ": f"{off_slope:.5f}",
        "ratio ": f"{said_slope / off_slope:.2f}",
        "gradients": f"{np.median([each[-1] for each in figures]):.0f}",
    }


def _specimen(name: str, size_px: int) -> Specimen:
    if name != TARGET:
        return specimens.SPECIMENS[name]()
    scenario = Scenario.model_validate({"specimen": {"size_px": size_px}})
    return Acquisition(scenario).specimen


def _figures(
    specimen: Specimen, noise: float, seed: int, *, is_free: bool
) -> tuple[float, ...]:
    """Return said and off, phase and gradient, and the cost."""
    optics = paper_optics("intensity").model_copy(
        update={
            "pixel_nm": specimen.pixel_nm,
            "border": "free" if is_free else "periodic",
        }
    )
    microscope = VirtualMicroscope(specimen, optics, Detector(), workers=2)
    defocus_nm = [value * NM_PER_MM for value in DEFOCUS_MM]
    images = noisy_images(microscope, defocus_nm, noise, np.random.default_rng(seed))
    model, state = _at_rest(model_of(images, defocus_nm, optics))
    truth_rad = specimen.frame_of(specimen.phase_rad)
    error = without_plane(model.field.crop(state.phase.numpy()) - truth_rad)
    slopes = phase_gradient(error.astype(np.float32), pixel_nm=optics.pixel_nm)
    certainty_of(model, state)
    started = time.perf_counter()
    certainty = certainty_of(model, state)
    cost_s = time.perf_counter() - started
    if certainty is None:
        raise SystemExit("the phase does not come to rest")
    return (
        *(certainty.sigmas.phase_rad, _rms(error)),
        *(certainty.sigmas.gradient_rad_per_nm, _rms(slopes)),
        cost_s / _gradient_s(model, state),
    )


def _at_rest(model: SeriesModel) -> tuple[SeriesModel, SolverState]:
    settings = SolverSettings()
    state = cold_start(model.series, settings)
    while state.steps_since_begun < settings.max_steps and not state.is_converged:
        model, state, _ = refine_jointly(model, state, 50)
    return model, state


def _gradient_s(model: SeriesModel, state: SolverState) -> float:
    evaluate, prior = evaluating(state, model.series), no_prior(model.field.shape)
    n_times = 20
    started = time.perf_counter()
    for _ in range(n_times):
        evaluate(state.unknowns, model.series, prior)[1].numpy()
    return (time.perf_counter() - started) / n_times


def _rms(values: NDArray[np.float32] | NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


if __name__ == "__main__":
    main()
