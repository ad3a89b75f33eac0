"""Compare the formulas for partial coherence with the sum over tilts and foci.

The difference of each formula's image from the sum, rms over the frame, in the rms contrast
of the sum. Both on the same grid, without noise: a blur of the image (``coherence:
intensity``) and an envelope on the wave (``coherence: wave``). ``--figure FILE`` draws
profiles across the widest bars of the target.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from reporting import Row, parser, report

from ltemlive.series import Microscope
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.imaging import ENVELOPE, Imaging
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.specimens import Specimen

SUMMED = Imaging(model="incoherent", oversampling=1, tilt_step_px=1.0)
PIXEL_NM = 5.0
CASES: dict[str, tuple[float, float, dict[str, float]]] = {
    "0.15 mm": (1.0, 1.5e5, {}),
    "1.6 mm": (1.0, 1.6e6, {}),
    "1.6 mm, spread of the focus 20 um": (1.0, 1.6e6, {"defocus_spread_nm": 2e4}),
    "1.6 mm, phase of 0.02 rad": (0.003, 1.6e6, {}),
    "1.6 mm, astigmatism 0.4 mm": (1.0, 1.6e6, {"astigmatism_nm": 4e5}),
    "in focus, Cs 100 m, 0.1 mrad": (
        1.0,
        0.0,
        {"spherical_aberration_nm": 1e11, "convergence_mrad": 0.1},
    ),
}
"""(share of the phase, defocus [nm], optics)."""
DRAWN = ("1.6 mm", "1.6 mm, astigmatism 0.4 mm")


def main() -> None:
    """Print one line for each case; draw some of them."""
    arguments = parser(__doc__)
    arguments.add_argument("--figure", type=Path, metavar="FILE", help="PNG to write")
    options = arguments.parse_args()
    scenario = Scenario.model_validate({"specimen": {"size_px": 256, "margin_px": 96}})
    specimen = Acquisition(scenario).specimen
    images = {name: _images(specimen, *case) for name, case in CASES.items()}
    report([_row(name, *each) for name, each in images.items()], options.json)
    if options.figure is not None:
        _draw({name: images[name] for name in DRAWN}, options.figure)


def _images(
    specimen: Specimen, share: float, defocus_nm: float, optics: dict[str, float]
) -> list[NDArray[np.float64]]:
    """Return the sum, the blur of the image, and what the envelope on the wave makes."""
    specimen = replace(specimen, phase_rad=share * specimen.phase_rad)
    if share < 1.0:
        specimen = replace(specimen, amplitude=np.ones_like(specimen.amplitude))
    stated: dict[str, Any] = {"voltage_kv": 200.0, "pixel_nm": PIXEL_NM, **optics}
    blur = Microscope.model_validate(stated)
    wave = Microscope.model_validate(stated | {"coherence": "wave"})
    return [
        VirtualMicroscope(specimen, model, Detector(), imaging=imaging).image(defocus_nm)
        for model, imaging in ((blur, SUMMED), (blur, ENVELOPE), (wave, ENVELOPE))
    ]


def _row(
    name: str,
    summed: NDArray[np.float64],
    blurred: NDArray[np.float64],
    damped: NDArray[np.float64],
) -> Row:
    contrast = float(summed.std())
    off = [float((each - summed).std()) / contrast for each in (blurred, damped)]
    return {"case": name, "contrast": contrast, "blur off": off[0], "envelope off": off[1]}


def _draw(images: dict[str, list[NDArray[np.float64]]], file: Path) -> None:
    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    styles = (("sum over tilts", "k-"), ("blur", "C0--"), ("envelope", "C1-"))
    for axes, (name, each) in zip(
        figure.subplots(1, len(images), sharey=True), images.items(), strict=True
    ):
        row = each[0].shape[0] * 7 // 8
        for (label, style), image in zip(styles, each, strict=True):
            profile = image[row - 4 : row + 4, :128].mean(axis=0)
            axes.plot(np.arange(profile.size) * PIXEL_NM, profile, style, label=label)
        axes.set(title=name, xlabel="x (nm)")
        axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
