from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ltemlive.errors import ConfigError
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario, load_scenario

DEMO = Path(__file__).parents[3] / "config" / "demo.yaml"


def test_the_demo_file_spells_the_defaults():
    assert load_scenario(DEMO) == Scenario()


def test_the_demo_file_names_every_key():
    def keys(document, prefix=""):
        for name, value in document.items():
            yield prefix + name
            if isinstance(value, dict):
                yield from keys(value, f"{prefix}{name}.")

    spelt = load_scenario(DEMO).model_dump(exclude_unset=True)
    assert set(keys(spelt)) == set(keys(Scenario().model_dump()))


def test_no_file_means_the_demo():
    assert load_scenario(None) == Scenario()


def test_every_error_comes_at_once_with_file_and_key(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "specimen: {size_px: 4}\n"
        "noise: {kind: pink}\n"
        "defocus_nm: []\n"
        "microscope: {voltage_kv: 200, defokus: 1}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{path}: ") for line in lines)
    for key in ("specimen.size_px", "noise.kind", "defocus_nm", "microscope.defokus"):
        assert any(f": {key}: " in line for line in lines)


def test_pixels_that_cannot_show_the_specimen_are_told_with_the_file(tmp_path):
    path = tmp_path / "coarse.yaml"
    path.write_text("specimen: {kind: labyrinth}\nmicroscope: {pixel_nm: 100.0}\n")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    lines = str(caught.value).splitlines()
    assert [line.split(": expected")[0] for line in lines] == [
        f"{path}: specimen.{key}" for key in ("period_nm", "wall_width_nm")
    ]


def test_integer_pixels_need_counted_electrons(tmp_path):
    path = tmp_path / "integers.yaml"
    path.write_text("pixel_type: <u2\n")
    with pytest.raises(ConfigError, match=r"pixel_type: expected <f4.*got '<u2'"):
        load_scenario(path)
    path.write_text("pixel_type: <u2\nnoise: {kind: poisson}\n")
    assert load_scenario(path).pixel_type == "<u2"


def test_what_corrects_frames_follows_from_what_spoils_them():
    with pytest.raises(ValidationError, match="section camera of the scenario"):
        Scenario.model_validate({"microscope": {"camera": {"binning": 2}}})


def test_wrong_keys_of_every_section_are_told_at_once(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "imaging: {aperture_mrad: 0.1, oversampling: 0}\n"
        "camera: {mtf: 2, gain: 0.1}\n"
        "stage: {walk_px: -1, domains_jump_at: 0}\n"
        "defocus_nm: [0, 1000]\n"
        "defocus_plan: {kind: cubic}\n"
        "session: {series_count: 0}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    lines = str(caught.value).splitlines()
    expected = {
        "imaging.aperture_mrad": "imaging.model: incoherent",
        "imaging.oversampling": "greater than or equal to 1",
        "camera.mtf": "less than or equal to 1",
        "camera.gain": "expected one of: mtf, ",
        "stage.walk_px": "greater than or equal to 0",
        "stage.domains_jump_at": "greater than or equal to 1",
        "defocus_plan.kind": "'linear', 'quadratic', 'geometric' or 'hybrid'",
        "session.series_count": "greater than or equal to 1",
    }
    assert len(lines) == len(expected)
    for key, remedy in expected.items():
        assert any(
            line.startswith(f"{path}: {key}: ") and remedy in line for line in lines
        ), key


@pytest.mark.parametrize(
    ("stage", "strongest_nm"),
    [
        ({"magnification_per_mm": 0.1}, -1.0e7),
        ({"magnification_per_mm": -0.1}, 9.5e6),
        ({"magnification_per_mm": 0.1, "defocus_scale": 10.0}, -1.0e6),
        ({"magnification_per_mm": 0.1, "defocus_offset_nm": -9.0e6}, -1.0e6),
        ({"magnification_per_mm": 0.1, "defocus_scatter": 1.0}, -2.0e6),
        ({"magnification_per_mm": 0.1, "magnification_scatter": 0.1}, -7.0e6),
    ],
)
def test_an_image_that_would_shrink_to_nothing_is_refused(tmp_path, stage, strongest_nm):
    path = tmp_path / "small.yaml"
    path.write_text(f"defocus_nm: [0, {strongest_nm}]\nstage: {stage}\n")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    (line,) = str(caught.value).splitlines()
    remedy = re.search(r"expected magnification_per_mm within ([0-9.e-]+) of 0", line)
    assert line.startswith(f"{path}: stage: ")
    allowed = np.copysign(float(remedy[1]), stage["magnification_per_mm"])
    stage = stage | {"magnification_per_mm": float(allowed)}
    path.write_text(f"defocus_nm: [0, {strongest_nm}]\nstage: {stage}\n")
    for seed in range(20):
        plan = load_scenario(path).model_copy(update={"seed": seed})
        assert all(truth.magnification > 0.0 for truth in Acquisition(plan).truths())


def test_an_image_may_grow_as_much_as_it_likes(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("defocus_nm: [1.0e8]\nstage: {magnification_per_mm: 0.1}\n")
    assert load_scenario(path)


def test_a_plan_and_a_list_of_defoci_exclude_each_other(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text("defocus_nm: [0, 1000]\ndefocus_plan: {kind: linear}\n")
    with pytest.raises(ConfigError, match="defocus_plan: expected null beside a list"):
        load_scenario(path)
    path.write_text("defocus_plan: {kind: linear, planes_per_side: 2}\n")
    assert len(load_scenario(path).plan_nm) == 5


def test_what_changes_has_to_be_there(tmp_path):
    path = tmp_path / "wedge.yaml"
    path.write_text(
        "specimen: {kind: wedge}\n"
        "session: {series_count: 2, changes: reversal}\n"
        "stage: {domains_jump_at: 2}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    session, stage = str(caught.value).splitlines()
    assert (
        "session: expected changes: reversal only with specimen.kind labyrinth" in session
    )
    assert "stage: expected domains_jump_at only with specimen.kind labyrinth" in stage


@pytest.mark.parametrize("kind", ["random_field", "skyrmion_lattice"])
def test_what_has_no_domain_to_reverse_is_refused(kind):
    document = {"specimen": {"kind": kind}, "stage": {"domains_jump_at": 2}}
    with pytest.raises(ValidationError, match="domains_jump_at only with"):
        Scenario.model_validate(document)
