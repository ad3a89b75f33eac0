"""Keys that would do nothing are refused, each with its reason and all at once."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ltemlive.errors import ConfigError
from simulator.scenario import Scenario, load_scenario

NOTHING = {
    "specimen.wall": (
        "{kind: stripe_domains, wall: neel, saturation_t: 0}",
        "saturation_t",
    ),
    "specimen.wall_width_nm": (
        "{kind: labyrinth, wall_width_nm: 40, thickness_nm: 0}",
        "thickness_nm",
    ),
    "microscope.astigmatism_deg": ("{astigmatism_deg: 30}", "astigmatism_nm"),
    "microscope.lens_table": ("{lens_table: [[1, 0], [2, 10]]}", "say their defocus"),
    "imaging.oversampling": ("{oversampling: 3}", "imaging.model: incoherent"),
    "imaging.tilt_step_px": ("{tilt_step_px: 1}", "imaging.model: incoherent"),
    "imaging.aperture_mrad": ("{aperture_mrad: 1}", "imaging.model: incoherent"),
    "imaging.aperture_centre_mrad": ("{aperture_centre_mrad: [0, 1]}", "aperture_mrad"),
    "defocus_plan.weak_nm": (
        "{kind: hybrid, weak_nm: []}",
        "expected at least 1 item, got []",
    ),
    "defocus_plan.strong_nm": (
        "{kind: hybrid, strong_nm: []}",
        "expected at least 1 item, got []",
    ),
    "defocus_plan.planes_per_side": ("{kind: geometric, planes_per_side: 1}", "2 or more"),
    "session.changes": ("{changes: senses}", "series_count"),
    "noise.level": ("{kind: poisson, level: 0.2}", "only gaussian noise"),
    "noise.dose_e_per_px": ("{dose_e_per_px: 9}", "only poisson noise"),
    "camera.mtf_shape": ("{mtf_shape: lorentzian}", "mtf"),
    "stage.jump_at": ("{jump_at: 3}", "jump_px"),
}
"""Keys that would do nothing: how a section has them, and what the remedy names."""


@pytest.mark.parametrize("key", NOTHING)
def test_a_key_that_would_do_nothing_is_refused_with_the_reason(tmp_path, key):
    path = tmp_path / "idle.yaml"
    section, remedy = NOTHING[key]
    path.write_text(f"{key.split('.')[0]}: {section}\n")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: {key}: expected ")
    assert remedy in line


def test_keys_that_would_do_nothing_are_told_at_once(tmp_path):
    path = tmp_path / "idle.yaml"
    sections = {}
    for key, (section, _) in NOTHING.items():
        sections.setdefault(key.split(".")[0], section)
    path.write_text("".join(f"{key}: {text}\n" for key, text in sections.items()))
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert len(str(caught.value).splitlines()) == len(sections)


@pytest.mark.parametrize(
    "document",
    [
        {"noise": {"kind": "poisson", "level": 0.1}},
        {"specimen": {"kind": "labyrinth", "wall": "bloch", "saturation_t": 0.0}},
        {"specimen": {"kind": "nanowire", "saturation_t": 0.0}},
        {"imaging": {"oversampling": 2, "tilt_step_px": 1.5}},
        {"stage": {"jump_at": 1}},
        {"camera": {"mtf_shape": "gaussian"}},
        {"session": {"changes": "nothing"}},
        {"imaging": {"model": "incoherent", "oversampling": 3, "aperture_mrad": 1.0}},
        {"stage": {"jump_px": [1.0, 0.0], "jump_at": 3}},
        {"microscope": {"border": "periodic"}, "specimen": {"margin_px": 0}},
    ],
)
def test_defaults_may_be_spelt_out_and_what_does_something_stands(document):
    assert Scenario.model_validate(document)


@pytest.mark.parametrize(
    ("document", "section", "remedy"),
    [
        (
            {"microscope": {"border": "periodic"}, "specimen": {"margin_px": 9}},
            "microscope",
            "border: free beside specimen.margin_px",
        ),
        (
            {
                "imaging": {"model": "incoherent", "tilt_step_px": 1.0},
                "microscope": {"convergence_mrad": 0.0},
            },
            "imaging",
            "tilt_step_px left out",
        ),
        (
            {
                "session": {"series_count": 2, "changes": "reversal"},
                "specimen": {"saturation_t": 0.0},
            },
            "session",
            "only with specimen.saturation_t",
        ),
        (
            {
                "session": {"series_count": 2, "changes": "reversal"},
                "specimen": {"thickness_nm": 0.0},
            },
            "session",
            "only with specimen.thickness_nm",
        ),
        (
            {"stage": {"domains_jump_at": 2}, "specimen": {"thickness_nm": 0.0}},
            "stage",
            "only with specimen.thickness_nm",
        ),
        (
            {"stage": {"domains_jump_at": 2}, "specimen": {"saturation_t": 0.0}},
            "stage",
            "only with specimen.saturation_t",
        ),
        (
            {"stage": {"jump_px": [1.0, 0.0], "jump_at": 5}},
            "stage",
            "jump_at of at most 4, the last frame",
        ),
        (
            {"stage": {"domains_jump_at": 3}, "defocus_plan": {"planes_per_side": 1}},
            "stage",
            "domains_jump_at of at most 2, the last frame",
        ),
        (
            {"stage": {"domains_jump_at": 1}, "defocus_nm": [0.0]},
            "stage",
            "a series of several frames beside domains_jump_at",
        ),
        (
            {"stage": {"jump_px": [1.0, 0.0]}, "defocus_nm": [0.0]},
            "stage",
            "a series of several frames beside jump_px",
        ),
        ({"faults": {"kill_after": 6}}, "faults", "kill_after of at most 5"),
        (
            {
                "noise": {"kind": "poisson"},
                "camera": {"bit_depth": 12},
                "pixel_type": "|u1",
            },
            "pixel_type",
            "camera.bit_depth of at most 8",
        ),
    ],
)
def test_what_another_section_leaves_without_effect_is_refused(document, section, remedy):
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(document)
    (error,) = caught.value.errors()
    assert error["loc"] == (section,)
    assert remedy in error["msg"]


def test_all_that_one_section_has_without_effect_is_told_in_its_line():
    stage = {"domains_jump_at": 9, "jump_px": [1.0, 0.0], "jump_at": 9}
    document = {"stage": stage, "specimen": {"kind": "wedge"}}
    with pytest.raises(ValidationError, match="only with specimen") as caught:
        Scenario.model_validate(document)
    for key in ("; jump_at of at most 4", "; domains_jump_at of at most 4"):
        assert key in str(caught.value)
