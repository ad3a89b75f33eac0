"""Give the solver series with wrong frames; say which it finds, and what they have cost.

10 % noise, images summed over tilts and focus as a microscope forms them, default settings.

``sign``: five planes, the sign of one defocus reversed, another one with each seed, and the
same series with all signs right. ``named`` counts the series in which that frame and no
other was named, ``false alarms`` the right series in which any was.

``aside``: eight planes, of which one shows another state of the sample (its middle is
another one), one shows no sample, and one is clipped at its brightest tenth; which ones,
the seed says. ``named`` counts the frames set aside for the right reason, ``false alarms``
the others set aside. ``without`` is the series of the others alone.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from alignment_table import (
    NOISE,
    PLANES_MM,
    SAMPLES,
    accuracy_figures,
    sample_of,
)
from contest import model_of
from paper_series import NM_PER_MM
from reporting import Row, parser, report
from scipy.ndimage import gaussian_filter

from ltemlive.recon.arrival import first_looked
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.solver import cold_start
from ltemlive.settings import SolverSettings
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel
    from ltemlive.series import Microscope
    from simulator.specimens import Specimen

SETTINGS = SolverSettings()
CHANGED_PART = 0.3
"""Side of the part that another state changes, of the frame's side."""
REASONS = {"state": "shows another state", "blank": "blank", "saturated": "saturated"}


def main() -> None:
    """Print one line for each sample and kind of fault."""
    arguments = parser(__doc__)
    arguments.add_argument("--samples", choices=SAMPLES, nargs="+", default=list(SAMPLES))
    arguments.add_argument("--sign-seeds", type=int, default=20, metavar="N")
    arguments.add_argument("--aside-seeds", type=int, default=3, metavar="N")
    options = arguments.parse_args()
    rows = []
    for sample in options.samples:
        if options.sign_seeds:
            rows.append(_signs(sample, options.sign_seeds))
        if options.aside_seeds:
            rows.extend(_asides(sample, options.aside_seeds))
    report(rows, options.json)


def _signs(sample: str, n_seeds: int) -> Row:
    n_named = n_alarms = 0
    planes_nm = NM_PER_MM * np.array(PLANES_MM[5])
    for seed in range(1, n_seeds + 1):
        specimen, optics = sample_of(sample, seed)
        images = _images(specimen, optics, planes_nm, seed)
        wrong = 1 + seed % (len(planes_nm) - 1)
        stated_nm = planes_nm.copy()
        stated_nm[wrong] *= -1.0
        n_named += _named_signs(model_of(images, list(stated_nm), optics)) == [wrong]
        n_alarms += _named_signs(model_of(images, list(planes_nm), optics)) != []
    row = {"sample": sample, "fault": "sign", "named": f"{n_named} of {n_seeds}"}
    return {**row, "false alarms": str(n_alarms)}


def _named_signs(model: SeriesModel) -> list[int]:
    looked = first_looked(model, SETTINGS)
    return [member.seq for member in looked.members if member.sign < 0]


def _asides(sample: str, n_seeds: int) -> list[Row]:
    figures: dict[str, list[dict[str, float]]] = {"aside": [], "without": []}
    n_named = n_alarms = 0
    planes_nm = NM_PER_MM * np.array(PLANES_MM[8])
    for seed in range(1, n_seeds + 1):
        specimen, optics = sample_of(sample, seed)
        truth_rad = specimen.frame_of(specimen.phase_rad).astype(np.float32)
        images = _images(specimen, optics, planes_nm, seed)
        faults = _faults(seed, len(planes_nm))
        wrong = _with_faults(images, faults, specimen, optics, planes_nm, seed)
        model, scored = _solved(model_of(wrong, list(planes_nm), optics), truth_rad)
        figures["aside"].append(scored)
        found = dict(model.set_aside)
        named = [
            fault
            for fault, index in faults.items()
            if found.get(index, "").startswith(REASONS[fault])
        ]
        n_named += len(named)
        n_alarms += len(found.keys() - set(faults.values()))
        good = [k for k in range(len(planes_nm)) if k not in faults.values()]
        alone = model_of([images[k] for k in good], [planes_nm[k] for k in good], optics)
        figures["without"].append(_solved(alone, truth_rad)[1])
    counts = {"named": f"{n_named} of {3 * n_seeds}", "false alarms": str(n_alarms)}
    return [
        {"sample": sample, "fault": name, **(counts if name == "aside" else {}), **medians}
        for name, medians in ((name, _medians(each)) for name, each in figures.items())
    ]


def _faults(seed: int, n_planes: int) -> dict[str, int]:
    """Return which defocused frame has which fault."""
    rng = np.random.default_rng([seed, 4])
    chosen = rng.choice(np.arange(1, n_planes), len(REASONS), replace=False)
    return {fault: int(index) for fault, index in zip(REASONS, chosen, strict=True)}


def _images(
    specimen: Specimen, optics: Microscope, planes_nm: NDArray[np.float64], seed: int
) -> list[NDArray[np.float32]]:
    microscope = VirtualMicroscope(specimen, optics, Detector(), workers=2)
    noise = np.random.default_rng([seed, len(planes_nm)])
    return [_noisy(microscope.image(value), noise) for value in planes_nm]


def _noisy(image: NDArray[Any], noise: np.random.Generator) -> NDArray[np.float32]:
    root = np.sqrt(image) + 0.5 * NOISE * noise.standard_normal(image.shape)
    return np.asarray(np.maximum(root, 0.0) ** 2, np.float32)


def _with_faults(
    images: list[NDArray[np.float32]],
    faults: dict[str, int],
    specimen: Specimen,
    optics: Microscope,
    planes_nm: NDArray[np.float64],
    seed: int,
) -> list[NDArray[np.float32]]:
    noise = np.random.default_rng([seed, 5])
    wrong = list(images)
    changed = VirtualMicroscope(_changed(specimen), optics, Detector(), workers=2)
    wrong[faults["state"]] = _noisy(changed.image(planes_nm[faults["state"]]), noise)
    wrong[faults["blank"]] = _noisy(np.ones_like(images[0]), noise)
    bright = images[faults["saturated"]]
    wrong[faults["saturated"]] = np.minimum(bright, np.quantile(bright, 0.9))
    return wrong


def _changed(specimen: Specimen) -> Specimen:
    """Return the specimen with another one in its middle: itself, turned by half a turn."""
    phase_rad = specimen.phase_rad
    inside = np.zeros(phase_rad.shape)
    inside[
        tuple(
            slice(side // 2 - width // 2, side // 2 + width // 2)
            for side, width in zip(
                phase_rad.shape,
                (int(CHANGED_PART * side) for side in phase_rad.shape),
                strict=True,
            )
        )
    ] = 1.0
    inside = gaussian_filter(inside, 6.0)
    turned = phase_rad[::-1, ::-1]
    mixed = phase_rad * (1.0 - inside) + turned * inside
    return replace(specimen, phase_rad=mixed.astype(phase_rad.dtype))


def _solved(
    model: SeriesModel, truth_rad: NDArray[np.float32]
) -> tuple[SeriesModel, dict[str, float]]:
    model = first_looked(model, SETTINGS)
    state = cold_start(model.series, SETTINGS)
    while state.steps_since_begun < SETTINGS.max_steps and not state.is_converged:
        left = SETTINGS.max_steps - state.steps_since_begun
        model, state, _ = refine_jointly(model, state, left)
    return model, accuracy_figures(model, state, truth_rad)


def _medians(figures: list[dict[str, float]]) -> Row:
    return {
        key: f"{statistics.median(each[key] for each in figures):.4f}" for key in figures[0]
    }


if __name__ == "__main__":
    main()
