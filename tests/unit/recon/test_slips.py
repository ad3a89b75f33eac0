"""Steps that were climbed the wrong way round come out; those that a film has stay in."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ltemlive.recon.slips import MOST_TRIALS, has_slips, with_least_steps, without_slips
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.starts import warm_start
from ltemlive.recon.weighing import DOUBTING_ROUND, Stage
from ltemlive.settings import SolverSettings

SHAPE = (64, 64)
SETTINGS = SolverSettings(gentle_steps=1)
DEFOCI_NM = (0.0, -2e5, 2e5, -6e5, 6e5)
EVERYWHERE = np.ones(SHAPE, np.float32)


def disc_of(radius_px, middle=(32.0, 32.0)):
    """Return how far each pixel lies inside a disc [pixel]."""
    y, x = np.indices(SHAPE)
    return radius_px - np.hypot(y - middle[0], x - middle[1])


def mesa_of(*steps_rad):
    """Return a disc that climbs by these steps, pixel by pixel, from its rim inwards."""
    height = np.concatenate([[0.0], np.cumsum(steps_rad)])
    inside = np.clip(np.floor(disc_of(20.0)) + 1, 0, len(steps_rad)).astype(int)
    return height[inside].astype(np.float32)


def slipped(phase_rad):
    """Return a phase that winds around two points, and climbs the rim between them."""
    y, x = np.indices(SHAPE) - np.array([32.0, 32.0])[:, np.newaxis, np.newaxis]
    # Twice the angle that the chord is seen under: a turn more on one side of it.
    around = [np.arctan2(y - 20.5 * side, x + 0.5) for side in (1.0, -1.0)]
    return (phase_rad + around[0] - around[1]).astype(np.float32)


def wave_steps(phase_rad):
    """Return the steps along y and x that the wave has, none more than pi."""
    wave = np.exp(1j * np.asarray(phase_rad, float))
    return [np.angle(np.roll(wave, -1, axis) * np.conj(wave)) for axis in range(2)]


def outflow(steps):
    return sum(step - np.roll(step, 1, axis) for axis, step in enumerate(steps))


def at(phase_rad, series, **changes):
    """Return the state of a search for edges that has come to a phase."""
    state, _ = refine(cold_start(series, SETTINGS), series, 1)
    assert not state.is_smooth
    unknowns = tf.stack([tf.constant(phase_rad), state.unknowns[1]])
    begun = {"stage": Stage.EDGES, "round": DOUBTING_ROUND} | changes
    return replace(state, search=None, unknowns=unknowns, **begun)


# The phase with the least steps


@given(arrays(np.float32, (6, 8), elements=st.floats(-1.5, 1.5, width=32)))
def test_a_phase_of_little_steps_stays_as_it_is(phase_rad):
    np.testing.assert_allclose(
        with_least_steps(tf.constant(phase_rad)), phase_rad, atol=1e-5
    )


@given(arrays(np.int8, SHAPE, elements=st.integers(-2, 2)))
def test_whole_turns_come_out_wherever_they_are(turns):
    y, x = np.indices(SHAPE)
    little = np.sin(2 * np.pi * y / 64) + np.cos(4 * np.pi * x / 64)
    found = with_least_steps(tf.constant(little + 2 * np.pi * turns, tf.float32)).numpy()
    np.testing.assert_allclose(found - found.mean(), little - little.mean(), atol=1e-4)


def test_its_steps_come_closest_to_those_of_the_wave():
    """What is left of them is a curl: it flows out of no pixel (normal equations)."""
    phase_rad = slipped(mesa_of(2.9))
    found = with_least_steps(tf.constant(phase_rad)).numpy().astype(float)
    steps = [np.roll(found, -1, axis) - found for axis in range(2)]
    np.testing.assert_allclose(outflow(steps), outflow(wave_steps(phase_rad)), atol=1e-4)


@pytest.mark.parametrize("height_rad", [3.0, 3.3])
def test_steps_of_more_than_pi_are_seen_where_the_camera_saw(height_rad):
    phase = tf.constant(mesa_of(height_rad))
    assert has_slips(phase, EVERYWHERE) == (height_rad > np.pi)
    beyond = tf.constant((disc_of(24.0) < 0.0).astype(np.float32))
    assert not has_slips(phase, beyond)


# On trial


def test_a_rim_that_was_climbed_both_ways_is_mended(series_of):
    truth_rad = mesa_of(2.9)
    series = series_of(truth_rad, DEFOCI_NM, noise=0.05, pixel_nm=4.0)
    before = at(slipped(truth_rad), series)
    after = without_slips(before, series)
    assert not after.slips_kept
    assert np.std(before.phase.numpy() - truth_rad) > 1.0
    assert np.std(after.phase.numpy() - truth_rad) < 0.3


def test_a_whole_rim_that_no_image_tells_goes_the_way_that_bends_less(series_of):
    truth_rad = mesa_of(2.9)
    series = series_of(truth_rad, DEFOCI_NM, noise=0.05, pixel_nm=4.0)
    other_rad = truth_rad - 2.0 * np.float32(np.pi) * (truth_rad > 0.0)
    after = without_slips(at(other_rad, series), series)
    assert np.std(after.phase.numpy() - truth_rad) < 0.1


def test_steps_of_more_than_pi_that_a_film_has_are_kept(series_of):
    """A round wire climbs so at its edge, and goes on climbing."""
    truth_rad = mesa_of(3.3, 2.0, 1.4, 1.0, 0.7, 0.4)
    series = series_of(truth_rad, DEFOCI_NM, noise=0.05, pixel_nm=4.0)
    before, _ = refine(
        at(truth_rad, series, slips_kept=MOST_TRIALS), series, 20, one_round=True
    )
    before = replace(before, slips_kept=0)
    assert has_slips(before.phase, EVERYWHERE)
    after = without_slips(before, series)
    assert after.slips_kept == 1
    np.testing.assert_array_equal(after.unknowns, before.unknowns)
    assert after.evaluations > before.evaluations


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": Stage.GENTLE, "round": 0},
        {"stage": Stage.EDGES, "round": 0},
        {"is_smooth": True},
        {"slips_kept": MOST_TRIALS},
    ],
)
def test_nothing_is_tried_too_early_or_in_vain(series_of, changes):
    truth_rad = mesa_of(2.9)
    series = series_of(truth_rad, DEFOCI_NM, noise=0.05, pixel_nm=4.0)
    state = at(slipped(truth_rad), series, **changes)
    assert without_slips(state, series) is state


def test_steps_that_come_back_again_and_again_come_to_rest(series_of):
    """Freed, this phase fits as well and bends less, and then it climbs as before."""
    truth_rad = mesa_of(3.65, 0.75, 3.24)
    series = series_of(truth_rad, (0.0, -3e5, 3e5), noise=0.05, pixel_nm=4.0, seed=30)
    state, _ = refine(cold_start(series, SolverSettings()), series, 600)
    assert state.is_converged
    assert state.slips_kept == MOST_TRIALS


def test_more_images_are_asked_once_more(series_of):
    series = series_of(mesa_of(2.9), DEFOCI_NM, pixel_nm=4.0)
    state = at(mesa_of(2.9), series, slips_kept=MOST_TRIALS)
    assert warm_start(state, series).slips_kept == MOST_TRIALS - 1


@pytest.mark.parametrize(
    ("stage", "begun", "goes_on"),
    [(Stage.WHOLE, 2, DOUBTING_ROUND), (Stage.EDGES, 4, 4)],
)
def test_a_trial_takes_no_steps_and_edges_lock_in_again(series_of, stage, begun, goes_on):
    truth_rad = mesa_of(2.9)
    series = series_of(truth_rad, DEFOCI_NM, noise=0.05, pixel_nm=4.0)
    rested = {"misfit": 1.0, "moved_rad": 0.0, "is_damped": False}
    before = at(slipped(truth_rad), series, stage=stage, round=begun, **rested)
    after = without_slips(before, series)
    assert after.steps == before.steps
    assert (after.stage, after.round) == (Stage.EDGES, goes_on)
    assert (after.search, after.step_in_round) == (None, 0)
    assert (after.misfit, after.moved_rad, after.is_damped) == (np.inf, np.inf, True)
    assert after.evaluations >= before.evaluations + 2 * SETTINGS.round_steps
