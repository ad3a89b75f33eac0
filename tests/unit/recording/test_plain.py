import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.recording.plain import json_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)


def refuse(name):
    raise AssertionError(f"JSON has no {name}")


@given(values=st.dictionaries(st.text(), json_values, max_size=4))
@settings(max_examples=50, deadline=None)
def test_whatever_goes_in_strict_json_comes_out(values):
    text = json_text(values)
    assert text.isascii()
    assert "\n" not in text
    assert set(json.loads(text, parse_constant=refuse)) == set(values)


def test_numpy_values_become_plain_and_what_is_not_finite_null():
    values = {
        "number": np.float32(0.5),
        "count": np.int64(3),
        "array": np.array([[1.0, np.nan]]),
        "tuple": (float("inf"), 2),
        "flag": np.bool_(True),
        "other": {1},
    }
    assert json.loads(json_text(values)) == {
        "number": 0.5,
        "count": 3,
        "array": [[1.0, None]],
        "tuple": [None, 2],
        "flag": True,
        "other": "{1}",
    }
