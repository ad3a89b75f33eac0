"""Reconstruct series whose frames lie anywhere; say what not knowing where has cost.

Each frame is moved by up to ``--shift`` pixels either way and, with ``--drift``, by so many
more from each frame to the next. 10 % noise, images summed over tilts and focus as a
microscope forms them, default settings. ``aligned`` is the same series without any shift,
told so; ``told`` knows where each frame lies; ``none`` takes them as aligned; ``raw`` takes
what the phase correlation of each image with the first one gives (scikit-image, a twentieth
of a pixel); ``ltemlive`` finds out.

``shift px`` is the rms error and ``worst px`` the largest, less what no data can tell: what
is common to all frames, and what is proportional to defocus, which is a plane of the phase.
Images in focus that show no absorption lie nowhere and are left out. Phase and gradient are
scored without their plane, where the defocused frames lie. ``gradients`` is the time to
register one frame, in gradients of the whole series.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from contest import model_of
from paper_series import NM_PER_MM, PHANTOM, paper_optics
from paper_table import specimen_of
from reporting import Row, parser, report
from scipy.ndimage import fourier_shift
from skimage.registration import phase_cross_correlation

from ltemlive.physics.accuracy import phase_accuracy, without_plane
from ltemlive.recon.arrival import first_looked, looked_at
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import with_shifts
from ltemlive.recon.search import bare_search
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
    from ltemlive.series import Microscope
    from simulator.specimens import Specimen

PLANES_MM: dict[int, tuple[float, ...]] = {
    4: (0.0, -0.4, 0.4, 1.6),
    5: (0.0, -0.15, 0.15, -1.6, 1.6),
    8: (0.0, -0.15, 0.15, -0.5, 0.5, -1.0, 1.6, -1.6),
}
NOISE = 0.1
MARGIN_PX = 128
SAMPLES = ("target", "paper", "stripes")

Method = Literal["aligned", "told", "none", "raw", "ltemlive"]
METHODS: tuple[Method, ...] = get_args(Method)


class _Case(NamedTuple):
    """A series, and where its frames lie."""

    specimen: Specimen
    optics: Microscope
    defocus_nm: NDArray[np.float64]
    shifts_px: NDArray[np.float64]
    aligned: SeriesModel
    moved: SeriesModel

    @property
    def is_telling(self) -> NDArray[np.bool_]:
        """Which frames show anything that tells where they lie."""
        has_contrast = np.ptp(self.specimen.amplitude) > 0.0
        return np.asarray((self.defocus_nm != 0.0) | has_contrast)


def main() -> None:
    """Print one line for each sample, number of planes and method."""
    options = _options()
    rows = [
        row
        for sample in options.samples
        for n_planes in options.planes
        for row in _rows(sample, n_planes, options)
    ]
    report(rows, options.json)


def _rows(sample: str, n_planes: int, options: Any) -> list[Row]:
    found: dict[Method, list[dict[str, float]]] = {name: [] for name in options.methods}
    for seed in options.seeds:
        case = _case(sample, n_planes, seed, options)
        for method in options.methods:
            found[method].append(_figures(case, method))
    return [
        {"sample": sample, "planes": n_planes, "method": method, **_summary(figures)}
        for method, figures in found.items()
    ]


def _case(sample: str, n_planes: int, seed: int, options: Any) -> _Case:
    specimen, optics = sample_of(sample, seed)
    microscope = VirtualMicroscope(specimen, optics, Detector(), workers=2)
    defocus_nm = NM_PER_MM * np.array(PLANES_MM[n_planes])
    rng = np.random.default_rng(seed)
    shifts_px = rng.uniform(-options.shift, options.shift, (n_planes, 2))
    shifts_px += np.outer(np.arange(n_planes), options.drift)
    shifts_px -= shifts_px[0]
    models = []
    for moved in (np.zeros_like(shifts_px), shifts_px):
        noise = np.random.default_rng([seed, n_planes])
        images = []
        for value_nm, (along_y, along_x) in zip(defocus_nm, moved, strict=True):
            root = np.sqrt(microscope.image(value_nm, shift_px=(along_y, along_x)))
            root += 0.5 * NOISE * noise.standard_normal(root.shape)
            images.append(np.asarray(np.maximum(root, 0.0) ** 2, np.float32))
        models.append(model_of(images, list(defocus_nm), optics))
    return _Case(specimen, optics, defocus_nm, shifts_px, *models)


def sample_of(name: str, seed: int) -> tuple[Specimen, Microscope]:
    """Return the paper's phantom, or the middle of a field that goes on."""
    if name == "paper":
        files = (PHANTOM / "design_amp.tiff", PHANTOM / "design_tphi.tiff")
        return specimen_of(files), paper_optics("intensity")
    kind = {"target": "resolution_target", "stripes": "stripe_domains"}[name]
    document = {"seed": seed, "specimen": {"kind": kind, "margin_px": MARGIN_PX}}
    acquisition = Acquisition(Scenario.model_validate(document))
    return acquisition.specimen, acquisition.microscope


def _figures(case: _Case, method: Method) -> dict[str, float]:
    settings = SolverSettings(align=method == "ltemlive")
    model = case.aligned if method == "aligned" else case.moved
    if method == "raw":
        model = with_shifts(model, _raw_shifts(model))
    if method == "told":
        model = with_shifts(model, [(dy, dx) for dy, dx in case.shifts_px.tolist()])
    started = time.perf_counter()
    if method == "ltemlive":
        model = first_looked(model, settings)
    registered = time.perf_counter()
    state = cold_start(model.series, settings)
    while state.steps < settings.max_steps and not state.is_converged:
        model, state, _ = refine_jointly(model, state, settings.max_steps - state.steps)
    solved = time.perf_counter()
    true_px = 0.0 if method == "aligned" else case.shifts_px
    error_px = np.array(model.shifts_px) - true_px
    common_px = error_px[case.defocus_nm != 0.0].mean(axis=0)
    truth_rad = _truth_rad(case.specimen, common_px)
    figures = {
        **accuracy_figures(model, state, truth_rad),
        "register s": registered - started,
        "solve s": solved - registered,
    }
    if method in ("raw", "ltemlive"):
        left_px = _determined(error_px, case)
        figures["shift px"] = float(np.sqrt((left_px**2).sum(axis=1).mean()))
        figures["worst px"] = float(np.abs(left_px).max())
    if method == "ltemlive":
        figures["gradients"] = _cost(model, settings)
    return figures


def accuracy_figures(
    model: SeriesModel, state: SolverState, truth_rad: NDArray[np.float32]
) -> dict[str, float]:
    """Return phase, gradient and slope after removal of the plane."""
    phase_rad = model.field.crop(state.phase.numpy())
    accuracy = phase_accuracy(without_plane(phase_rad), without_plane(truth_rad))
    return {
        "phase": accuracy.phase,
        "gradient": accuracy.gradient,
        "slope": accuracy.slope,
    }


def _raw_shifts(model: SeriesModel) -> list[tuple[float, float]]:
    first, *others = (image.amplitude for image in model.images)
    found = [(0.0, 0.0)]
    for image in others:
        back, _, _ = phase_cross_correlation(first, image, upsample_factor=20)
        found.append((-float(back[0]), -float(back[1])))
    return found


def _determined(error_px: NDArray[np.float64], case: _Case) -> NDArray[np.float64]:
    """Return the errors without their common part and the one proportional to defocus."""
    error_px = error_px[case.is_telling]
    defocus_mm = case.defocus_nm[case.is_telling] / NM_PER_MM
    untold = np.stack([np.ones_like(defocus_mm), defocus_mm], axis=1)
    fitted, *_ = np.linalg.lstsq(untold, error_px)
    return np.asarray(error_px - untold @ fitted)


def _truth_rad(specimen: Specimen, common_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the phase on the frame where the defocused frames were found to lie."""
    spectrum = fourier_shift(np.fft.fft2(specimen.phase_rad), -common_px)
    return specimen.frame_of(np.fft.ifft2(spectrum).real).astype(np.float32)


def _cost(model: SeriesModel, settings: SolverSettings) -> float:
    """Return the time to register one frame in gradients of the whole series."""
    state = cold_start(model.series, settings)
    image = model.images[-1]

    def seconds(action: Any) -> float:
        action()
        times = []
        for _ in range(5):
            started = time.perf_counter()
            action()
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    gradient = seconds(lambda: bare_search(state, model.series).gradient.numpy())
    frame = seconds(lambda: looked_at(model, image, state, settings))
    return frame / gradient


def _summary(figures: list[dict[str, float]]) -> Row:
    medians = {key: statistics.median(each[key] for each in figures) for key in figures[0]}
    return {key: f"{value:.4f}" for key, value in medians.items()}


def _options() -> Any:
    arguments = parser(__doc__)
    arguments.add_argument("--samples", choices=SAMPLES, nargs="+", default=list(SAMPLES))
    arguments.add_argument("--planes", type=int, choices=PLANES_MM, nargs="+", default=[5])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--shift", type=float, default=40.0, metavar="PX")
    arguments.add_argument("--drift", type=float, nargs=2, default=[0.0, 0.0])
    arguments.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    return arguments.parse_args()


if __name__ == "__main__":
    main()
