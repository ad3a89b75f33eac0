"""What it costs that the solver's model is a formula, and the microscope is none.

The same specimens, five planes (in focus, +-0.15 and +-1.6 mm) and 10 % noise, imaged in
some ways and solved with the default settings:

* ``blur``: by the formula that the solver uses, on its own grid;
* ``sum, sampled``: tilts and foci added up, on the solver's own grid;
* ``sum``: tilts and foci added up on a finer grid, in pixels that count what falls on them;
* ``sum + MTF``: the same behind a camera that leaves 0.6 at half the Nyquist frequency;
* ``sum, told`` and ``sum + MTF, told``: as these, and ``detector_mtf`` says so;
* ``blur, told``: as ``blur``, and ``detector_mtf`` says wrongly that pixels count;
* ``sum, for wave``: as ``sum``, solved with the envelope on the wave (``coherence: wave``).
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np
from contest import looks, model_of
from paper_series import NM_PER_MM, paper_optics
from reporting import Row, parser, report
from specimens import SPECIMENS

from ltemlive.physics.accuracy import phase_accuracy
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.flaws import CameraScenario, make_flaws
from simulator.imaging import ENVELOPE, Imaging
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario
from simulator.specimens import Specimen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.series import Microscope

DEFOCUS_MM = (0.0, -1.6, -0.15, 0.15, 1.6)
NOISE, MTF = 0.1, 0.6
SIDE_PX, MARGIN_PX = 256, 96
SUMMED = Imaging(model="incoherent")
SAMPLED = Imaging(model="incoherent", oversampling=1)
OF_PIXELS = 0.92
"""What two points along each side of a pixel leave of a wave of four pixels."""
TOLD = {
    "blur, told": OF_PIXELS,
    "sum, told": OF_PIXELS,
    "sum + MTF, told": OF_PIXELS * MTF,
}
WAYS = ("blur", "sum, sampled", "sum", "sum + MTF", *TOLD, "sum, for wave")
NAMES = ("target", "stripe domains", "wires")


def main() -> None:
    """Print one line for each specimen and way."""
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--specimens", choices=NAMES, nargs="+", default=NAMES)
    arguments.add_argument("--ways", choices=WAYS, nargs="+", default=WAYS)
    options = arguments.parse_args()
    report(
        [
            _row(name, way, options.seeds)
            for name in options.specimens
            for way in options.ways
        ],
        options.json,
    )


def _specimen(name: str) -> Specimen:
    """Return a part of a larger specimen, which goes on beyond the frame."""
    if name == "wires":
        whole = SPECIMENS["wires"]()
        part = slice(0, SIDE_PX + 2 * MARGIN_PX)
        return Specimen(
            whole.phase_rad[part, part],
            whole.amplitude[part, part],
            whole.pixel_nm,
            MARGIN_PX,
        )
    kind = {"target": "resolution_target"}.get(name, "stripe_domains")
    stated = {"kind": kind, "size_px": SIDE_PX, "margin_px": MARGIN_PX}
    return Acquisition(Scenario.model_validate({"specimen": stated})).specimen


def _row(name: str, way: str, seeds: list[int]) -> Row:
    specimen = _specimen(name)
    optics = paper_optics("intensity").model_copy(update={"border": "free"})
    clean = _clean_images(specimen, optics, way)
    if way == "sum, for wave":
        optics = optics.model_copy(update={"coherence": "wave"})
    optics = optics.model_copy(update={"detector_mtf": TOLD.get(way, 1.0)})
    found = [_figures(specimen, optics, clean, seed) for seed in seeds]
    row: Row = {"specimen": name, "imaged": way}
    for key in found[0]:
        row[key] = f"{statistics.mean(each[key] for each in found):.4f}"
    return row


def _clean_images(
    specimen: Specimen, optics: Microscope, way: str
) -> list[NDArray[np.float64]]:
    way = way.removesuffix(", told")
    imaging = {"blur": ENVELOPE, "sum, sampled": SAMPLED}.get(way, SUMMED)
    microscope = VirtualMicroscope(specimen, optics, Detector(), imaging=imaging, workers=2)
    images = [microscope.image(value * NM_PER_MM) for value in DEFOCUS_MM]
    if way != "sum + MTF":
        return images
    camera = CameraScenario(mtf=MTF)
    flaws = make_flaws(camera, (SIDE_PX, SIDE_PX), np.random.default_rng(1))
    return [flaws.blurred(image) for image in images]


def _figures(
    specimen: Specimen,
    optics: Microscope,
    clean: list[NDArray[np.float64]],
    seed: int,
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    images = []
    for image in clean:
        amplitude = np.sqrt(image / image.mean())
        amplitude += 0.5 * NOISE * rng.standard_normal(amplitude.shape)
        images.append(np.asarray(np.maximum(amplitude, 0.0) ** 2, np.float32))
    model = model_of(images, [value * NM_PER_MM for value in DEFOCUS_MM], optics)
    *_, last = looks("ltemlive", model)
    truth_rad = specimen.frame_of(specimen.phase_rad).astype(np.float32)
    accuracy = phase_accuracy(last.phase_rad, truth_rad)
    return {
        "phase": accuracy.phase,
        "gradient": accuracy.gradient,
        "slope": accuracy.slope,
        "rms rad": accuracy.rms_rad,
    }


if __name__ == "__main__":
    main()
