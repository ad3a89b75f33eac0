"""The parabola that stands for the prior where a search rests."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.curvature import curvature_at_rest, curved, random_pull
from ltemlive.recon.priors import no_prior, prior_and_gradient
from ltemlive.recon.solver import cold_start
from ltemlive.settings import SolverSettings

SHAPE = (64, 64)
N_DRAWS = 300


def unit_ways(rng, n):
    ways = rng.standard_normal((n, *SHAPE))
    return tf.constant(0.95 * ways / np.linalg.norm(ways, axis=0), tf.float32)


def normal(rng):
    return tf.constant(rng.standard_normal((2, *SHAPE)), tf.float32)


def no_images(unknowns, series, prior):
    return tf.zeros([]), tf.zeros_like(unknowns)


@pytest.fixture(scope="module")
def model(acquire, model_of):
    return model_of(acquire(coherence="wave"))


@pytest.fixture(scope="module", params=["steepness", "bending"])
def rested(request, model):
    """Return a state at rest under a prior that knows a way at every pixel."""
    rng = np.random.default_rng(2)
    part = request.param
    prior = no_prior(SHAPE)._replace(
        **{f"{part}_weight": tf.constant(3.0), f"{part}_smoothing": tf.constant(0.1)},
        known_steepness=unit_ways(rng, 2),
        known_bending=unit_ways(rng, 3),
    )
    start = cold_start(model.series, SolverSettings())
    return replace(start, unknowns=normal(rng), prior=prior)


def test_the_parabola_touches_the_prior_where_the_search_rests(model, rested):
    curvature = curvature_at_rest(model, rested)
    pull = curved(curvature, rested.unknowns, no_images)
    _, expected = prior_and_gradient(rested.unknowns, model.series.weight, rested.prior)
    np.testing.assert_allclose(pull, expected, rtol=1e-3, atol=1e-3)


def test_the_pull_of_noise_has_the_curvature_for_covariance(model, rested):
    curvature = curvature_at_rest(model, rested)
    rng = np.random.default_rng(3)
    move = normal(rng)
    expected = float(tf.reduce_sum(move * curved(curvature, move, no_images)))
    pulls = [
        float(tf.reduce_sum(move * random_pull(curvature, no_images, rng)))
        for _ in range(N_DRAWS)
    ]
    assert np.mean(np.square(pulls)) == pytest.approx(expected, rel=0.3)
