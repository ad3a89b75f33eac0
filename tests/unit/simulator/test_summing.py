"""More images than a frame is worth are refused, with a limit that holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ltemlive.errors import ConfigError
from ltemlive.physics.electron import wavelength_nm
from simulator.cone import tilts, widest_step_rad
from simulator.foci import foci
from simulator.scenario import Scenario, load_scenario
from simulator.summing import MOST_IMAGES

SUMMED = {"model": "incoherent"}
FILES = sorted((Path(__file__).parents[3] / "config" / "scenarios").glob("*.yaml"))
CONE, SPREAD = "convergence_mrad", "defocus_spread_nm"


def refused(optics, imaging=SUMMED, **document):
    """Return what is said of each key of the microscope."""
    try:
        Scenario.model_validate({"microscope": optics, "imaging": imaging} | document)
    except ValidationError as wrong:
        return {error["loc"][1]: error["msg"] for error in wrong.errors()}
    return {}


def limit(message):
    return float(re.match(r"at most ([0-9.e+-]+) \(", message)[1])


def n_images(scenario):
    optics, imaging = scenario.microscope, scenario.imaging
    strongest_nm = max(map(abs, scenario.plan_nm))
    step_rad = widest_step_rad(optics, imaging, strongest_nm)
    seen = foci(
        optics.defocus_spread_nm,
        pixel_nm=optics.pixel_nm / imaging.oversampling,
        wavelength_nm=wavelength_nm(optics.voltage_kv),
    )
    return len(seen) * len(tilts(optics.convergence_mrad, step_rad=step_rad))


def test_a_wide_beam_far_from_focus_is_refused_in_one_line(tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text(
        "microscope: {convergence_mrad: 10, pixel_nm: 5}\n"
        "imaging: {model: incoherent}\n"
        "defocus_nm: [0, 1600000]\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert str(caught.value) == (
        f"{path}: microscope.convergence_mrad: expected at most 0.2137 (at a defocus of "
        "1.6e+06 nm), or weaker defocus and aberrations, wider pixels or a wider "
        "imaging.tilt_step_px, so that 40000 images do for one defocus, got 10.0"
    )


@given(
    st.floats(0.0, 10.0),
    st.floats(0.0, 1e6),
    st.floats(1e-3, 50.0),
    st.floats(0.0, 1e9),
    st.integers(1, 8),
)
def test_whoever_obeys_the_limits_may_go_on(cone_mrad, spread_nm, pixel_nm, far_nm, finer):
    imaging = SUMMED | {"oversampling": finer}
    optics = {"pixel_nm": pixel_nm, CONE: cone_mrad, SPREAD: spread_nm}
    said = refused(optics, imaging, defocus_nm=[far_nm])
    assert set(said) <= {CONE, SPREAD}
    told = {key: limit(message) for key, message in said.items()}
    assert all(0.0 < most < optics[key] for key, most in told.items())
    document = {"imaging": imaging, "defocus_nm": [far_nm]}
    allowed = Scenario.model_validate(document | {"microscope": optics | told})
    assert n_images(allowed) <= MOST_IMAGES
    if told:  # no lower than need be
        assert n_images(allowed) > 0.9 * MOST_IMAGES
    if len(told) == 1:
        ((key, most),) = told.items()
        assert set(refused(optics | {key: 1.1 * most}, imaging, defocus_nm=[far_nm])) == {
            key
        }


@pytest.mark.parametrize(
    ("imaging", "grid_nm"), [({}, "0.001"), (SUMMED | {"oversampling": 4}, "0.00025")]
)
def test_a_spread_that_takes_too_many_foci_is_told_what_widens_the_limit(imaging, grid_nm):
    optics = {"pixel_nm": 0.001, SPREAD: 50.0, CONE: 0.0}
    said = refused(optics, imaging)[SPREAD]
    assert f"(on a grid of {grid_nm} nm), or wider pixels" in said
    assert ("less imaging.oversampling" in said) == bool(imaging)


def test_an_envelope_on_the_wave_adds_up_nothing():
    optics = {"pixel_nm": 0.01, SPREAD: 1e6, CONE: 10.0, "coherence": "wave"}
    assert refused(optics, {}) == {}
    assert set(refused(optics)) == {CONE, SPREAD}


def test_a_blur_of_the_image_takes_no_tilts():
    assert refused({CONE: 10.0}, {}) == {}


@pytest.mark.parametrize(
    "further",
    [
        {"stage": {"defocus_scale": 10.0}},
        {"stage": {"defocus_offset_nm": -1e7}},
        {"stage": {"defocus_scatter": 1.0}},
        {"defocus_plan": {"kind": "linear", "strongest_nm": 1e7}},
    ],
)
def test_the_defocus_that_counts_is_the_strongest_that_a_frame_may_have(further):
    optics = {CONE: 0.1}
    assert refused(optics) == {}
    assert set(refused(optics, **further)) == {CONE}


@pytest.mark.parametrize(
    "wrong",
    [
        {"defocus_nm": ["far"]},
        {"defocus_plan": {"kind": "cubic"}},
        {"stage": {"defocus_scale": 0.0}},
    ],
)
def test_a_wrong_plan_is_told_before_the_images_that_it_takes(wrong):
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate({"microscope": {CONE: 10.0}, "imaging": SUMMED} | wrong)
    assert {error["loc"][0] for error in caught.value.errors()} == set(wrong)


def test_what_pixels_of_next_to_nothing_take_is_not_counted():
    assert set(refused({"pixel_nm": 1e-200})) == {"pixel_nm"}


def test_the_scenarios_that_come_along_are_far_from_the_limit():
    assert len(FILES) > 10
    for path in FILES:
        assert n_images(load_scenario(path)) < MOST_IMAGES / 100
