from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ltemlive.dashboard.shown.measuring import (
    MOST_POINTS,
    SHORTEST_PX,
    Region,
    Segment,
    profile_of,
    statistics_of,
)
from ltemlive.physics.edges import FWHM_PER_SIGMA, EdgeShape, fit_edge
from ltemlive.physics.electron import HBAR_OVER_E_T_NM2

SIDE_NM = 320.0
"""Of 64 pixels of 5 nm."""
FIELDS = (
    "phase_rad",
    "gradient_mrad_per_nm",
    "induction_t_nm",
    "induction_along_t_nm",
    "induction_across_t_nm",
)

places = st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
inside = st.tuples(st.floats(20.0, 300.0), st.floats(20.0, 300.0))


def ends(middle_nm, length_nm, angle_deg):
    """Return the ends of a line by the angle at which it is seen."""
    angle = math.radians(angle_deg)
    half_y, half_x = -0.5 * length_nm * math.sin(angle), 0.5 * length_nm * math.cos(angle)
    y, x = middle_nm
    return (y - half_y, x - half_x), (y + half_y, x + half_x)


@given(places, st.floats(1.0, 1e5), st.floats(0.0, 359.9))
def test_a_line_is_as_long_and_points_as_it_was_drawn(middle_nm, length_nm, angle_deg):
    segment = Segment(*ends(middle_nm, length_nm, angle_deg), width_nm=10.0)
    assert segment.length_nm == pytest.approx(length_nm, rel=1e-6)
    turned = (segment.angle_deg - angle_deg + 180.0) % 360.0 - 180.0
    assert turned == pytest.approx(0.0, abs=1e-4)
    assert math.hypot(*segment.along) == pytest.approx(1.0)
    assert math.hypot(*segment.across) == pytest.approx(1.0)
    assert np.dot(segment.along, segment.across) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("end_nm", "angle_deg"),
    [((0.0, 9.0), 0.0), ((-9.0, 0.0), 90.0), ((0.0, -9.0), 180.0), ((9.0, 0.0), 270.0)],
)
def test_angles_count_anticlockwise_from_right_as_seen_on_screen(end_nm, angle_deg):
    assert Segment((0.0, 0.0), end_nm).angle_deg == pytest.approx(angle_deg)


def test_across_is_to_the_left_of_the_way():
    assert Segment((0.0, 0.0), (0.0, 9.0)).across == pytest.approx((-1.0, 0.0))
    np.testing.assert_allclose(
        Segment((0.0, 0.0), (0.0, 9.0), 4.0).outline_nm(),
        [(-2.0, 0.0), (-2.0, 9.0), (2.0, 9.0), (2.0, 0.0), (-2.0, 0.0)],
    )


@given(inside, inside, st.floats(0.0, 30.0))
def test_a_ramp_is_read_where_it_lies(maps_of, start_nm, end_nm, width_nm):
    y, x = (np.mgrid[:64, :64] + 0.5) * 5.0
    ramp = maps_of(0.02 * x - 0.01 * y)
    segment = Segment(start_nm, end_nm, width_nm)
    profile = profile_of(ramp, segment)
    if profile is None:
        assert segment.length_nm < SHORTEST_PX * ramp.pixel_nm
        return
    (y0, x0), (along_y, along_x) = start_nm, segment.along
    wanted = 0.02 * (x0 + profile.distance_nm * along_x) - 0.01 * (
        y0 + profile.distance_nm * along_y
    )
    np.testing.assert_allclose(profile.phase_rad, wanted, atol=1e-5)
    assert profile.distance_nm[-1] == pytest.approx(segment.length_nm)
    np.testing.assert_allclose(profile.gradient_mrad_per_nm, 22.36068, rtol=1e-3)
    # B_y t = (hbar / e) dphi/dx and B_x t = -(hbar / e) dphi/dy.
    field = HBAR_OVER_E_T_NM2 * np.array([0.02, 0.01])
    np.testing.assert_allclose(
        profile.induction_along_t_nm, field @ segment.along, atol=0.02
    )
    np.testing.assert_allclose(
        profile.induction_across_t_nm, field @ segment.across, atol=0.02
    )
    np.testing.assert_allclose(profile.induction_t_nm, np.hypot(*field), rtol=1e-3)


@pytest.mark.parametrize("angle_deg", [0.0, 17.0, 45.0, 123.0, 200.0, 301.0])
def test_an_edge_is_as_wide_at_any_angle(maps_of, centres_nm, angle_deg):
    y, x = centres_nm(64, 64)
    angle = math.radians(angle_deg)
    far = (x - 160.0) * math.cos(angle) - (y - 160.0) * math.sin(angle)
    phase = EdgeShape(3.0, 0.0, 15.0, 0.0, 0.0).at(far)
    segment = Segment(*ends((160.0, 160.0), 200.0, angle_deg), width_nm=40.0)
    profile = profile_of(maps_of(phase), segment)
    found = fit_edge(profile.distance_nm, profile.phase_rad)
    assert found.fwhm_nm == pytest.approx(15.0 * FWHM_PER_SIGMA, rel=0.03)
    assert found.position_nm == pytest.approx(100.0, abs=0.2)
    assert found.height == pytest.approx(3.0, rel=0.01)
    # The phase rises along the line: the induction points across it, to the right of it.
    peak = -HBAR_OVER_E_T_NM2 * 3.0 / (15.0 * math.sqrt(2.0 * math.pi))
    assert profile.induction_across_t_nm.min() == pytest.approx(peak, rel=0.05)
    assert np.abs(profile.induction_along_t_nm).max() < 0.05 * abs(peak)


@given(inside, inside, st.floats(0.0, 60.0), st.integers(0, 2**32 - 1))
@example((20.0, 20.0), (math.nextafter(20.0, 21.0), math.nextafter(20.0, 21.0)), 0.0, 0)
def test_a_turned_line_has_the_same_profile_in_a_turned_image(
    maps_of, start_nm, end_nm, width_nm, seed
):
    phase = np.random.default_rng(seed).normal(size=(64, 64))
    upright, turned = maps_of(phase), maps_of(np.rot90(phase))
    first = profile_of(upright, Segment(start_nm, end_nm, width_nm))
    # Anticlockwise by a quarter: what was right is now up.
    places = [(SIDE_NM - x, y) for y, x in (start_nm, end_nm)]
    second = profile_of(turned, Segment(*places, width_nm))
    if first is None:
        assert second is None
        return
    for field in FIELDS:
        scale = 1.0 + np.nanmax(np.abs(getattr(first, field)))
        np.testing.assert_allclose(
            getattr(first, field), getattr(second, field), atol=1e-3 * scale
        )


def test_a_wide_line_is_averaged_across(maps_of, centres_nm):
    y, _ = centres_nm(64, 64)
    phase = np.where(np.abs(y - 160.0) < 10.0, 1.0, 0.0)
    values = [
        profile_of(maps_of(phase), Segment((160.0, 50.0), (160.0, 250.0), width_nm))
        .phase_rad.round(4)
        .tolist()
        for width_nm in (0.0, 20.0, 80.0)
    ]
    assert [set(each) for each in values] == [{1.0}, {1.0}, {0.25}]


def test_what_lies_outside_or_is_not_known_is_left_out(maps_of):
    estimate = maps_of(np.ones((64, 64)))
    beyond = profile_of(estimate, Segment((160.0, -50.0), (160.0, 400.0)))
    is_inside = (beyond.distance_nm >= 50.0) & (beyond.distance_nm <= 370.0)
    np.testing.assert_array_equal(np.isfinite(beyond.phase_rad), is_inside)
    assert set(beyond.phase_rad[is_inside]) == {1.0}
    along_border = profile_of(estimate, Segment((0.0, 20.0), (0.0, 300.0), 40.0))
    assert set(along_border.phase_rad) == {1.0}
    estimate.phase_rad[32, 32] = np.nan
    holed = profile_of(estimate, Segment((162.0, 20.0), (162.0, 300.0), 40.0))
    assert set(holed.phase_rad) == {1.0}


def test_a_line_without_direction_has_no_profile_and_an_endless_one_few_points(maps_of):
    estimate = maps_of(np.ones((64, 64)))
    assert profile_of(estimate, Segment((5.0, 5.0), (5.0, 5.0), 9.0)) is None
    assert Segment((5.0, 5.0), (5.0, 5.0)).along == (0.0, 0.0)
    thousandth_px = 1e-3 * estimate.pixel_nm
    assert profile_of(estimate, Segment((5.0, 5.0), (5.0, 5.0 + thousandth_px))) is not None
    endless = profile_of(estimate, Segment((5.0, -1e9), (5.0, 1e9), 1e9))
    assert endless.distance_nm.size == MOST_POINTS


def test_the_statistics_of_a_region_are_those_of_its_pixels(maps_of, centres_nm):
    y, x = centres_nm(48, 64)
    estimate = maps_of(0.02 * x + 0.01 * y)
    found = statistics_of(estimate, Region.between((200.0, 50.0), (100.0, 150.0)))
    inside = estimate.phase_rad[20:40, 10:30].astype(float)
    assert found.n_pixels == 400
    assert (found.phase_rad.mean, found.phase_rad.deviation) == pytest.approx(
        (inside.mean(), inside.std())
    )
    assert (found.phase_rad.least, found.phase_rad.most) == (inside.min(), inside.max())
    assert found.gradient_mrad_per_nm.mean == pytest.approx(22.36068, rel=1e-4)
    magnitude = HBAR_OVER_E_T_NM2 * math.hypot(0.02, 0.01)
    assert found.induction_t_nm.mean == pytest.approx(magnitude, rel=1e-4)
    assert found.vector_t_nm == pytest.approx(magnitude, rel=1e-4)
    # (B_y, B_x) = (0.02, -0.01) hbar / e: down and to the left.
    wanted = math.degrees(math.atan2(-0.02, -0.01)) % 360.0
    assert found.direction_deg == pytest.approx(wanted, abs=0.01)


def test_opposite_domains_have_a_mean_magnitude_but_no_mean_vector(maps_of, centres_nm):
    _, x = centres_nm(64, 64)
    estimate = maps_of(0.02 * np.abs(x - 160.0))
    found = statistics_of(estimate, Region(100.0, 60.0, 200.0, 260.0))
    assert found.vector_t_nm < 1e-3
    assert found.induction_t_nm.mean > 0.9 * HBAR_OVER_E_T_NM2 * 0.02


@given(places, places)
def test_the_corners_of_a_region_may_be_drawn_in_any_order(maps_of, one_nm, other_nm):
    region = Region.between(one_nm, other_nm)
    assert region == Region.between(other_nm, one_nm)
    assert region.top_nm <= region.bottom_nm
    assert region.left_nm <= region.right_nm
    statistics_of(maps_of(np.ones((16, 16))), region)


def test_a_region_without_a_known_pixel_has_no_statistics(maps_of):
    estimate = maps_of(np.ones((64, 64)))
    assert statistics_of(estimate, Region(-50.0, 10.0, -10.0, 50.0)) is None
    assert statistics_of(estimate, Region(11.0, 11.0, 11.5, 12.0)) is None
    assert statistics_of(estimate, Region(-1e9, -1e9, 1e9, 1e9)).n_pixels == 64 * 64
    estimate.phase_rad[:4, :4] = np.nan
    assert statistics_of(estimate, Region(0.0, 0.0, 20.0, 20.0)) is None
    assert statistics_of(estimate, Region(0.0, 0.0, 25.0, 25.0)).n_pixels == 9
