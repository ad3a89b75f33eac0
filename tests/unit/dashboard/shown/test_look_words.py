from dataclasses import fields

import pytest

from ltemlive.dashboard.shown.look import CHOICES, LOOK_KEYS, RANGES, Look
from ltemlive.dashboard.shown.look_words import OFFERS, UNITS, WHERE_ZERO, choice_text


def test_every_choice_is_offered_once():
    offered = [offer.name for offer in OFFERS]
    assert sorted(offered) == sorted(each.name for each in fields(Look))
    assert RANGES.keys() == UNITS.keys() == WHERE_ZERO.keys()


@pytest.mark.parametrize("name", CHOICES)
def test_the_choices_of_a_kind_have_different_names(name):
    names = [choice_text(name, each) for each in CHOICES[name]]
    assert len(set(names)) == len(names)


def test_the_card_names_the_keys_that_there_are():
    bound = {key.removeprefix("Ctrl+") for each in LOOK_KEYS for key in each.keys}
    told = " ".join(offer.keys for offer in OFFERS).replace("\u2212", "-").split()
    # A is the window's own: it changes levels, not the look.
    assert set(told) - {"Ctrl", "/", "A"} == bound - {"="}
