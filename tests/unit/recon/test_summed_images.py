"""Images that no formula made: what the solver finds in a sum over tilts and foci."""

import pytest

from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario

DEFOCI_NM = (0.0, -4e5, 4e5, -2e6, 2e6)
WIDE = {"period_nm": 320.0, "wall_width_nm": 60.0, "thickness_nm": 40.0}


@pytest.fixture
def accuracy_of(model_of):
    """Return a way to score what is found of a specimen in pixels of 20 nm."""

    def scored(specimen, *, camera_mtf=1.0, **optics):
        document = {
            "specimen": {"size_px": 64} | specimen,
            "microscope": {
                "pixel_nm": 20.0,
                "border": "periodic",
                "convergence_mrad": 0.03,
                "defocus_spread_nm": 500.0,
                "spherical_aberration_nm": 1e6,
            }
            | optics,
            "imaging": {"model": "incoherent"},
            "camera": {"mtf": camera_mtf},
            "defocus_nm": DEFOCI_NM,
            "noise": {"level": 0.05},
        }
        acquisition = Acquisition(Scenario.model_validate(document))
        model = model_of(acquisition)
        state = cold_start(model.series, SolverSettings())
        while state.steps < 120 and not state.is_converged:
            state, _ = refine(state, model.series, 20)
        found = model.field.crop(state.phase.numpy())
        return phase_accuracy(found, acquisition.truth_phase_rad)

    return scored


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
def test_a_phase_behind_tilts_and_pixels_that_no_formula_knows_is_found(
    accuracy_of, specimen
):
    # Pixels of 20 nm that count what falls on them flatten the phase by some 5 %.
    accuracy = accuracy_of(specimen)
    assert accuracy.phase > 0.97
    assert accuracy.gradient > 0.97
    assert accuracy.slope == pytest.approx(1.0, abs=0.08)


def test_what_a_camera_blurs_is_not_blurred_where_that_is_told(accuracy_of):
    # Two points to a pixel leave .92 of a wave of four pixels, and light that spreads .6.
    discs = {"kind": "vortex_discs", "period_nm": 400.0, "diameter_nm": 300.0}
    told = accuracy_of(discs, camera_mtf=0.6, detector_mtf=0.55)
    untold = accuracy_of(discs, camera_mtf=0.6)
    assert told.gradient > untold.gradient + 0.015
    assert abs(told.slope - 1.0) < abs(untold.slope - 1.0) - 0.02
