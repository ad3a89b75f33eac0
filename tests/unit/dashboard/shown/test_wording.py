from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.dashboard.shown import wording
from ltemlive.events import PhaseSigmas


@pytest.mark.parametrize(
    ("length_nm", "text"),
    [(0.5, "0.5 nm"), (640.0, "640 nm"), (1280.0, "1.28 \u00b5m"), (2.5e9, "2500 mm")],
)
def test_a_length_is_written_in_the_unit_that_suits_it(length_nm, text):
    assert wording.length_text(length_nm).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("defocus_nm", "text"),
    [(-1_600_000.0, "\u22121600"), (150_000.0, "+150"), (0.0, "0"), (None, "\u2013")],
)
def test_a_defocus_is_written_in_um_with_its_sign(defocus_nm, text):
    assert wording.defocus_text(defocus_nm) == text


@pytest.mark.parametrize(
    ("used_nm", "text"),
    [
        (None, "+150"),
        (151_000.0, "+150"),
        (158_300.0, "+150 \u2192 +158.3"),
        (-150_000.0, "+150 \u2192 \u2212150"),
    ],
)
def test_a_defocus_that_is_used_otherwise_than_stated_shows_both(used_nm, text):
    assert wording.defocus_text(150_000.0, used_nm) == text


@pytest.mark.parametrize(
    ("age_s", "text"),
    [
        (None, "\u2013"),
        (0.84, "0.8 s"),
        (12.3, "12 s"),
        (90.0, "1 min"),
        (7500.0, "2 h 5 min"),
    ],
)
def test_an_age_is_no_more_precise_than_anybody_needs(age_s, text):
    assert wording.age_text(age_s).replace("\u202f", " ") == text


def test_how_sure_a_phase_is_has_two_digits_and_nobody_knows_is_a_dash():
    sigmas = PhaseSigmas(0.05321, 0.001, 1.2)
    assert wording.sigma_text(sigmas).replace("\u202f", " ") == "\u00b10.053 rad"
    assert "0.10" in wording.sigma_text(sigmas._replace(phase_rad=0.1))
    assert "12\u202f" in wording.sigma_text(sigmas._replace(phase_rad=12.0))
    assert wording.sigma_text(None) == wording.NOTHING


@given(st.floats(1e-3, 1e9))
def test_the_scale_bar_is_round_and_takes_at_least_two_fifths_of_its_place(at_most_nm):
    length_nm = wording.nice_length_nm(at_most_nm)
    assert 0.399 * at_most_nm < length_nm <= at_most_nm
    assert f"{length_nm:.6e}"[0] in "125"


def test_a_long_text_is_cut_and_says_so():
    assert wording.shortened("short", 5) == "short"
    assert wording.shortened("a longer text", 8) == "a longe\u2026"


@pytest.mark.parametrize(
    ("b_y", "b_x", "angle"), [(0, 1, "0"), (-1, 0, "90"), (0, -1, "180"), (1, 0, "270")]
)
def test_the_read_out_gives_the_direction_as_it_looks_on_screen(b_y, b_x, angle):
    induction = np.zeros((2, 4, 6), np.float32)
    induction[:, 1, 5] = b_y, b_x
    phase = np.zeros((4, 6), np.float32)
    phase[1, 5] = -1.25
    maps = SimpleNamespace(
        pixel_nm=10.0,
        phase_rad=phase,
        gradient_rad_per_nm=phase + 2,
        induction_t_nm=induction,
    )
    reading = wording.read_out(maps, y_nm=19.9, x_nm=50.0)
    assert reading.phase == "\u22121.250 rad"
    assert reading.induction == f"1 T nm at {angle}\u00b0"
    assert "50" in reading.position


@pytest.mark.parametrize(("y_nm", "x_nm"), [(-0.1, 5), (5, -0.1), (40, 5), (5, 60)])
def test_outside_the_map_there_is_nothing_to_read(y_nm, x_nm):
    maps = SimpleNamespace(pixel_nm=10.0, phase_rad=np.zeros((4, 6), np.float32))
    assert wording.read_out(maps, y_nm=y_nm, x_nm=x_nm) is None


def test_a_shift_has_its_signs_and_a_fit_no_more_digits_than_it_deserves():
    assert wording.shift_text((-12.34, 0.06)) == "\u221212.3, +0.1"
    assert wording.fit_text(0.976) == "0.98"
    assert wording.fit_text(31.0) == "10+"
    assert wording.shift_text(None) == wording.fit_text(None) == wording.NOTHING


@pytest.mark.parametrize(
    ("angle_deg", "text"), [(0.0, "0\u00b0"), (44.6, "45\u00b0"), (359.7, "0\u00b0")]
)
def test_directions_go_once_round(angle_deg, text):
    assert wording.angle_text(angle_deg) == text


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0123456, "\u22120.01235 rad"), (float("nan"), "\u2013")]
)
def test_a_value_has_four_digits_and_its_unit(value, text):
    assert wording.value_text(value, "rad").replace("\u202f", " ") == text


def test_a_thickness_turns_t_nm_into_millitesla():
    assert wording.induction_text(65.82) == "65.8 T nm"
    assert wording.induction_text(65.82, thickness_nm=20.0) == "3290 mT"
    assert wording.induction_text(0.01234, thickness_nm=20.0) == "0.617 mT"


def test_a_pixel_without_a_value_reads_as_a_dash():
    nothing = np.full((2, 3), np.nan, np.float32)
    maps = SimpleNamespace(
        pixel_nm=10.0, phase_rad=nothing, induction_t_nm=np.stack([nothing, nothing])
    )
    reading = wording.read_out(maps, y_nm=5.0, x_nm=5.0)
    assert reading.phase == wording.NOTHING
    assert reading.induction == wording.NOTHING
