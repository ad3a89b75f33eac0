"""Lines about wrong keys speak of YAML, not of Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.refusals import rounded_down, rounded_up


class Inner(BaseModel):
    size: int = 1


class Outer(BaseModel):
    lengths: tuple[float, ...] = Field((1.0,), min_length=1)
    pair: tuple[float, float] = (0.0, 0.0)
    pairs: tuple[tuple[float, float], ...] = ()
    title: str = Field("none", min_length=2, max_length=4)
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"lengths": []}, "lengths: expected at least 1 item, got []"),
        ({"lengths": 5}, "lengths: expected a list, got 5"),
        ({"pair": [1, 2, 3]}, "pair: expected at most 2 items, got [1, 2, 3]"),
        ({"pair": [1]}, "pair.1: missing; its list has too few items"),
        ({"pairs": [[1, 2], [1]]}, "pairs.1.1: missing; its list has too few items"),
        ({"title": "a"}, "title: expected at least 2 characters, got 'a'"),
        ({"title": "abcde"}, "title: expected at most 4 characters, got 'abcde'"),
        ({"inner": 5}, "inner: expected keys and values (key: value), got 5"),
    ],
)
def test_a_wrong_value_is_told_in_words_of_yaml(values, line):
    with pytest.raises(ConfigError) as refusal:
        documents.validated(values, Outer, where="a.yaml")
    assert str(refusal.value) == f"a.yaml: {line}"


@given(st.floats(-1e300, 1e300))
def test_a_limit_is_told_on_the_side_that_it_permits(limit):
    assert float(rounded_down(limit)) <= limit <= float(rounded_up(limit))


@pytest.mark.parametrize(
    ("limit", "down", "up"),
    [
        (0.19996, "0.1999", "0.2"),
        (384.0, "384", "384"),
        (12345.0, "12340", "12350"),
        (0.0, "0", "0"),
    ],
)
def test_a_limit_has_four_digits(limit, down, up):
    assert (rounded_down(limit), rounded_up(limit)) == (down, up)
