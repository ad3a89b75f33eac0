"""Reconstruct series of which little is known; say what not knowing it has cost.

Each frame is moved by up to ``--shift`` pixels either way and, with ``--drift``, by so many
more from each frame to the next. ``--rotation`` degrees and ``--magnification`` (natural
logarithm) are reached at the strongest defocus, in proportion to it, either way by chance,
and each frame is off that line by up to a tenth of them. The defocus of each frame is
stated wrongly by up to ``--defocus`` of it, and the divergence of the beam by a factor
``--convergence``. 10 % noise, images summed over tilts and focus as a microscope forms
them, default settings. ``aligned`` is the same series without any of it, told so; ``told``
knows how each frame lies, and ``middle`` where they lie about the middle of the defocused
ones, which then cover as much of the field as they can (not where any turn); ``none``
takes all as stated; ``raw`` takes what the phase correlation of each image with the first
one gives (scikit-image, a twentieth of a pixel); ``ltemlive`` finds out.

``shift px`` is the rms error and ``worst px`` the largest, ``turn deg`` and ``growth %``
are the rms errors of rotation and magnification, less what no data can tell: what is common
to all frames, and what is proportional to defocus, a plane of the phase, or a parabola.
Images in focus that show no absorption lie nowhere and are left out, and so is what was set
aside. ``strong %`` and ``weak %`` are the rms errors of the defoci beyond half of the
strongest and of the others, ``beam %`` is that of the divergence. Phase and gradient are
scored without their plane, and without their parabola where frames are magnified, where the
defocused frames lie. ``gradients`` is the time to register one frame, in gradients of the
whole series.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from contest import model_of
from paper_series import NM_PER_MM, PHANTOM, paper_optics
from paper_table import specimen_of
from reporting import Row, parser, report
from scipy.ndimage import affine_transform, fourier_shift
from skimage.registration import phase_cross_correlation

from ltemlive.physics.accuracy import phase_accuracy, without_plane
from ltemlive.recon.arrival import first_looked, looked_at
from ltemlive.recon.field import UPRIGHT, Turn
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.model import with_shifts, with_used
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
SCATTER = 0.1
"""How far frames turn off their line over defocus, as a part of what is reached."""
STRONG = 0.5
"""Part of the strongest defocus, beyond which one is strong."""
SAMPLES = ("target", "paper", "stripes")

Method = Literal["aligned", "told", "middle", "none", "raw", "ltemlive"]
METHODS: tuple[Method, ...] = get_args(Method)


class _Case(NamedTuple):
    """A series, and where its frames lie."""

    specimen: Specimen
    optics: Microscope
    defocus_nm: NDArray[np.float64]
    shifts_px: NDArray[np.float64]
    turns: NDArray[np.float64]
    """Rotation [rad] and log magnification of each frame."""
    aligned: SeriesModel
    moved: SeriesModel
    """As stated."""

    def of(self, seqs: tuple[int, ...]) -> _Case:
        """Return what is true of some frames."""
        used = list(seqs)
        return self._replace(
            defocus_nm=self.defocus_nm[used],
            shifts_px=self.shifts_px[used],
            turns=self.turns[used],
        )

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
    turns = _turns(defocus_nm, rng, options)
    stated_nm = defocus_nm * (1.0 + options.defocus * rng.uniform(-1.0, 1.0, n_planes))
    told_mrad = options.convergence * optics.convergence_mrad
    as_told = optics.model_copy(update={"convergence_mrad": told_mrad})
    stated = [(0.0, defocus_nm, optics), (1.0, stated_nm, as_told)]
    models = []
    for share, told_nm, told in stated:
        noise = np.random.default_rng([seed, n_planes])
        images = []
        for value_nm, shift_px, turn in zip(defocus_nm, shifts_px, turns, strict=True):
            image = microscope.image(
                value_nm,
                shift_px=tuple(share * shift_px),
                rotation_deg=float(np.degrees(share * turn[0])),
                magnification=float(np.exp(share * turn[1])),
            )
            root = np.sqrt(np.maximum(image, 0.0))
            root += 0.5 * NOISE * noise.standard_normal(root.shape)
            images.append(np.asarray(np.maximum(root, 0.0) ** 2, np.float32))
        models.append(model_of(images, list(told_nm), told))
    return _Case(specimen, optics, defocus_nm, shifts_px, turns, *models)


def _turns(
    defocus_nm: NDArray[np.float64], rng: np.random.Generator, options: Any
) -> NDArray[np.float64]:
    """Return rotation and log magnification of each frame, the first one's zero."""
    most = np.array([np.radians(options.rotation), options.magnification])
    along = defocus_nm / np.abs(defocus_nm).max()
    line = np.outer(along, rng.choice([-1.0, 1.0], 2))
    off = SCATTER * rng.uniform(-1.0, 1.0, line.shape)
    turns = most * (line + off)
    return np.asarray(turns - turns[0])


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
    is_ours = method == "ltemlive"
    settings = SolverSettings(
        align=is_ours,
        judge=is_ours,
        refine_defocus=is_ours,
        refine_convergence=is_ours,
    )
    model = case.aligned if method == "aligned" else case.moved
    if method == "raw":
        model = with_shifts(model, _raw_shifts(model))
    if method in ("told", "middle"):
        model = _told(model, case, about_middle=method == "middle")
    started = time.perf_counter()
    if method == "ltemlive":
        model = first_looked(model, settings)
    registered = time.perf_counter()
    state = cold_start(model.series, settings)
    while state.steps < settings.max_steps and not state.is_converged:
        model, state, _ = refine_jointly(model, state, settings.max_steps - state.steps)
    solved = time.perf_counter()
    is_there = float(method != "aligned")
    case = case.of(model.seqs)
    error_px = np.array(model.shifts_px) - is_there * case.shifts_px
    errors = np.array(model.turns) - is_there * case.turns
    is_defocused = case.defocus_nm != 0.0
    common_px, common = (each[is_defocused].mean(axis=0) for each in (error_px, errors))
    truth_rad = _truth_rad(case.specimen, common_px, Turn(*common.tolist()))
    figures = {
        **accuracy_figures(model, state, truth_rad, has_parabola=bool(case.turns.any())),
        "register s": registered - started,
        "solve s": solved - registered,
    }
    figures |= _optics_errors(model, case)
    if method in ("raw", "ltemlive"):
        figures |= _places(error_px, errors, case)
    if method == "ltemlive":
        figures["gradients"] = _cost(model, state, settings)
    return figures


def _places(
    error_px: NDArray[np.float64], errors: NDArray[np.float64], case: _Case
) -> dict[str, float]:
    """Return how far from where they lie frames were found, and from how they turn."""
    left_px = _determined(error_px, case)
    rotation_rad, growth = np.sqrt((_determined(errors, case) ** 2).mean(axis=0))
    return {
        "shift px": float(np.sqrt((left_px**2).sum(axis=1).mean())),
        "worst px": float(np.abs(left_px).max()),
        "turn deg": float(np.degrees(rotation_rad)),
        "growth %": 100.0 * float(growth),
    }


def _optics_errors(model: SeriesModel, case: _Case) -> dict[str, float]:
    """Return how far the optics are off in the end, in per cent."""
    strength = np.abs(case.defocus_nm) / np.abs(case.defocus_nm).max()
    used_nm = np.array(model.defocus_nm)
    found = {}
    for name, chosen in {
        "strong %": strength > STRONG,
        "weak %": (strength > 0.0) & (strength <= STRONG),
    }.items():
        errors = used_nm[chosen] / case.defocus_nm[chosen] - 1.0
        found[name] = 100.0 * float(np.sqrt(np.mean(errors**2))) if chosen.any() else 0.0
    beam = model.microscope.convergence_mrad / case.optics.convergence_mrad - 1.0
    return {**found, "beam %": 100.0 * abs(beam)}


def accuracy_figures(
    model: SeriesModel,
    state: SolverState,
    truth_rad: NDArray[np.float32],
    *,
    has_parabola: bool = False,
) -> dict[str, float]:
    """Return phase, gradient and slope after removal of the plane, or of the parabola."""
    phase_rad = model.field.crop(state.phase.numpy())
    less = _without_parabola if has_parabola else without_plane
    accuracy = phase_accuracy(less(phase_rad), less(truth_rad))
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


def _told(model: SeriesModel, case: _Case, *, about_middle: bool) -> SeriesModel:
    """Return the model whose frames lie where they do, about the first or their middle."""
    shifts_px = case.shifts_px
    if about_middle:
        shifts_px = shifts_px - shifts_px[case.defocus_nm != 0.0].mean(axis=0)
    there = [
        replace(member, shift_px=(dy, dx), registered_px=(dy, dx), turn=Turn(*turn))
        for member, (dy, dx), turn in zip(
            model.used, shifts_px.tolist(), case.turns.tolist(), strict=True
        )
    ]
    return with_used(model, there)


def _truth_rad(
    specimen: Specimen, common_px: NDArray[np.float64], common: Turn
) -> NDArray[np.float32]:
    """Return the phase on the frame where the defocused frames were found to lie."""
    spectrum = fourier_shift(np.fft.fft2(specimen.phase_rad), -common_px)
    phase_rad = np.fft.ifft2(spectrum).real
    if common != UPRIGHT:
        middle = np.array([(side - 1) / 2 for side in phase_rad.shape])
        first = middle - common.matrix @ middle
        phase_rad = affine_transform(
            phase_rad, common.matrix, first, order=5, mode="grid-wrap"
        )
    return specimen.frame_of(phase_rad).astype(np.float32)


def _without_parabola(phase_rad: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a phase less what a magnification in proportion to defocus may be."""
    y, x = (np.linspace(-1.0, 1.0, side) for side in phase_rad.shape)
    along_y, along_x = np.meshgrid(y, x, indexing="ij")
    shapes = [np.ones_like(along_y), along_y, along_x, along_y**2 + along_x**2]
    untold = np.stack([each.ravel() for each in shapes], axis=1)
    fitted, *_ = np.linalg.lstsq(untold, phase_rad.ravel().astype(float))
    return np.asarray(phase_rad - (untold @ fitted).reshape(phase_rad.shape), np.float32)


def _cost(model: SeriesModel, state: SolverState, settings: SolverSettings) -> float:
    """Return the time to register one frame in gradients of the whole series."""
    member = model.used[-1]

    def seconds(action: Any) -> float:
        action()
        times = []
        for _ in range(5):
            started = time.perf_counter()
            action()
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    gradient = seconds(lambda: bare_search(state, model.series).gradient.numpy())
    frame = seconds(lambda: looked_at(model, member, state, settings, model.used))
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
    arguments.add_argument("--rotation", type=float, default=0.0, metavar="DEG")
    arguments.add_argument("--magnification", type=float, default=0.0, metavar="LOG")
    arguments.add_argument("--defocus", type=float, default=0.0, metavar="PART")
    arguments.add_argument("--convergence", type=float, default=1.0, metavar="FACTOR")
    arguments.add_argument(
        "--methods", choices=METHODS, nargs="+", help="default: all that are right"
    )
    options = arguments.parse_args()
    is_turned = bool(options.rotation or options.magnification)
    if is_turned and "middle" in (options.methods or ()):
        arguments.error(
            "argument --methods: expected no middle beside --rotation or --magnification, "
            "for it is right only where no frame is turned; leave it or them out"
        )
    right = [name for name in METHODS if name != "middle" or not is_turned]
    options.methods = options.methods or right
    return options


if __name__ == "__main__":
    main()
