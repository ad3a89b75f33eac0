"""The paper's Fig. 5: how accurate two images are, and how stable, pair by pair of defocus.

The paper's recipe runs for 500 iterations there, here for so many at most. Stable is a pair
whose phase goes on towards the truth, unstable one whose phase turns away from it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from contest import looks, model_of
from paper_series import NM_PER_MM, noisy_images

from ltemlive.physics.accuracy import phase_accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contest import Method
    from numpy.typing import NDArray
    from reporting import Row

    from ltemlive.recon.model import SeriesModel
    from ltemlive.series import Microscope
    from simulator.microscope import VirtualMicroscope

NOISE = 0.1
"""Of the intensity."""
RECIPE_EVALUATIONS = 500
METHODS: tuple[Method, ...] = ("ltemlive", "paper")


def pair_rows(
    microscope: VirtualMicroscope,
    optics: Microscope,
    truth_rad: NDArray[np.float32],
    defocus_mm: Sequence[float],
    seed: int,
) -> list[Row]:
    """Return one row for each pair and method; an image in focus goes with each pair."""
    rows: list[Row] = []
    for one, other in itertools.combinations(sorted(defocus_mm), 2):
        defocus_nm = (0.0, one * NM_PER_MM, other * NM_PER_MM)
        rng = np.random.default_rng(seed)
        images = noisy_images(microscope, defocus_nm, NOISE, rng)
        model = model_of(images, defocus_nm, optics)
        for method in METHODS:
            row: Row = {"series": f"{one:g} {other:g}", "method": method}
            rows.append(row | _figures(method, model, truth_rad))
    return rows


def _figures(method: Method, model: SeriesModel, truth_rad: NDArray[np.float32]) -> Row:
    """Return the last accuracy, and how much it lost since it was best."""
    found = []
    for look in looks(method, model):
        found.append((phase_accuracy(look.phase_rad, truth_rad), look.evaluations))
        if method == "paper" and look.evaluations >= RECIPE_EVALUATIONS:
            break
    last, _ = found[-1]
    best, at = max(found, key=lambda each: each[0].phase)
    return {
        "phase": f"{last.phase:.4f}",
        "gradient": f"{last.gradient:.4f}",
        "lost since best": f"{best.phase - last.phase:.4f}",
        "best after": at,
        "gradients": found[-1][1],
    }
