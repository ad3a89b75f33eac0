import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics.accuracy import correlation, phase_accuracy, without_plane

SHAPES = st.tuples(st.integers(16, 33), st.integers(16, 33))
TRUTH = np.random.default_rng(0).normal(size=(24, 31)).cumsum(axis=0).cumsum(axis=1)


def plane(shape, along_y, along_x, offset=0.0):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return offset + along_y * y + along_x * x


def test_the_truth_is_perfect():
    accuracy = phase_accuracy(TRUTH, TRUTH)
    assert accuracy.phase == pytest.approx(1.0)
    assert accuracy.gradient == pytest.approx(1.0)
    assert accuracy.slope == pytest.approx(1.0)
    assert accuracy.rms_rad == pytest.approx(0.0, abs=1e-9)


def test_a_wrong_sign_scores_minus_one():
    accuracy = phase_accuracy(-TRUTH, TRUTH)
    assert accuracy.phase == pytest.approx(-1.0)
    assert accuracy.gradient == pytest.approx(-1.0)
    assert accuracy.slope == pytest.approx(-1.0)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 10.0), st.floats(-100.0, 100.0))
def test_scale_and_offset_hide_from_the_correlation_but_not_from_the_slope(scale, offset):
    accuracy = phase_accuracy(scale * TRUTH + offset, TRUTH)
    assert accuracy.phase == pytest.approx(1.0)
    assert accuracy.gradient == pytest.approx(1.0)
    assert accuracy.slope == pytest.approx(scale, rel=1e-6)
    expected = abs(scale - 1.0) * without_plane(TRUTH).std()
    assert accuracy.rms_rad == pytest.approx(expected, rel=1e-6, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(SHAPES, st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(-50.0, 50.0))
def test_a_plane_is_removed_whole(shape, along_y, along_x, offset):
    assert np.abs(without_plane(plane(shape, along_y, along_x, offset))).max() < 1e-9


@settings(max_examples=50, deadline=None)
@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_slope_and_rms_do_not_see_a_plane(along_y, along_x):
    accuracy = phase_accuracy(TRUTH + plane(TRUTH.shape, along_y, along_x), TRUTH)
    assert accuracy.slope == pytest.approx(1.0)
    assert accuracy.rms_rad == pytest.approx(0.0, abs=1e-8)


@settings(max_examples=50, deadline=None)
@given(SHAPES, st.integers(0, 2**32 - 1))
def test_the_correlation_is_signed_and_never_beyond_one(shape, seed):
    result, truth = np.random.default_rng(seed).normal(size=(2, *shape))
    value = correlation(result, truth)
    assert abs(value) <= 1.0
    assert correlation(-result, truth) == pytest.approx(-value)
    assert correlation(truth, result) == pytest.approx(value)
    expected = np.corrcoef(result.ravel(), truth.ravel())[0, 1]
    assert value == pytest.approx(expected)


def test_a_constant_result_scores_nothing_and_is_finite():
    accuracy = phase_accuracy(np.full_like(TRUTH, 3.0), TRUTH)
    assert (accuracy.phase, accuracy.gradient, accuracy.slope) == (0.0, 0.0, 0.0)
    assert accuracy.rms_rad == pytest.approx(without_plane(TRUTH).std())


def test_a_constant_truth_is_no_division_by_zero():
    accuracy = phase_accuracy(TRUTH, np.zeros_like(TRUTH))
    assert (accuracy.phase, accuracy.gradient, accuracy.slope) == (0.0, 0.0, 0.0)


def test_phases_of_one_row_are_compared_along_it():
    row = TRUTH[:1]
    accuracy = phase_accuracy(2.0 * row, row)
    assert accuracy.phase == pytest.approx(1.0)
    assert accuracy.gradient == pytest.approx(1.0)
    assert accuracy.slope == pytest.approx(2.0)
