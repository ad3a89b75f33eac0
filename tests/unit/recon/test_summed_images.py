"""Images that no formula made: what the solver finds in a sum over tilts and foci."""

import pytest

from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

DEFOCI_NM = (0.0, -4e5, 4e5, -2e6, 2e6)
WIDE = {"period_nm": 320.0, "wall_width_nm": 60.0, "thickness_nm": 40.0}


@pytest.mark.parametrize(
    "specimen",
    [
        {"kind": "resolution_target"},
        {"kind": "vortex_discs", "period_nm": 400.0, "diameter_nm": 300.0},
        {"kind": "labyrinth"} | WIDE,
        {"kind": "skyrmion_lattice"} | WIDE,
    ],
    ids=lambda specimen: specimen["kind"],
)
def test_a_phase_behind_tilts_and_pixels_that_no_formula_knows_is_found(model_of, specimen):
    # Pixels of 20 nm that count what falls on them flatten the phase by some 5 %.
    document = {
        "specimen": {"size_px": 64} | specimen,
        "microscope": {
            "pixel_nm": 20.0,
            "border": "periodic",
            "convergence_mrad": 0.03,
            "defocus_spread_nm": 500.0,
            "spherical_aberration_nm": 1e6,
        },
        "imaging": {"model": "incoherent"},
        "defocus_nm": DEFOCI_NM,
        "noise": {"level": 0.05},
    }
    acquisition = Acquisition(Scenario.model_validate(document))
    model = model_of(acquisition)
    state = cold_start(model.series, SolverSettings())
    while state.steps < 120 and not state.is_converged:
        state, _ = refine(state, model.series, 20)
    found = model.field.crop(state.phase.numpy())
    accuracy = phase_accuracy(found, acquisition.truth_phase_rad)
    assert accuracy.phase > 0.97
    assert accuracy.gradient > 0.97
    assert accuracy.slope == pytest.approx(1.0, abs=0.08)
