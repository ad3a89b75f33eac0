import numpy as np
import pytest
import tensorflow as tf

from ltemlive.recon.lbfgs import MAX_HALVINGS, ROUNDING, lbfgs_init, lbfgs_step
from ltemlive.recon.spectrum import filtered

SHAPE = (2, 9, 12)
HALF_PLANE = (2, 9, 7)
MEMORY = 5


def flat_metric():
    return tf.ones(HALF_PLANE)


def ring_hessian():
    """Return how stiff each wave is: 1 for the longest, some 100 for the shortest.

    The second layer is thrice as stiff.
    """
    q_y, q_x = np.fft.fftfreq(SHAPE[1])[:, np.newaxis], np.fft.rfftfreq(SHAPE[2])
    stiffness = 1.0 + 200.0 * (q_y**2 + q_x[np.newaxis, :] ** 2)
    return np.stack([stiffness, 3.0 * stiffness]).astype(np.float32)


class Quadratic:
    """1/2 <x - m, H (x - m)>, H diagonal in Fourier space; counts how often it is asked."""

    def __init__(self, hessian):
        rng = np.random.default_rng(5)
        self.minimum = rng.standard_normal(SHAPE).astype(np.float32)
        self.hessian = hessian
        self.asked = 0

    def __call__(self, position):
        self.asked += 1
        offset = position - self.minimum
        spectrum = tf.signal.rfft2d(offset) * tf.cast(self.hessian, tf.complex64)
        gradient = tf.signal.irfft2d(spectrum, SHAPE[1:])
        return 0.5 * tf.reduce_sum(offset * gradient), gradient

    def distance(self, state):
        return float(np.abs(state.position.numpy() - self.minimum).max())


def wavy(position):
    """Return a function with many minima and saddles, and its gradient."""
    with tf.GradientTape() as tape:
        tape.watch(position)
        value = tf.reduce_sum(tf.sin(3.0 * position) + 0.1 * position**2)
        value += tf.reduce_sum(tf.cos(position - tf.roll(position, 1, axis=1)))
    return value, tape.gradient(value, position)


def wavy_valley(position):
    """Return a valley whose curvature changes along the way, and its gradient."""
    with tf.GradientTape() as tape:
        tape.watch(position)
        offset = position - Quadratic(ring_hessian()).minimum
        neighbour = tf.roll(offset, 1, axis=1) - offset
        value = tf.reduce_sum(0.5 * offset**2 + 0.25 * offset**4 + 3.0 * neighbour**2)
    return value, tape.gradient(value, position)


def walk(evaluate, metric, n_steps, *, memory=MEMORY, start=None):
    """Return every state on the way, the first one included."""
    position = tf.zeros(SHAPE) if start is None else start
    states = [lbfgs_init(position, evaluate, memory, tf.ones([]))]
    for _ in range(n_steps):
        states.append(lbfgs_step(states[-1], evaluate, metric))
    return states


def test_with_the_true_curvature_as_metric_one_step_is_enough():
    problem = Quadratic(ring_hessian())
    state = walk(problem, tf.constant(1.0 / ring_hessian()), 1)[-1]
    assert problem.distance(state) < 1e-4
    assert int(state.evaluations) == 2


def test_without_metric_it_finds_the_minimum_all_the_same():
    problem = Quadratic(ring_hessian())
    state = walk(problem, flat_metric(), 60)[-1]
    assert problem.distance(state) < 1e-2
    assert float(state.objective) == pytest.approx(0.0, abs=1e-3)


def test_a_metric_that_is_nearly_right_saves_steps():
    problem = Quadratic(ring_hessian())
    nearly = tf.constant(1.0 / (ring_hessian() + 3.0))
    with_metric, without = (
        float(walk(problem, metric, 6)[-1].objective) for metric in (nearly, flat_metric())
    )
    assert with_metric < 0.1 * without


def test_a_wave_that_the_metric_forbids_does_not_move():
    problem = Quadratic(ring_hessian())
    metric = np.ones(HALF_PLANE, np.float32)
    metric[:, 0, 0] = 0.0
    state = walk(problem, tf.constant(metric), 10)[-1]
    np.testing.assert_allclose(state.position.numpy().mean(axis=(1, 2)), 0.0, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_objective_never_rises_beyond_its_rounding(seed):
    rng = np.random.default_rng(seed)
    start = tf.constant(3.0 * rng.standard_normal(SHAPE), tf.float32)
    states = walk(wavy, flat_metric(), 40, start=start)
    reached = np.array([float(state.objective) for state in states])
    assert (np.diff(reached) <= 2.0 * ROUNDING * np.abs(reached[:-1])).all()
    assert reached[-1] < reached[0] - 50.0
    assert float(tf.reduce_max(tf.abs(states[-1].gradient))) < 0.1


def test_evaluations_are_counted_as_they_happen():
    problem = Quadratic(ring_hessian())
    for state in walk(problem, flat_metric(), 1):
        assert int(state.evaluations) <= problem.asked
    assert int(state.evaluations) == problem.asked


def test_the_latest_pairs_are_kept_and_older_ones_forgotten():
    states = walk(Quadratic(ring_hessian()), flat_metric(), MEMORY + 3)
    assert [int(state.n_pairs) for state in states] == [0, 1, 2, 3, 4, 5, 5, 5, 5]
    last, before = states[-1], states[-2]
    np.testing.assert_array_equal(last.moves[0], last.position - before.position)
    np.testing.assert_array_equal(last.changes[0], last.gradient - before.gradient)
    assert len(last.moves) == MEMORY
    for kept, known in zip(last.moves[1:], before.moves[:-1], strict=True):
        np.testing.assert_array_equal(kept, known)


def test_the_direction_is_that_of_the_dense_inverse_hessian():
    """Nocedal & Wright (2006), equation 6.17, pair by pair from the oldest on."""
    metric = tf.constant(1.0 / (ring_hessian() + 3.0))
    state = walk(wavy_valley, metric, MEMORY + 3)[-1]
    assert int(state.n_pairs) == MEMORY
    n = state.position.shape.num_elements()
    move, change = (
        np.reshape(pairs, (MEMORY, n)).astype(float)
        for pairs in (state.moves, state.changes)
    )
    basis = tf.constant(np.eye(n, dtype=np.float32).reshape(n, *SHAPE))
    inverse = np.stack([filtered(unit, metric).numpy().ravel() for unit in basis])
    inverse *= (move[0] @ change[0]) / (change[0] @ inverse @ change[0])
    for s, y in zip(move[::-1], change[::-1], strict=True):
        left = np.eye(n) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    expected = state.position.numpy().ravel() - inverse @ state.gradient.numpy().ravel()
    following = lbfgs_step(state, wavy_valley, metric)
    assert int(following.evaluations) == int(state.evaluations) + 1
    np.testing.assert_allclose(following.position.numpy().ravel(), expected, atol=2e-5)


def test_a_first_step_has_the_length_that_an_earlier_search_found():
    problem = Quadratic(ring_hessian())
    state = lbfgs_init(tf.zeros(SHAPE), problem, MEMORY, tf.constant(0.25))
    step = lbfgs_step(state, problem, tf.constant(1.0 / ring_hessian())).position
    np.testing.assert_allclose(step, 0.25 * problem.minimum, atol=1e-4)


def test_a_search_that_stalls_leaves_a_shorter_length_to_the_next():
    def broken(position):
        return tf.constant(float("nan")), position * float("nan")

    (start,) = walk(Quadratic(ring_hessian()), flat_metric(), 0)
    assert float(lbfgs_step(start, broken, flat_metric()).length) < 0.01


def test_a_concave_pair_is_not_remembered():
    def hill(position):
        return -0.5 * tf.reduce_sum(position**2), -position

    state = walk(hill, flat_metric(), 1, start=tf.ones(SHAPE))[-1]
    assert float(state.objective) < -0.5 * np.prod(SHAPE)
    assert int(state.n_pairs) == 0


def test_a_cliff_of_nan_is_walked_around():
    problem = Quadratic(ring_hessian())
    problem.minimum *= 0.1

    def cliff(position):
        value, gradient = problem(position)
        is_beyond = tf.reduce_max(tf.abs(position)) > 0.5
        return tf.where(is_beyond, float("nan"), value), gradient

    states = walk(cliff, flat_metric(), 30)
    assert all(np.isfinite(float(state.objective)) for state in states)
    assert int(states[1].evaluations) > 2
    assert problem.distance(states[-1]) < 1e-2


def test_where_nothing_is_finite_the_state_stays_and_says_that_it_is_stalled():
    problem = Quadratic(ring_hessian())
    (start,) = walk(problem, flat_metric(), 0)

    def broken(position):
        return tf.constant(float("nan")), position * float("nan")

    state = lbfgs_step(start, broken, flat_metric())
    assert bool(state.is_stalled)
    assert int(state.evaluations) == 1 + MAX_HALVINGS + 1
    np.testing.assert_array_equal(state.position, start.position)
    np.testing.assert_array_equal(state.gradient, start.gradient)
    assert float(state.objective) == float(start.objective)


def test_at_the_minimum_nothing_moves():
    problem = Quadratic(ring_hessian())
    state = walk(problem, flat_metric(), 3, start=tf.constant(problem.minimum))[-1]
    np.testing.assert_array_equal(state.position, problem.minimum)
    assert float(state.objective) == 0.0
