"""What pixels and waves cannot do is refused with the key, and beside every other error."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ltemlive.errors import ConfigError
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.imaging import Imaging
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario, load_scenario
from simulator.specimens import Specimen

SUMMED = {"model": "incoherent"}


def refusals(**document):
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(document)
    return {".".join(error["loc"]): error["msg"] for error in caught.value.errors()}


def said(document, key):
    """Return what is said of a key; nothing if it stands."""
    try:
        Scenario.model_validate(document)
    except ValidationError as wrong:
        told = {".".join(map(str, error["loc"])): error["msg"] for error in wrong.errors()}
        return told.get(key, "")
    return ""


def remedy(message, words):
    """Return the value that a message says would do."""
    return float(re.search(rf"{words} ([0-9.e+-]+)", message)[1].rstrip("."))


def image(imaging, specimen=None, **optics):
    stated = {"voltage_kv": 200.0, "pixel_nm": 5.0, "convergence_mrad": 0.0} | optics
    if specimen is None:
        phase_rad = np.random.default_rng(1).normal(size=(64, 64))
        specimen = Specimen(phase_rad, np.ones_like(phase_rad), 5.0, margin_px=0)
    column = VirtualMicroscope(
        specimen,
        Microscope.model_validate(stated),
        Detector(),
        imaging=Imaging.model_validate(imaging),
    )
    return column.image(1e5)


def test_what_pixels_cannot_show_is_told_beside_every_other_error(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "specimen: {kind: labyrinth, wall_width_nm: 8}\n"
        "microscope: {pixel_nm: 10.0, defocus_spread_nm: 1000000.0}\n"
        "imaging: {model: incoherent, aperture_mrad: 50}\n"
        "noise: {kind: poisson, level: 0.2}\n"
        "stage: {domains_jump_at: 9}\n"
        "series: ''\n"
        "sample: 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert sorted(keys) == [
        "imaging.aperture_mrad",
        "noise.level",
        "sample",
        "series",
        "specimen.wall_width_nm",
        "stage",
    ]


def test_a_section_with_another_mistake_is_judged_when_that_is_mended():
    said = refusals(
        specimen={"kind": "labyrinth", "colour": "red"}, microscope={"pixel_nm": 100.0}
    )
    assert set(said) == {"specimen.colour"}


def test_pixels_too_wide_for_the_pattern_are_refused_with_the_width_that_would_do():
    specimen = {"kind": "labyrinth"}
    said = refusals(specimen=specimen, microscope={"pixel_nm": 100.0})
    assert said == {
        "specimen.period_nm": (
            "at least 400 (4 x pixel_nm), or microscope.pixel_nm of at most 60"
        ),
        "specimen.wall_width_nm": (
            "at least 100 (1 x pixel_nm), or microscope.pixel_nm of at most 30"
        ),
    }
    assert Scenario.model_validate({"specimen": specimen, "microscope": {"pixel_nm": 30.0}})


def test_a_period_that_does_not_fit_the_frame_is_refused():
    specimen = {"kind": "skyrmion_lattice", "size_px": 48, "period_nm": 400.0}
    (said,) = refusals(specimen=specimen, microscope={"pixel_nm": 8.0}).values()
    assert said.startswith("at most 384 (the frame's side), or ")
    wider = {"size_px": remedy(said, "size_px of at least")}
    assert Scenario.model_validate(
        {"specimen": specimen | wider, "microscope": {"pixel_nm": 8.0}}
    )


def test_walls_that_do_not_show_may_be_finer_than_pixels():
    specimen = {"kind": "labyrinth", "saturation_t": 0.0}
    assert Scenario.model_validate({"specimen": specimen, "microscope": {"pixel_nm": 40.0}})


@pytest.mark.parametrize("centre", [[0.0, 0.0], [0.3, -0.4]])
@pytest.mark.parametrize("optics", [{}, {"convergence_mrad": 0.2}])
def test_an_aperture_that_stops_no_wave_is_refused(centre, optics):
    aperture = {"aperture_mrad": 50.0, "aperture_centre_mrad": centre}
    told = refusals(imaging=SUMMED | aperture, microscope=optics)
    assert "or it left out" in told["imaging.aperture_mrad"]
    too_wide_mrad = 1.001 * remedy(told["imaging.aperture_mrad"], "less than")
    assert refusals(
        imaging=SUMMED | aperture | {"aperture_mrad": too_wide_mrad}, microscope=optics
    )
    too_wide = aperture | {"aperture_mrad": too_wide_mrad}
    open_image = image(SUMMED, **optics)
    np.testing.assert_array_equal(image(SUMMED | too_wide, **optics), open_image)
    narrower = aperture | {"aperture_mrad": 0.9 * too_wide_mrad}
    assert Scenario.model_validate({"imaging": SUMMED | narrower, "microscope": optics})
    if not optics:
        assert np.abs(image(SUMMED | narrower, **optics) - open_image).max() > 1e-5


@pytest.mark.parametrize("convergence_mrad", [0.0, 0.01])
def test_an_aperture_that_stops_all_of_the_undeviated_beam_is_refused(convergence_mrad):
    optics = {"convergence_mrad": convergence_mrad}
    beside = {"aperture_mrad": 0.02, "aperture_centre_mrad": [0.06, 0.08]}
    told = refusals(imaging=SUMMED | beside, microscope=optics)["imaging.aperture_mrad"]
    assert "nothing of the undeviated beam passes" in told
    bare = Specimen(np.zeros((32, 32)), np.ones((32, 32)), 5.0, margin_px=0)
    assert image(SUMMED | beside, bare, **optics).max() < 1e-9
    wider = beside | {"aperture_mrad": 1.1 * remedy(told, "at least")}
    assert image(SUMMED | wider, bare, **optics).max() > 1e-5


@given(
    st.floats(1e-3, 100.0), st.floats(0.0, 1.0), st.tuples(*2 * [st.floats(-30.0, 30.0)])
)
def test_an_aperture_within_the_limit_that_was_told_stands(pixel_nm, mrad, centre):
    optics = {"pixel_nm": pixel_nm, "convergence_mrad": mrad}
    for radius_mrad, words in ((100.0, "less than"), (1e-3, "at least")):
        imaging = SUMMED | {"aperture_mrad": radius_mrad, "aperture_centre_mrad": centre}
        message = said({"imaging": imaging, "microscope": optics}, "imaging.aperture_mrad")
        if words in message:
            told_mrad = remedy(message, words)
            is_below = words == "less than"
            imaging["aperture_mrad"] = (
                math.nextafter(told_mrad, 0.0) if is_below else told_mrad
            )
            again = said(
                {"imaging": imaging, "microscope": optics}, "imaging.aperture_mrad"
            )
            assert words not in again


@given(st.floats(1.0, 1e3), st.sampled_from([1.0, 1e5]))
def test_a_period_within_the_limit_that_was_told_stands(pixel_nm, period_nm):
    specimen = {"kind": "labyrinth", "size_px": 64, "wall_width_nm": 0.5}
    specimen["period_nm"] = period_nm
    optics, key = {"pixel_nm": pixel_nm}, "specimen.period_nm"
    message = said({"specimen": specimen, "microscope": optics}, key)
    specimen["period_nm"] = remedy(message, "^at (?:least|most)")
    assert said({"specimen": specimen, "microscope": optics}, key) == ""
    if "microscope.pixel_nm" in message:
        specimen["period_nm"] = period_nm
        optics["pixel_nm"] = remedy(message, "pixel_nm of at most")
        assert said({"specimen": specimen, "microscope": optics}, key) == ""


def test_an_aperture_that_lets_the_edge_of_the_beam_through_stands():
    imaging = SUMMED | {"aperture_mrad": 0.09, "aperture_centre_mrad": [0.06, 0.08]}
    assert Scenario.model_validate({"imaging": imaging})
    assert refusals(imaging=imaging, microscope={"convergence_mrad": 0.0})
