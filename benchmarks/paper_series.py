"""Make a defocus series of the paper's own phantom, to be reconstructed.

The microscope is the paper's (Zhou, Cherukara & Phatak, arXiv 2012.04037): 200 kV, 5 nm a
pixel, Cs 1 mm, beam divergence 0.01 mrad, defocus spread 500 nm, periodic border. Its noise
of 10 % is Gaussian with a standard deviation of 0.05 on sqrt(intensity / mean).

The images are formed by the simulator, which shares no formula with the solver. The folder
gets one TIFF for each image, the in-focus one first, series.yaml, and truth_phase.tif:

    benchmarks/paper_series.py --out benchmarks/out/paper
    ltemlive reconstruct benchmarks/out/paper --out benchmarks/out/result
    benchmarks/score.py benchmarks/out/result benchmarks/out/paper/truth_phase.tif
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ltemlive.errors import LtemLiveError
from ltemlive.formats.images import read_image, write_map_tiff
from ltemlive.frames import Frame, FrameMeta
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.folder_emitter import DirectoryEmitter
from simulator.microscope import VirtualMicroscope
from simulator.schedule import Announcement
from simulator.specimens import Specimen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PHANTOM = Path(__file__).parents[2] / "shared" / "data" / "paper_phantom"
PIXEL_NM = 5.0
NM_PER_MM = 1e6


def main() -> None:
    """Write the series that the command line describes."""
    options = _options()
    defocus_nm = (0.0, *(value * NM_PER_MM for value in options.defocus_mm))
    optics = paper_optics(options.coherence)
    try:
        amplitude, phase_rad = (read_image(path) for path in options.phantom)
        specimen = Specimen(
            phase_rad.astype(float), amplitude.astype(float), PIXEL_NM, margin_px=0
        )
        images = noisy_images(
            VirtualMicroscope(specimen, optics, Detector()),
            defocus_nm,
            options.noise,
            np.random.default_rng(options.seed),
        )
        write_series(options.out, optics, defocus_nm, images)
        write_map_tiff(
            options.out / "truth_phase.tif",
            phase_rad,
            pixel_nm=PIXEL_NM,
            unit="rad",
            labels=("truth",),
        )
    except LtemLiveError as error:
        sys.exit(str(error))
    print(f"{len(images)} images and truth_phase.tif in {options.out}")


def paper_optics(coherence: Literal["wave", "intensity"]) -> Microscope:
    """Return the microscope of the paper; its field is periodic by construction."""
    return Microscope(
        voltage_kv=200.0,
        pixel_nm=PIXEL_NM,
        spherical_aberration_nm=1.0 * NM_PER_MM,
        convergence_mrad=0.01,
        defocus_spread_nm=500.0,
        coherence=coherence,
        border="periodic",
    )


def noisy_images(
    microscope: VirtualMicroscope,
    defocus_nm: Sequence[float],
    noise: float,
    rng: np.random.Generator,
) -> list[NDArray[np.float32]]:
    """Return intensities, mean about 1, with the paper's noise on their square roots."""
    images = []
    for value_nm in defocus_nm:
        intensity = microscope.image(value_nm)
        amplitude = np.sqrt(intensity / intensity.mean())
        amplitude += 0.5 * noise * rng.standard_normal(amplitude.shape)
        images.append(np.asarray(np.maximum(amplitude, 0.0) ** 2, np.float32))
    return images


def write_series(
    folder: Path,
    optics: Microscope,
    defocus_nm: Sequence[float],
    images: Sequence[NDArray[np.float32]],
) -> None:
    """Write the images and their ``series.yaml`` as a microscope would."""
    shape = (images[0].shape[0], images[0].shape[1])
    emitter = DirectoryEmitter(folder)
    emitter.start(
        Announcement("paper", optics, len(images), tuple(defocus_nm), "<f4", shape)
    )
    for seq, (value_nm, image) in enumerate(zip(defocus_nm, images, strict=True)):
        meta = FrameMeta(seq, value_nm, optics.pixel_nm, optics.voltage_kv)
        emitter.send(Frame(meta, image))


def add_phantom_option(arguments: argparse.ArgumentParser) -> None:
    """Let the user name another phantom than the paper's."""
    arguments.add_argument(
        "--phantom",
        type=Path,
        nargs=2,
        metavar=("AMP", "PHASE"),
        default=(PHANTOM / "design_amp.tiff", PHANTOM / "design_tphi.tiff"),
        help="amplitude and phase [rad] as TIFF; the default lies beside the repository",
    )


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--out", type=Path, required=True, help="folder to make")
    add_phantom_option(arguments)
    arguments.add_argument(
        "--defocus-mm",
        type=float,
        nargs="+",
        metavar="MM",
        default=(-1.6, -0.15, 0.15, 1.6),
        help="positive is underfocus; one in focus is added (default: the paper's four)",
    )
    arguments.add_argument(
        "--noise", type=float, default=0.1, help="of the intensity (default: 0.1)"
    )
    arguments.add_argument("--seed", type=int, default=1, help="of the noise (default: 1)")
    arguments.add_argument(
        "--coherence",
        choices=("wave", "intensity"),
        default="wave",
        help="of the paper (wave, default), or of a microscope",
    )
    return arguments.parse_args()


if __name__ == "__main__":
    main()
