import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.dashboard.shown.look import (
    CHOICES,
    LOOK_KEYS,
    Look,
    after,
    as_document,
    from_document,
)

LOOKS = st.builds(
    Look, **{name: st.sampled_from(choices) for name, choices in CHOICES.items()}
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


def test_every_first_choice_is_one_of_the_choices():
    assert as_document(from_document(as_document(Look()))).keys() == CHOICES.keys()
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
