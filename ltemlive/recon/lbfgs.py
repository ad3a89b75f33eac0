"""Limited-memory BFGS with a metric, on an explicit state.

Nocedal & Wright, "Numerical Optimization" (2006), algorithm 7.4. The initial inverse
Hessian is diagonal in Fourier space: the metric says how far each wave of the phase may
move for a given gradient. Nothing survives between calls but the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

SUFFICIENT_DECREASE = 1e-4
ROUNDING = 3e-7
"""Relative rounding of the objective in float32: a smaller rise is no rise."""
MAX_HALVINGS = 10


class LbfgsState(NamedTuple):
    """Where the search stands; float32, images of shape (ny, nx)."""

    position: Tensor
    objective: Tensor
    gradient: Tensor
    moves: Tensor
    """Latest first, (memory, ny, nx)."""
    changes: Tensor
    """Of the gradient along each move, (memory, ny, nx)."""
    n_pairs: Tensor
    """How many pairs are filled, int32."""
    evaluations: Tensor
    """Gradients computed so far, int32."""
    is_stalled: Tensor
    """Whether the last step found no way down, bool."""


def lbfgs_init(
    position: Tensor, evaluate: Callable[[Tensor], tuple[Tensor, Tensor]], memory: int
) -> LbfgsState:
    """Return the state at ``position`` with an empty memory."""
    objective, gradient = evaluate(position)
    empty = tf.zeros([memory, *position.shape], tf.float32)
    zero = tf.zeros([], tf.int32)
    return LbfgsState(
        position, objective, gradient, empty, empty, zero, zero + 1, tf.constant(False)
    )


def lbfgs_step(
    state: LbfgsState, evaluate: Callable[[Tensor], tuple[Tensor, Tensor]], metric: Tensor
) -> LbfgsState:
    """Return the state after one step downhill, or the same one marked as stalled.

    Parameters
    ----------
    evaluate
        Position -> (objective, gradient).
    metric
        Inverse Hessian per wave, half plane of a real DFT, (ny, nx // 2 + 1).
    """
    direction = _direction(
        state.gradient, state.moves, state.changes, state.n_pairs, metric
    )
    slope = tf.reduce_sum(direction * state.gradient)
    position, objective, gradient, trials = _line_search(state, evaluate, direction, slope)
    limit = state.objective + ROUNDING * tf.abs(state.objective)
    is_down = tf.math.is_finite(objective) & (objective <= limit)
    moves, changes, n_pairs = _remember(state, position, gradient, is_down)
    return LbfgsState(
        tf.where(is_down, position, state.position),
        tf.where(is_down, objective, state.objective),
        tf.where(is_down, gradient, state.gradient),
        moves,
        changes,
        n_pairs,
        state.evaluations + trials,
        tf.logical_not(is_down),
    )


@tf.function(jit_compile=True)
def _direction(
    gradient: Tensor, moves: Tensor, changes: Tensor, n_pairs: Tensor, metric: Tensor
) -> Tensor:
    """Two-loop recursion; unfilled pairs weigh nothing."""
    memory = moves.shape[0]
    curvature = tf.reduce_sum(moves * changes, axis=[1, 2])
    is_filled = (tf.range(memory) < n_pairs) & (curvature > 0.0)
    inverse = tf.where(is_filled, 1.0 / tf.where(is_filled, curvature, 1.0), 0.0)
    remainder = gradient
    shares = []
    for pair in range(memory):
        share = inverse[pair] * tf.reduce_sum(moves[pair] * remainder)
        remainder -= share * changes[pair]
        shares.append(share)
    stretched = _apply_metric(changes[0], metric)
    stiffness = tf.reduce_sum(changes[0] * stretched)
    has_pair = is_filled[0] & (stiffness > 0.0)
    length = tf.where(has_pair, curvature[0] / tf.where(has_pair, stiffness, 1.0), 1.0)
    step = length * _apply_metric(remainder, metric)
    for pair in reversed(range(memory)):
        overlap = inverse[pair] * tf.reduce_sum(changes[pair] * step)
        step += (shares[pair] - overlap) * moves[pair]
    return -step


def _apply_metric(image: Tensor, metric: Tensor) -> Tensor:
    spectrum = tf.signal.rfft2d(image) * tf.complex(metric, tf.zeros_like(metric))
    return tf.signal.irfft2d(spectrum, fft_length=image.shape)


def _line_search(
    state: LbfgsState,
    evaluate: Callable[[Tensor], tuple[Tensor, Tensor]],
    direction: Tensor,
    slope: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Halve the step until it goes down enough; return the last trial and their number."""
    length = tf.ones([], tf.float32)
    position = state.position + direction
    objective, gradient = evaluate(position)
    trials = tf.ones([], tf.int32)
    rounding = ROUNDING * tf.abs(state.objective)
    while trials <= MAX_HALVINGS and not (
        objective <= state.objective + SUFFICIENT_DECREASE * length * slope + rounding
    ):
        length *= 0.5
        position = state.position + length * direction
        objective, gradient = evaluate(position)
        trials += 1
    return position, objective, gradient, trials


def _remember(
    state: LbfgsState, position: Tensor, gradient: Tensor, is_down: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    move = position - state.position
    change = gradient - state.gradient
    is_convex = tf.reduce_sum(move * change) > 0.0
    if is_down and is_convex:
        moves = tf.concat([move[tf.newaxis], state.moves[:-1]], axis=0)
        changes = tf.concat([change[tf.newaxis], state.changes[:-1]], axis=0)
        n_pairs = tf.minimum(state.n_pairs + 1, tf.shape(state.moves)[0])
    else:
        moves, changes = state.moves, state.changes
        n_pairs = tf.where(is_down, state.n_pairs, 0)
    return moves, changes, n_pairs
