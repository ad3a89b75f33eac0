from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ltemlive.dashboard.shown.levels import percentile_levels


def test_a_few_wild_pixels_do_not_set_the_levels():
    image = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    image[0, :3] = 1e6
    low, high = percentile_levels(image)
    assert low == pytest.approx(0.005, abs=0.01)
    assert high == pytest.approx(0.995, abs=0.01)


@given(
    arrays(
        np.float32, (16, 17), elements=st.floats(width=32, min_value=-1e6, max_value=1e6)
    )
)
@settings(max_examples=40, deadline=None)
def test_the_levels_always_span_something(image):
    low, high = percentile_levels(image)
    assert low < high


def test_the_full_range_leaves_out_no_pixel():
    image = np.zeros((600, 700), np.float32)
    image[301, 467], image[1, 5], image[2, 2] = 7.0, -3.0, np.nan
    assert percentile_levels(image, 0.0) == (-3.0, 7.0)
    assert percentile_levels(image, 1.0)[1] < 0.1


def test_pixels_that_are_no_number_are_left_out():
    image = np.full((16, 16), np.nan, np.float32)
    assert percentile_levels(image) == (0.0, 1.0)
    image[:8] = 3.0
    image[8, 0] = np.inf
    assert percentile_levels(image)[0] == 3.0
