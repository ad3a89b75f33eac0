"""Which edges the prior of a round knows."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.solver import cold_start
from ltemlive.recon.weighing import Stage, WeightLimits, weighed_prior
from ltemlive.settings import SolverSettings

SIDE_PX = 64
Y, X = np.mgrid[:SIDE_PX, :SIDE_PX] - 31.4
DISC = np.clip(20.0 - np.hypot(Y, X), 0.0, 1.0)
SQUARE = np.clip(20.0 - np.maximum(np.abs(Y), np.abs(X)), 0.0, 1.0)


@pytest.fixture(scope="module")
def weighed(acquire, model_of):
    """Return a way to weigh the prior by a phase, as a round of this stage does."""
    series = model_of(acquire(coherence="wave")).series
    start = cold_start(series, SolverSettings())
    none = WeightLimits(tf.constant(1e9), tf.constant(1e9))

    def prior_of(phase_rad, stage=Stage.WHOLE):
        unknowns = tf.constant(np.stack([phase_rad, np.zeros_like(phase_rad)]), tf.float32)
        state = replace(start, unknowns=unknowns, stage=stage, limits=none, is_smooth=False)
        return weighed_prior(state, series)

    return prior_of


def test_the_edge_of_a_disc_is_known_all_around_and_its_inside_is_not(weighed):
    prior = weighed(DISC)
    length = np.hypot(Y, X)
    edge, inside = np.abs(length - 19.5) < 0.4, length < 12.0
    # It climbs in the middle, and bends at its head and at its foot.
    bent = np.abs(np.abs(length - 19.5) - 0.75) < 0.3
    places = (prior.known_steepness, edge), (prior.known_bending, bent)
    for known, place in places:
        square = np.sum(known.numpy() ** 2, axis=0)
        assert square[place].mean() > 0.6
        assert square[inside].max() < 0.15
    ky, kx = prior.known_steepness.numpy()[:, edge]
    radial = np.abs(ky * Y[edge] + kx * X[edge]) / (np.hypot(ky, kx) * length[edge])
    assert radial.mean() > 0.97


def test_sums_along_the_axes_know_no_edges(weighed):
    prior = weighed(SQUARE)
    assert float(prior.steepness_is_axial) == 1.0
    assert float(prior.bending_is_axial) == 1.0
    assert not prior.known_steepness.numpy().any()
    assert not prior.known_bending.numpy().any()


@pytest.mark.parametrize("stage", [Stage.GENTLE, Stage.EDGES])
def test_no_edge_is_known_before_edges_stand(weighed, stage):
    prior = weighed(DISC, stage)
    assert not prior.known_steepness.numpy().any()
    assert not prior.known_bending.numpy().any()
