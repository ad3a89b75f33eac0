import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.file_names import (
    NameFacts,
    checked_pattern,
    defocus_in_name,
    facts_in_name,
    number_in_name,
)


@pytest.mark.parametrize(
    ("name", "defocus_nm"),
    [
        ("wire_-150um.tif", -150e3),
        ("wire_+150um_003.tif", 150e3),
        ("wire_df-150000nm.tif", -150e3),
        ("defocus_1.6mm.tif", 1.6e6),
        ("a defocus=-1.6 mm.tif", -1.6e6),
        ("df0.tif", 0.0),
        ("x_df0_004.tif", 0.0),
        ("x_DF_-20UM.tif", -20e3),
        ("x_-150\N{MICRO SIGN}m.tif", -150e3),
        ("x_\N{MINUS SIGN}150\N{GREEK SMALL LETTER MU}m.tif", -150e3),
        ("-150um.tif", -150e3),
    ],
)
def test_a_name_may_state_the_defocus(name, defocus_nm):
    assert defocus_in_name(name) == pytest.approx(defocus_nm)


@pytest.mark.parametrize(
    "name",
    [
        "f000.tif",
        "field_50um_001.tif",  # a field of view
        "x_df150.tif",  # of which unit?
        "pdf-20nm.tif",
        "x_-5um_+5um.tif",  # which of the two?
        "x_-150umbra.tif",
        "2026-11-23.tif",
    ],
)
def test_a_name_that_is_not_clear_states_nothing(name):
    assert defocus_in_name(name) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("f007.tif", 7),
        ("run2_image_013.tif", 13),
        ("img_004_-150um.tif", 4),
        ("wire_df-150000nm.tif", None),
        ("focus.tif", None),
        ("x_1.5_s.tif", None),
    ],
)
def test_the_number_of_an_image_is_the_last_one_in_its_name(name, number):
    assert number_in_name(name) == number


def test_without_a_pattern_the_built_in_one_is_asked():
    assert facts_in_name("img_004_-150um.tif") == NameFacts(4, -150e3)


@pytest.mark.parametrize(
    ("pattern", "name", "facts"),
    [
        (
            r"_(?P<seq>\d+)_f(?P<defocus>-?[\d.]+)(?P<unit>um)",
            "a_7_f-1.5um.tif",
            (7, -1500),
        ),
        (r"D(?P<defocus>[-+]?\d+)\.", "holes D-250.tif", (None, -250)),
        (r"^(?P<seq>\d{4})", "0012 Fläche.tif", (12, None)),
        (
            r"f(?P<defocus>\S+?)(?P<unit>..)\.",
            "f\N{MINUS SIGN}2\N{MICRO SIGN}m.tif",
            (None, -2e3),
        ),
        (r"f(?P<defocus>-?\d+)(?P<unit>[a-z]m)?\.", "f-2MM.tif", (None, None)),
        (r"(?i)f(?P<defocus>-?\d+)(?P<unit>[a-z]m)?\.", "f-2MM.tif", (None, -2e6)),
        (r"f(?P<defocus>-?\d+)(?P<unit>[a-z]+)", "f-2km.tif", (None, None)),
        (r"f(?P<defocus>\w+)\.", "finfinity.tif", (None, None)),
        (r"f(?P<seq>\w+)\.", "f-1x.tif", (None, None)),
        (r"f(?P<seq>\d+)\.", "f12345678901.tif", (None, None)),
        (r"x(?P<seq>\d+)", "img_004_-150um.tif", (None, None)),
    ],
)
def test_a_pattern_of_the_users_own_stands_for_the_built_in_one(pattern, name, facts):
    assert facts_in_name(name, checked_pattern(pattern)) == NameFacts(*facts)


def test_a_pattern_is_not_tried_on_names_that_are_too_long():
    assert facts_in_name("7" * 9 + "x" * 246, r"^(?P<seq>\d+)").seq == 777777777
    assert facts_in_name("7" * 9 + "x" * 247, r"^(?P<seq>\d+)") == NameFacts()


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(?P<seq>", "missing ), unterminated subpattern"),
        (r"\d+", "a group (?P<seq>"),
        (r"(?P<unit>nm)", "a group (?P<seq>"),
        (r"(?P<seq>\d+)_(?P<defoc>\d+)", "not 'defoc'"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_in_one_line(pattern, told):
    with pytest.raises(ValueError, match="a regular expression") as refused:
        checked_pattern(pattern)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=40))
def test_any_name_says_something_or_nothing(name):
    facts_in_name(name)
    facts_in_name(name, r"(?P<seq>.*)_(?P<defocus>.*?)(?P<unit>.?m)")
