"""Reconstruct the paper's series of defocused images, several seeds each, by every method.

The rows are those of Zhou, Cherukara & Phatak (arXiv 2012.04037), each with an image in
focus; microscope and noise are those of ``paper_series.py``, and the simulator forms the
images. All rows take the same default settings. The figures are medians over the seeds;
who ``paper``, ``paper+TV`` and ``tie`` are, ``contest.py`` says. FWHM is that of an error
function across the edges of the specimen; ``truth`` shows what the pixels allow.
``to .977`` is the time until the phase was that accurate, what the authors reached.

The specimen is the project's resolution target, whose field goes on beyond the frame, or
what ``--phantom`` names, which is taken to be periodic, as the paper's is. With
``--coherence intensity`` the images are sums over tilts and focus, as a microscope forms
them, and are reconstructed by the default model. ``--pairs`` makes the paper's Fig. 5
instead: accuracy and stability of two images, for pairs of defocus.
"""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from contest import METHODS, Method, best_tie, longer, looks, model_of
from defocus_pairs import pair_rows
from edges import edge_fwhm_px
from paper_series import NM_PER_MM, PIXEL_NM, noisy_images, paper_optics
from reporting import Row, draw, parser, report

from ltemlive.formats.images import read_image
from ltemlive.physics.accuracy import phase_accuracy
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario
from simulator.specimens import Specimen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.series import Microscope

SERIES: dict[str, tuple[tuple[float, ...], float]] = {
    "-1.6 -.15 .15 1.6": ((-1.6, -0.15, 0.15, 1.6), 0.1),
    "-.2 -.1 1.5 1.6": ((-0.2, -0.1, 1.5, 1.6), 0.1),
    "-.1 -.2 1.5 1.6": ((-0.1, -0.2, 1.5, 1.6), 0.15),
    "-1.6 1.6": ((-1.6, 1.6), 0.1),
    "-.15 1.6": ((-0.15, 1.6), 0.1),
    "-.15 .15": ((-0.15, 0.15), 0.1),
    "20 planes +-1.44": (
        tuple(sign * 0.144 * step for sign in (-1, 1) for step in range(1, 11)),
        0.3,
    ),
    "-1.6 1.6, clean": ((-1.6, 1.6), 0.0),
}
"""Defocus in mm, positive is underfocus, and the noise of the intensity."""
GOOD = 0.977
"""Phase accuracy of the authors' recipe on the first row."""
LONGER = 5
"""So many times more steps must not change a figure."""


def main() -> None:
    """Print one line for each series and method."""
    options = _options()
    optics = paper_optics(options.coherence)
    if options.phantom is None:
        optics = optics.model_copy(update={"border": "free"})
    specimen = specimen_of(options.phantom)
    microscope = VirtualMicroscope(specimen, optics, Detector(), workers=2)
    truth_rad = specimen.frame_of(specimen.phase_rad).astype(np.float32)
    if options.pairs:
        rows = pair_rows(microscope, optics, truth_rad, options.pairs, options.seeds[0])
    else:
        contest = _Contest(microscope, optics, truth_rad, options.seeds, options.longer)
        rows = [
            row for name in options.series for row in contest.rows(name, options.methods)
        ]
    report(rows, options.json)
    if options.figure is not None:
        draw(rows, ("phase", "gradient"), options.figure)


class _Contest:
    """Runs the methods on series of one specimen."""

    def __init__(
        self,
        microscope: VirtualMicroscope,
        optics: Microscope,
        truth_rad: NDArray[np.float32],
        seeds: list[int],
        is_longer: bool,
    ) -> None:
        self._microscope = microscope
        self._optics = optics
        self._truth_rad = truth_rad
        self._seeds = seeds
        self._is_longer = is_longer

    def rows(self, name: str, methods: list[Method]) -> list[Row]:
        """Return one row for each method, with the medians over all seeds."""
        defocus_mm, noise = SERIES[name]
        defocus_nm = (0.0, *(value * NM_PER_MM for value in defocus_mm))
        found: dict[Method, list[dict[str, float]]] = {method: [] for method in methods}
        for seed in self._seeds:
            rng = np.random.default_rng(seed)
            images = noisy_images(self._microscope, defocus_nm, noise, rng)
            model = model_of(images, defocus_nm, self._optics)
            for method in methods:
                found[method].append(self._figures(method, model))
        rows: list[Row] = []
        for method in methods:
            row: Row = {"series": name, "noise": noise, "method": method}
            rows.append(row | _medians(found[method]))
        return rows

    def _figures(self, method: Method, model: SeriesModel) -> dict[str, float]:
        if method == "tie":
            best = best_tie(model, self._truth_rad)
            if best is None:
                return {}
            return {
                "phase": best.phase,
                "gradient": best.gradient,
                "slope": best.slope,
                "rms rad": best.rms_rad,
            }
        seconds_to_good = math.inf
        for look in looks(method, model):
            accuracy = phase_accuracy(look.phase_rad, self._truth_rad)
            if accuracy.phase >= GOOD:
                seconds_to_good = min(seconds_to_good, look.seconds)
        figures = {
            "phase": accuracy.phase,
            "gradient": accuracy.gradient,
            "slope": accuracy.slope,
            "rms rad": accuracy.rms_rad,
            "FWHM nm": PIXEL_NM * edge_fwhm_px(look.phase_rad, self._truth_rad),
            "gradients": look.evaluations,
            "seconds": look.seconds,
            f"to {GOOD} s": seconds_to_good,
        }
        if self._is_longer and method == "ltemlive":
            again = phase_accuracy(longer(model, LONGER), self._truth_rad)
            figures["longer: phase"] = again.phase - accuracy.phase
            figures["longer: gradient"] = again.gradient - accuracy.gradient
        return figures


def _medians(found: list[dict[str, float]]) -> Row:
    medians = {key: statistics.median(each[key] for each in found) for key in found[0]}
    return {
        key: f"{value:.4f}" if abs(value) < 2.0 else value
        for key, value in medians.items()
        if math.isfinite(value)
    }


def specimen_of(phantom: tuple[Path, Path] | None) -> Specimen:
    """Return the phantom, whose field is periodic, or the target, whose field goes on."""
    if phantom is None:
        return Acquisition(Scenario()).specimen
    amplitude, phase_rad = (read_image(path) for path in phantom)
    return Specimen(phase_rad.astype(float), amplitude.astype(float), PIXEL_NM, margin_px=0)


def _options() -> Any:
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    arguments.add_argument("--series", choices=SERIES, nargs="+", default=list(SERIES))
    arguments.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    arguments.add_argument("--coherence", choices=("wave", "intensity"), default="wave")
    arguments.add_argument("--phantom", type=Path, nargs=2, metavar=("AMP", "PHASE"))
    arguments.add_argument(
        "--longer", action="store_true", help="also run the project's own on, 5 times"
    )
    arguments.add_argument(
        "--pairs", type=float, nargs="+", metavar="MM", help="defoci to pair, for Fig. 5"
    )
    arguments.add_argument("--figure", type=Path, metavar="PNG", help="draw it there")
    return arguments.parse_args()


if __name__ == "__main__":
    main()
