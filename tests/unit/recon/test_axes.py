import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit

from ltemlive.recon.axes import axial_bound, axial_excess, is_straight
from ltemlive.recon.priors import bends_of, differences


def squares(angle_deg, side_px=96):
    """Return squares, turned about the middle of the field."""
    y, x = np.mgrid[:side_px, :side_px] - (side_px - 1) / 2.0
    angle = np.radians(angle_deg)
    along, across = (
        x * np.cos(angle) + y * np.sin(angle),
        y * np.cos(angle) - x * np.sin(angle),
    )
    far = np.maximum(np.abs(along), np.abs(across))
    return np.clip(25.0 - far, 0.0, 1.0) + np.clip(12.0 - far, 0.0, 1.0)


def excesses(phase):
    gradient = differences(tf.constant(phase, tf.float32))
    weight = tf.ones(phase.shape)
    return [float(axial_excess(parts, weight)) for parts in (gradient, bends_of(gradient))]


@pytest.mark.parametrize(
    ("angle_deg", "is_axial"), [(0.0, True), (40.0, False), (45.0, False)]
)
def test_squares_follow_the_axes_unless_they_are_turned(angle_deg, is_axial):
    steep, bent = excesses(squares(angle_deg))
    assert (steep < axial_bound(2)) is is_axial
    assert (bent < axial_bound(3)) is is_axial


@pytest.mark.parametrize(
    ("angle_deg", "expected"), [(0.0, True), (10.0, False), (30.0, False)]
)
def test_only_squares_along_the_axes_are_straight(angle_deg, expected):
    phase = tf.constant(squares(angle_deg), tf.float32)
    assert is_straight(phase, tf.ones(phase.shape)) is expected


def disc(radius_px, *, width_px):
    """Return a disc whose edge is so wide; of width 0, it is made of stairs."""
    y, x = np.mgrid[:96, :96] - 47.3
    inside = radius_px - np.hypot(y, x)
    return np.where(inside > 0.0, 1.0, 0.0) if not width_px else expit(inside / width_px)


@pytest.mark.parametrize("width_px", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("radius_px", [12.0, 25.0, 37.5])
def test_the_edge_of_a_disc_is_not_straight(radius_px, width_px):
    """All directions alike: the axes need only be preferred by rounding."""
    phase = tf.constant(disc(radius_px, width_px=width_px), tf.float32)
    assert not is_straight(phase, tf.ones(phase.shape))


def test_a_flat_phase_is_not_straight():
    flat = tf.ones((21, 30))
    assert not is_straight(flat, flat)


@pytest.mark.parametrize("seed", range(3))
def test_what_prefers_no_direction_does_not_follow_the_axes(seed):
    rng = np.random.default_rng(seed)
    weight = tf.ones((96, 96))
    for n, expected in ((2, 4.0 / np.pi), (3, 1.5)):
        parts = tuple(
            tf.constant(rng.standard_normal((96, 96)), tf.float32) for _ in range(n)
        )
        excess = float(axial_excess(parts, weight))
        assert excess == pytest.approx(expected, rel=0.01)
        assert excess > axial_bound(n)


def test_the_bound_is_where_both_laws_are_equally_likely():
    rng = np.random.default_rng(1)
    signs = rng.choice([-1.0, 1.0], (2, 100_000))
    parts = signs * rng.exponential(1.0, (2, 100_000))
    axial, length = np.abs(parts).sum(axis=0).mean(), np.hypot(*parts).mean()
    # Minus the logarithm of the likelihoods, each with the m that fits it best.
    of_axes = 2.0 * np.log(2.0 * axial / 2.0) + 2.0
    of_length = np.log(2.0 * np.pi * (length / 2.0) ** 2) + 2.0
    assert (of_axes < of_length) == (axial / length < axial_bound(2))
    at_bound = 2.0 * np.log(2.0 * axial_bound(2) * length / 2.0) + 2.0
    assert at_bound == pytest.approx(of_length, abs=1e-9)


def test_the_border_has_no_say():
    phase = squares(45.0)
    weight = np.zeros(phase.shape)
    weight[20:-20, 20:-20] = 1.0
    seen = tf.constant(weight, tf.float32)
    other = np.where(np.arange(96) < 10, 9.0, phase)
    excess, same = (
        float(axial_excess(differences(tf.constant(each, tf.float32)), seen))
        for each in (phase, other)
    )
    assert excess == same
