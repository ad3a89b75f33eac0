"""Reconstruct the paper's series of defocused images, several seeds each, beside TIE.

The rows are those of Zhou, Cherukara & Phatak (arXiv 2012.04037), each with an image in
focus; phantom and microscope are those of ``paper_series.py``, and the simulator forms the
images. All rows take the same default settings. The figures are medians over the seeds;
``tie`` is the project's own, from the most symmetric pair.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from paper_series import (
    NM_PER_MM,
    PIXEL_NM,
    add_phantom_option,
    noisy_images,
    paper_optics,
)
from reporting import Row, parser, report

from ltemlive.errors import FrameError
from ltemlive.formats.images import read_image
from ltemlive.frames import Frame, FrameMeta
from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.reconstruct import reconstruct
from ltemlive.series import StoredSeries
from ltemlive.settings import SolverSettings
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ltemlive.series import Microscope

    Method = Literal["ad", "tie"]

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


def main() -> None:
    """Print one line for each series and method."""
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    arguments.add_argument("--series", choices=SERIES, nargs="+", default=list(SERIES))
    arguments.add_argument("--coherence", choices=("wave", "intensity"), default="wave")
    add_phantom_option(arguments)
    options = arguments.parse_args()
    amplitude, phase_rad = (read_image(path) for path in options.phantom)
    optics = paper_optics(options.coherence)
    specimen = Specimen(
        phase_rad.astype(float), amplitude.astype(float), PIXEL_NM, margin_px=0
    )
    microscope = VirtualMicroscope(specimen, optics, Detector())
    methods: tuple[Method, ...] = ("ad", "tie")
    rows = [
        _row(name, method, options.seeds, microscope, optics, phase_rad)
        for name in options.series
        for method in methods
    ]
    report(rows, options.json)


def _row(
    name: str,
    method: Method,
    seeds: Sequence[int],
    microscope: VirtualMicroscope,
    optics: Microscope,
    truth_rad: NDArray[np.float32],
) -> Row:
    defocus_mm, noise = SERIES[name]
    defocus_nm = (0.0, *(value * NM_PER_MM for value in defocus_mm))
    row: Row = {"series": name, "noise": noise, "method": method}
    found = []
    for seed in seeds:
        images = noisy_images(microscope, defocus_nm, noise, np.random.default_rng(seed))
        stored = _in_memory(images, defocus_nm, optics)
        try:
            result = reconstruct(
                stored, SolverSettings(method=method), clock=time.perf_counter
            )
        except FrameError:
            return row  # no pair for TIE
        accuracy = phase_accuracy(result.phase_rad, truth_rad)
        found.append(
            {
                "phase": accuracy.phase,
                "gradient": accuracy.gradient,
                "slope": accuracy.slope,
                "rms rad": accuracy.rms_rad,
                "gradients": result.report.gradient_evaluations,
                "seconds": result.report.seconds.solve or 0.0,
            }
        )
    medians = {key: statistics.median(each[key] for each in found) for key in found[0]}
    return row | {key: _rounded(value) for key, value in medians.items()}


def _rounded(value: float) -> float | str:
    return f"{value:.4f}" if abs(value) < 2.0 else value


def _in_memory(
    images: Sequence[NDArray[np.float32]], defocus_nm: Sequence[float], optics: Microscope
) -> StoredSeries:
    frames = tuple(
        Frame(FrameMeta(seq, value_nm, optics.pixel_nm, optics.voltage_kv), image)
        for seq, (value_nm, image) in enumerate(zip(defocus_nm, images, strict=True))
    )
    labels = tuple(str(frame.meta.seq) for frame in frames)
    return StoredSeries("paper", Path(), optics, frames, labels, ())


if __name__ == "__main__":
    main()
