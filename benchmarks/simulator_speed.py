"""What a series costs whose images are added up over tilts and foci.

A target of 500 x 500 pixels, 25 planes to +-1.44 mm as in the paper's experiment, on the
grid twice as fine that is the default: CPU time of all threads together, on two of them.
"""

from __future__ import annotations

import time

from reporting import Row, parser, report

from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

PLAN = {"kind": "quadratic", "planes_per_side": 12, "strongest_nm": 1.44e6}
SPREADS_NM = (0.0, 500.0)


def main() -> None:
    """Print one line for each way of forming images."""
    arguments = parser(__doc__)
    arguments.add_argument("--size", type=int, default=500, help="side in pixels")
    options = arguments.parse_args()
    ways = [("envelope", 0.0), *(("incoherent", spread) for spread in SPREADS_NM)]
    rows = [_row(model, spread_nm, options.size) for model, spread_nm in ways]
    report(rows, options.json)


def _row(model: str, spread_nm: float, side_px: int) -> Row:
    document = {
        "specimen": {"size_px": side_px},
        "microscope": {"defocus_spread_nm": spread_nm},
        "imaging": {"model": model},
        "defocus_plan": PLAN,
    }
    acquisition = Acquisition(Scenario.model_validate(document), workers=2)
    _ = acquisition.specimen  # drawn before the clock starts
    began = time.process_time()
    n_frames = sum(1 for _ in acquisition.frames())
    seconds = time.process_time() - began
    return {"imaging": model, "spread nm": spread_nm, "frames": n_frames, "CPU s": seconds}


if __name__ == "__main__":
    main()
