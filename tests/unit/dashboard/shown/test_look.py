import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.dashboard.shown.look import (
    CHOICES,
    LOOK_KEYS,
    RANGES,
    Look,
    after,
    as_document,
    from_document,
)

LOOKS = st.builds(
    Look,
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
    **{name: st.floats(*ends) for name, ends in RANGES.items()},
)
CHANGES = {key: each.changed for each in LOOK_KEYS for key in each.keys}


@given(LOOKS)
def test_a_look_comes_back_from_its_document(look):
    assert from_document(as_document(look)) == look


@pytest.mark.parametrize("document", [None, [], "dark", 3, {}, {"theme": ["dark"]}])
def test_a_document_that_tells_nothing_gives_the_usual_look(document):
    assert from_document(document) == Look()


def test_what_is_damaged_or_of_another_version_costs_nothing_else():
    document = {"theme": "light", "text_scale": True, "sound": "loud"}
    assert from_document(document) == Look(theme="light")


@pytest.mark.parametrize(
    "value", [-1.0, float("nan"), float("inf"), "10", True, 10**400, None, [10.0]]
)
def test_a_thickness_that_cannot_be_is_unknown(value):
    assert from_document({"thickness_nm": value}) == Look()


def test_a_whole_number_in_a_document_will_do():
    read = from_document({"thickness_nm": 10, "gamma": 1, "text_scale": 2})
    assert read == Look(thickness_nm=10.0, text_scale=2.0)
    assert isinstance(read.thickness_nm, float)
    assert isinstance(read.gamma, float)


def test_every_first_choice_is_one_of_the_choices():
    assert as_document(Look()).keys() == CHOICES.keys() | RANGES.keys()
    for name, choices in CHOICES.items():
        assert getattr(Look(), name) in choices


def test_the_theme_goes_round_and_the_size_of_text_ends():
    assert after(after(Look(), "theme"), "theme") == Look()
    look = Look()
    for _ in range(20):
        look = CHANGES["Ctrl++"](look)
    assert look.text_scale == max(CHOICES["text_scale"])
    for _ in range(20):
        look = CHANGES["Ctrl+-"](look)
    assert look.text_scale == min(CHOICES["text_scale"])
    assert CHANGES["Ctrl+0"](look) == Look()


def test_no_key_has_two_meanings():
    keys = [key for each in LOOK_KEYS for key in each.keys]
    assert len(keys) == len(set(keys))
