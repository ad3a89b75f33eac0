import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.series import SeriesDescription
from ltemlive.sources.folder_plan import (
    Defocus,
    ImageKey,
    Numbering,
    defocus_in_name,
    is_image_name,
    listed_images,
    number_in_name,
    resolve_defocus,
    same_name,
    sidecar_names,
)


@pytest.mark.parametrize("name", ["a.tif", "Ä b 1.TIFF", "x.y.tif", "a.dm4"])
def test_images_count(name):
    assert is_image_name(name, (".tif", ".tiff", ".dm4"))


@pytest.mark.parametrize(
    "name",
    [".a.tif", "~a.tif", "a.tif.part", "a.part.tif", "a.tmp.tif", "series.yaml", "tif", ""],
)
def test_hidden_unfinished_and_other_files_do_not_count(name):
    assert not is_image_name(name, (".tif", ".tiff", ".dm4"))


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


def test_the_first_statement_of_the_defocus_wins_and_a_conflict_is_told():
    resolved = resolve_defocus([("sidecar", None), ("series.yaml", 5.0), ("name", -5.0)])
    assert resolved == Defocus(5.0, "series.yaml", "series.yaml says 5 nm, name says -5 nm")


def test_statements_that_agree_are_no_conflict():
    resolved = resolve_defocus([("series.yaml", 150_000.0), ("name", 150_000.01)])
    assert resolved == Defocus(150_000.0, "series.yaml")


def test_a_defocus_of_zero_is_a_statement():
    assert resolve_defocus([("series.yaml", 0.0), ("name", 5.0)]).defocus_nm == 0.0


def test_nobody_says_anything():
    assert resolve_defocus([("series.yaml", None), ("name", None)]) is None


def test_a_sidecar_is_named_after_the_file_or_its_stem():
    assert sidecar_names("f0.tif") == ("f0.tif.yaml", "f0.tif.json", "f0.yaml", "f0.json")


def test_a_composed_accent_is_the_same_as_a_decomposed_one():
    assert same_name(unicodedata.normalize("NFD", "Fläche.tif")) == "Fläche.tif"


def test_a_description_numbers_its_images_by_place_unless_it_says_otherwise():
    description = SeriesDescription.model_validate(
        {
            "voltage_kv": 200,
            "pixel_nm": 5,
            "frames": [
                {"file": "b.tif"},
                {"file": "stack.tif", "page": 2, "seq": 9},
                {"file": "a.tif"},
            ],
        }
    )
    seqs = {key.label: seq for key, (seq, _) in listed_images(description).items()}
    assert seqs == {"b.tif": 0, "stack.tif#2": 9, "a.tif": 2}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.none() | st.integers(0, 5)),
        max_size=20,
    )
)
def test_every_image_has_one_number_of_its_own(requests):
    numbering = Numbering()
    given_to = {}
    for image, wanted in requests:
        key = ImageKey(f"{image}.tif")
        seq = numbering.assign(key, wanted)
        assert seq == given_to.setdefault(key, seq)
    assert len(set(given_to.values())) == len(given_to)


def test_a_number_that_is_free_is_granted_and_one_that_is_taken_counts_on():
    numbering = Numbering()
    assert numbering.assign(ImageKey("a"), 4) == 4
    assert numbering.assign(ImageKey("b"), 4) == 5
    assert numbering.assign(ImageKey("c"), 0) == 0
    assert numbering.assign(ImageKey("d"), None) == 6
