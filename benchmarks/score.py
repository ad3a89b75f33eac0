"""Compare the phase.tif of a result folder with the true phase.

Accuracy is the paper's: a signed correlation without the means, of the phase and of its
gradient. Slope and rms, after removal of a plane, tell what a correlation hides.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reporting import parser, report

from ltemlive.errors import FrameError, LtemLiveError
from ltemlive.formats.images import read_image
from ltemlive.physics.accuracy import phase_accuracy


def main() -> None:
    """Print the figures of one result."""
    arguments = parser(__doc__)
    arguments.add_argument("result", type=Path, help="folder with phase.tif")
    arguments.add_argument("truth", type=Path, help="the true phase [rad] as TIFF")
    options = arguments.parse_args()
    try:
        phase_rad, truth_rad = (
            read_image(options.result / "phase.tif"),
            read_image(options.truth),
        )
        if phase_rad.shape != truth_rad.shape:
            raise FrameError(
                f"{options.truth}: expected shape {phase_rad.shape} as the result, got "
                f"{truth_rad.shape}"
            )
    except LtemLiveError as error:
        sys.exit(str(error))
    accuracy = phase_accuracy(phase_rad, truth_rad)
    row = {
        "result": str(options.result),
        "phase": accuracy.phase,
        "gradient": accuracy.gradient,
        "slope": accuracy.slope,
        "rms rad": accuracy.rms_rad,
    }
    report([row], options.json)


if __name__ == "__main__":
    main()
