"""Reconstruct other specimens than the target with the same settings, beside the best TIE.

Five planes (in focus, +-0.15 and +-1.6 mm), 10 % noise, images summed over foci and blurred
by the tilts of the beam, and the default model of coherence; with ``--imaging incoherent``
tilts are summed, too, on a finer grid. The crop is the project's
target in a field that goes on beyond the frame. TIE has any pair and any cut of long waves;
its phase and its gradient are each the best of all, found with the truth at hand.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np
from contest import best_tie, looks, model_of
from paper_series import NM_PER_MM, noisy_images, paper_optics
from reporting import Row, parser, report
from specimens import SPECIMENS

from ltemlive.physics.accuracy import phase_accuracy
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.imaging import Imaging
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from ltemlive.series import Microscope
    from simulator.specimens import Specimen

DEFOCUS_MM = (0.0, -1.6, -0.15, 0.15, 1.6)
NOISE = 0.1
CROP = "crop of the target"


def main() -> None:
    """Print one line for each specimen and method."""
    names = [*SPECIMENS, CROP]
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--specimens", choices=names, nargs="+", default=names)
    arguments.add_argument(
        "--imaging", choices=("envelope", "incoherent"), default="envelope"
    )
    options = arguments.parse_args()
    imaging = Imaging(model=options.imaging)
    rows = [
        row for name in options.specimens for row in _rows(name, options.seeds, imaging)
    ]
    report(rows, options.json)


def _rows(name: str, seeds: list[int], imaging: Imaging) -> list[Row]:
    specimen = Acquisition(Scenario()).specimen if name == CROP else SPECIMENS[name]()
    optics = paper_optics("intensity").model_copy(
        update={
            "pixel_nm": specimen.pixel_nm,
            "border": "free" if name == CROP else "periodic",
        }
    )
    microscope = VirtualMicroscope(specimen, optics, Detector(), imaging=imaging, workers=2)
    found: dict[str, list[Row]] = {"ltemlive": [], "tie": []}
    for seed in seeds:
        for method, row in _figures(specimen, microscope, optics, seed).items():
            found[method].append(row)
    return [_median_row(name, method, rows) for method, rows in found.items()]


def _median_row(name: str, method: str, rows: list[Row]) -> Row:
    row: Row = {"specimen": name, "method": method}
    for key in rows[0]:
        row[key] = f"{statistics.median(float(each[key] or 0.0) for each in rows):.4f}"
    return row


def _figures(
    specimen: Specimen, microscope: VirtualMicroscope, optics: Microscope, seed: int
) -> dict[str, Row]:
    defocus_nm = [value * NM_PER_MM for value in DEFOCUS_MM]
    images = noisy_images(microscope, defocus_nm, NOISE, np.random.default_rng(seed))
    model = model_of(images, defocus_nm, optics)
    truth_rad = specimen.frame_of(specimen.phase_rad).astype(np.float32)
    *_, last = looks("ltemlive", model)
    accuracies = {
        "ltemlive": phase_accuracy(last.phase_rad, truth_rad),
        "tie": best_tie(model, truth_rad),
    }
    return {
        method: {
            "phase": accuracy.phase,
            "gradient": accuracy.gradient,
            "slope": accuracy.slope,
            "rms rad": accuracy.rms_rad,
        }
        for method, accuracy in accuracies.items()
        if accuracy is not None
    }


if __name__ == "__main__":
    main()
