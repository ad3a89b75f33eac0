from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import WireError
from ltemlive.wire.jsontext import dump_object, parse_object

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
objects = st.dictionaries(
    text,
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(objects)
def test_what_is_dumped_is_parsed_back(value):
    assert parse_object(dump_object(value, where="here"), where="here") == value


@settings(max_examples=50, deadline=None)
@given(
    st.binary(max_size=64) | st.text(max_size=64).map(lambda t: t.encode(errors="ignore"))
)
def test_no_bytes_raise_anything_but_a_wire_error(data):
    try:
        value = parse_object(data, where="here")
    except WireError as error:
        value = {"error": str(error)}
    assert isinstance(value, dict)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expecting value"),
        (b"[1]", "expected a JSON object, got list"),
        (b'{"a":1,"a":2}', "the same key twice"),
        (b'{"a":NaN}', "the number NaN"),
        (b'{"a":-Infinity}', "the number -Infinity"),
        (b'{"a":1e999}', "the number 1e999, which is not finite"),
        (b'{"a":' + b"9" * 5000 + b"}", "beyond 64 bits"),
        (b'{"a":"\\ud800"}', "surrogates not allowed"),
        (b'{"\\udfff":1}', "surrogates not allowed"),
        (b'{"a":"\xff"}', "invalid start byte"),
        ('{"a":1}'.encode("utf-16"), "invalid start byte"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "more than 32 levels"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"a":"' + b"x" * 70_000 + b'"}', "at most 65536 bytes, got 70008"),
    ],
)
def test_what_is_not_strict_json_is_refused_by_name(data, reason):
    with pytest.raises(WireError, match=reason):
        parse_object(data, where="here")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": float("nan")}, "Out of range float"),
        ({"a": {1, 2}}, "not JSON serializable"),
        ({"a": "x" * 70_000}, "at most 65536 bytes, got 70008"),
    ],
)
def test_what_json_has_no_form_for_is_not_dumped(value, reason):
    with pytest.raises(WireError, match=reason):
        dump_object(value, where="here")


def test_half_a_surrogate_of_a_file_name_becomes_a_question_mark():
    assert dump_object({"file": "f\udcff.tif"}, where="here") == b'{"file":"f?.tif"}'
