import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.series import SeriesDescription
from ltemlive.sources.folder_plan import (
    Defocus,
    ImageKey,
    Numbering,
    distinct_names,
    is_image_name,
    labelled,
    listed_images,
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


def test_what_was_recorded_before_keeps_its_number_and_nobody_else_gets_it():
    numbering = Numbering({"b.tif": 4, "stack.tif#1": 7})
    assert numbering.assign(ImageKey("a.tif"), 4) == 8
    assert numbering.assign(ImageKey("b.tif"), 0) == 4
    assert numbering.assign(ImageKey("stack.tif", 1), None) == 7
    assert numbering.assign(ImageKey("c.tif"), None) == 9
    assert numbering.assign(ImageKey("d.tif"), 0) == 0


def test_files_that_differ_in_the_composition_of_accents_are_two():
    composed = unicodedata.normalize("NFC", "Fläche.tif")
    apart = unicodedata.normalize("NFD", composed)
    assert distinct_names([apart, "a.tif"]) == {composed: apart, "a.tif": "a.tif"}
    both = {composed: composed, apart: apart}
    assert distinct_names([apart, composed]) == distinct_names([composed, apart]) == both


def test_pages_with_the_same_reason_share_a_label():
    reasons = {ImageKey("s.tif", page): "why" for page in (1, 2, 3)}
    reasons |= {ImageKey("s.tif"): "else", ImageKey("a.tif"): "why"}
    assert labelled(reasons) == {"s.tif#1-3": "why", "s.tif": "else", "a.tif": "why"}
    assert labelled({ImageKey("s.tif", n): "why" for n in (0, 1)}) == {"s.tif#0-1": "why"}
