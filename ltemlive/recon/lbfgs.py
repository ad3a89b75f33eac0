"""Limited-memory BFGS with a metric, on an explicit state.

Nocedal & Wright, "Numerical Optimization" (2006), algorithm 7.4. The initial inverse
Hessian is diagonal in Fourier space: the metric says how far each wave may
move for a given gradient. Nothing survives between calls but the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.spectrum import filtered
from ltemlive.recon.sums import overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

SUFFICIENT_DECREASE = 1e-4
ROUNDING = 3e-7
"""Relative rounding of the objective in float32: a smaller rise is no rise."""
MAX_HALVINGS = 10


class LbfgsState(NamedTuple):
    """Where the search stands; float32, positions of shape (..., ny, nx).

    The pairs are tuples, latest first, so that to forget the oldest copies none.
    """

    position: Tensor
    objective: Tensor
    gradient: Tensor
    moves: tuple[Tensor, ...]
    changes: tuple[Tensor, ...]
    """Of the gradient along each move."""
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
    empty = (tf.zeros_like(position),) * memory
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
        Inverse Hessian per wave, half plane of a real DFT, (..., ny, nx // 2 + 1).
    """
    direction = _direction(
        state.gradient, state.moves, state.changes, state.n_pairs, metric
    )
    slope = _slope(direction, state.gradient)
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
    gradient: Tensor,
    moves: tuple[Tensor, ...],
    changes: tuple[Tensor, ...],
    n_pairs: Tensor,
    metric: Tensor,
) -> Tensor:
    """Two-loop recursion; unfilled pairs weigh nothing."""
    curvature = [overlap(*pair) for pair in zip(moves, changes, strict=True)]
    is_filled = [(index < n_pairs) & (each > 0.0) for index, each in enumerate(curvature)]
    inverse = [
        tf.where(is_known, 1.0 / tf.where(is_known, each, 1.0), 0.0)
        for is_known, each in zip(is_filled, curvature, strict=True)
    ]
    remainder = gradient
    shares = []
    for move, change, weight in zip(moves, changes, inverse, strict=True):
        share = weight * overlap(move, remainder)
        remainder -= share * change
        shares.append(share)
    stiffness = overlap(changes[0], filtered(changes[0], metric))
    has_pair = is_filled[0] & (stiffness > 0.0)
    length = tf.where(has_pair, curvature[0] / tf.where(has_pair, stiffness, 1.0), 1.0)
    step = length * filtered(remainder, metric)
    for pair in reversed(range(len(moves))):
        excess = inverse[pair] * overlap(changes[pair], step)
        step += (shares[pair] - excess) * moves[pair]
    return -step


@tf.function(jit_compile=True)
def _slope(direction: Tensor, gradient: Tensor) -> Tensor:
    return overlap(direction, gradient)


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
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
    move, change, curvature = _pair(state.position, position, state.gradient, gradient)
    moves, changes = state.moves, state.changes
    n_pairs = tf.where(is_down, state.n_pairs, 0)
    if is_down and curvature > 0.0:
        moves = (move, *state.moves[:-1])
        changes = (change, *state.changes[:-1])
        n_pairs = tf.minimum(state.n_pairs + 1, len(moves))
    return moves, changes, n_pairs


@tf.function(jit_compile=True)
def _pair(
    start: Tensor, end: Tensor, start_gradient: Tensor, end_gradient: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    move, change = end - start, end_gradient - start_gradient
    return move, change, overlap(move, change)
