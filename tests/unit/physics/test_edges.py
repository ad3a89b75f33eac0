from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.physics.edges import FWHM_PER_SIGMA, EdgeFit, EdgeShape, NoEdge, fit_edge

SPACING_NM = 5.0
NOISE = 0.05
MOST_DEVIATIONS = 6.0


@st.composite
def edges(draw):
    """An edge on a slope with something of both sides, and a seed for its noise."""
    points = draw(st.integers(40, 160))
    length_nm = (points - 1) * SPACING_NM
    shape = EdgeShape(
        height=draw(st.sampled_from([-1, 1])) * draw(st.floats(1.0, 5.0)),
        position=draw(st.floats(0.35, 0.65)) * length_nm,
        sigma=draw(st.floats(SPACING_NM, length_nm / 12)),
        slope=draw(st.floats(-2.0, 2.0)) / length_nm,
        offset=draw(st.floats(-10.0, 10.0)),
    )
    return np.arange(points) * SPACING_NM, shape, draw(st.integers(0, 2**32 - 1))


# The first one imports SciPy.
@settings(deadline=None)
@given(edges())
def test_an_edge_is_found_within_its_noise(drawn):
    distance_nm, true, seed = drawn
    noise = np.random.default_rng(seed).normal(0.0, NOISE, distance_nm.size)
    found = fit_edge(distance_nm, true.at(distance_nm) + noise)
    assert isinstance(found, EdgeFit)
    off = abs(found.fwhm_nm - FWHM_PER_SIGMA * true.sigma)
    assert off < MOST_DEVIATIONS * found.fwhm_deviation_nm
    assert abs(found.position_nm - true.position) < found.fwhm_nm
    assert math.copysign(1.0, found.height) == math.copysign(1.0, true.height)


@given(edges())
def test_without_noise_an_edge_is_found_exactly(drawn):
    distance_nm, true, _ = drawn
    found = fit_edge(distance_nm, true.at(distance_nm))
    assert found.fwhm_nm == pytest.approx(FWHM_PER_SIGMA * true.sigma, rel=1e-3)
    assert found.position_nm == pytest.approx(true.position, abs=1e-2)
    assert found.height == pytest.approx(true.height, rel=1e-2)


def test_the_deviation_is_as_large_as_the_widths_scatter():
    distance_nm = np.arange(80) * SPACING_NM
    true, random = EdgeShape(2.0, 190.0, 20.0, 0.0, 0.0), np.random.default_rng(3)
    found = [
        fit_edge(distance_nm, true.at(distance_nm) + random.normal(0.0, NOISE, 80))
        for _ in range(100)
    ]
    scatter = np.std([each.fwhm_nm for each in found])
    deviation = np.mean([each.fwhm_deviation_nm for each in found])
    assert deviation == pytest.approx(scatter, rel=0.25)


@given(edges())
def test_the_derivatives_are_those_of_the_values(drawn):
    distance_nm, shape, _ = drawn
    shape = shape._replace(sigma=-shape.sigma, bend=2.0 * shape.slope + 0.01)
    for column, value in enumerate(shape):
        step = 1e-4 * max(1.0, abs(value))
        values = [
            EdgeShape(*(*shape[:column], value + sign * step, *shape[column + 1 :])).at(
                distance_nm
            )
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(
            shape.derivatives(distance_nm)[:, column],
            (values[0] - values[1]) / (2 * step),
            atol=1e-5,
        )


def test_between_tenth_and_nine_tenths_lie_1_09_widths():
    shape = EdgeShape(1.0, 0.0, 10.0, 0.0, 0.5)
    at = np.linspace(-40.0, 40.0, 80_001)
    values = shape.at(at)
    between = at[np.searchsorted(values, 0.9)] - at[np.searchsorted(values, 0.1)]
    assert between / (FWHM_PER_SIGMA * 10.0) == pytest.approx(1.0884, abs=1e-3)


def test_values_that_are_not_known_are_left_out():
    distance_nm = np.arange(60) * SPACING_NM
    values = EdgeShape(3.0, 150.0, 15.0, 0.0, 0.0).at(distance_nm)
    values[[0, 7, 31]] = np.nan
    found = fit_edge(distance_nm, values)
    assert found.fwhm_nm == pytest.approx(15.0 * FWHM_PER_SIGMA, rel=1e-3)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.arange(5.0), "5 points are too few"),
        (np.full(40, np.nan), "0 points are too few"),
        (np.zeros(40), "straight"),
        (np.arange(40, dtype=np.float32) * np.float32(0.1), "straight"),
        (np.random.default_rng(0).normal(size=40), "no edge"),
        (np.exp(-(((np.arange(40) - 20.0) / 4.0) ** 2)), "no edge stands out"),
        (np.where(np.arange(40) < 20, 0.0, 1.0), "sharper than 5 nm"),
        (np.sin(np.arange(40) / 10.0), "beyond the edge on both sides"),
    ],
)
def test_a_profile_without_an_edge_is_told_why(values, reason):
    found = fit_edge(np.arange(values.size) * SPACING_NM, values)
    assert isinstance(found, NoEdge)
    assert reason in found.reason


def test_noise_is_hardly_ever_taken_for_an_edge():
    random, distance_nm = np.random.default_rng(1), np.arange(20) * SPACING_NM
    found = [fit_edge(distance_nm, random.normal(size=20)) for _ in range(100)]
    assert sum(isinstance(each, EdgeFit) for each in found) <= 2


@pytest.mark.parametrize("bend", [-0.03, 0.012])
def test_an_edge_between_two_slopes_is_as_sharp_as_it_is(bend):
    # As the phase of a magnetic film beside vacuum, which is flat.
    distance_nm = np.arange(0.0, 280.0, 2.0)
    shape = EdgeShape(1.4, 140.0, 6.0, 0.001, -1.0, bend)
    noise = np.random.default_rng(4).normal(scale=0.02, size=distance_nm.size)
    found = fit_edge(distance_nm, shape.at(distance_nm) + noise)
    assert isinstance(found, EdgeFit)
    assert found.fwhm_nm == pytest.approx(FWHM_PER_SIGMA * 6.0, rel=0.1)
    assert found.height == pytest.approx(1.4, rel=0.05)
    assert found.shape.bend == pytest.approx(bend, rel=0.1)


def test_a_bend_is_only_there_where_the_profile_asks_for_it():
    distance_nm = np.arange(0.0, 280.0, 2.0)
    noise = np.random.default_rng(5).normal(scale=0.02, size=distance_nm.size)
    found = fit_edge(
        distance_nm, EdgeShape(1.4, 140.0, 6.0, 0.001, -1.0).at(distance_nm) + noise
    )
    assert found.shape.bend == 0.0


def test_a_bend_alone_is_no_edge():
    distance_nm = np.arange(0.0, 280.0, 2.0)
    noise = np.random.default_rng(6).normal(scale=0.02, size=distance_nm.size)
    bent = np.maximum(distance_nm - 140.0, 0.0) * 0.02
    assert isinstance(fit_edge(distance_nm, bent + noise), NoEdge)
