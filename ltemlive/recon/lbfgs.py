"""Limited-memory BFGS with a metric, on an explicit state.

Nocedal & Wright, "Numerical Optimization" (2006), algorithm 7.4, with the products of all
pairs kept (Chen, Wang & Zhou 2014): its two loops run over numbers, and each image is read
but a few times. The initial inverse Hessian is diagonal in Fourier space: the metric says
how far each wave may move for a given gradient. A position has layers, images that are
moved together; each is left to a thread of its own. Nothing survives between calls but the
state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.compiled import compiled
from ltemlive.recon.spectrum import filtered, power_sum
from ltemlive.recon.sums import overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

SUFFICIENT_DECREASE = 1e-4
ROUNDING = 3e-7
"""Relative rounding of the objective in float32: a smaller rise is no rise."""
MAX_HALVINGS = 10


class LbfgsState(NamedTuple):
    """Where the search stands; float32, positions of shape (n_layers, ny, nx).

    The pairs are tuples, latest first, so that to forget the oldest copies none.
    """

    position: Tensor
    objective: Tensor
    gradient: Tensor
    moves: tuple[Tensor, ...]
    changes: tuple[Tensor, ...]
    """Of the gradient along each move."""
    products: Tensor
    """Of move i with change j, (memory, memory), where the move is not the later one."""
    n_pairs: Tensor
    """How many pairs are filled, int32."""
    length: Tensor
    """Of the metric's step, as the latest pair asked for it."""
    evaluations: Tensor
    """Gradients computed so far, int32."""
    is_stalled: Tensor
    """Whether the last step found no way down, bool."""


def lbfgs_init(
    position: Tensor,
    evaluate: Callable[[Tensor], tuple[Tensor, Tensor]],
    memory: int,
    length: Tensor,
) -> LbfgsState:
    """Return the state at ``position`` with an empty memory.

    ``length`` is that of an earlier search with a like metric, or 1: too long a first step
    costs a gradient for each halving.
    """
    objective, gradient = evaluate(position)
    empty = (tf.zeros_like(position),) * memory
    zero = tf.zeros([], tf.int32)
    return LbfgsState(
        position,
        objective,
        gradient,
        moves=empty,
        changes=empty,
        products=tf.zeros([memory, memory]),
        n_pairs=zero,
        length=length,
        evaluations=zero + 1,
        is_stalled=tf.constant(False),
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
        Inverse Hessian per wave, half planes of a real DFT, (n_layers, ny, nx // 2 + 1).
    """
    direction, length = _direction(state, metric)
    position, objective, gradient, trials = _line_search(state, evaluate, direction)
    limit = state.objective + ROUNDING * tf.abs(state.objective)
    is_down = tf.math.is_finite(objective) & (objective <= limit)
    if is_down:
        state = _moved(state, position, objective, gradient)
    else:
        state = state._replace(n_pairs=tf.zeros([], tf.int32))
        length *= 0.5**MAX_HALVINGS
    return state._replace(
        length=length,
        evaluations=state.evaluations + trials,
        is_stalled=tf.logical_not(is_down),
    )


def _direction(state: LbfgsState, metric: Tensor) -> tuple[Tensor, Tensor]:
    """Return the way down by the two loops, and the length of the metric's part in it.

    Unfilled pairs weigh nothing.
    """
    layers = [
        _Layer(gradient, moves, changes, factor)
        for gradient, moves, changes, factor in zip(
            tf.unstack(state.gradient),
            zip(*map(tf.unstack, state.moves), strict=True),
            zip(*map(tf.unstack, state.changes), strict=True),
            tf.unstack(metric),
            strict=True,
        )
    ]
    along_moves = tf.add_n([_overlaps(layer.moves, layer.gradient) for layer in layers])
    shares = _shares(along_moves, state.products, state.n_pairs)
    begun = [_metric_step(layer, shares) for layer in layers]
    stiffness = tf.add_n([layer_stiffness for _, layer_stiffness in begun])
    along_changes = tf.add_n(
        [
            _overlaps(layer.changes, step)
            for layer, (step, _) in zip(layers, begun, strict=True)
        ]
    )
    length = _length(state.products, state.n_pairs, stiffness, state.length)
    amounts = _amounts(shares, length * along_changes, state.products, state.n_pairs)
    direction = [
        _combined(layer.moves, step, length, amounts)
        for layer, (step, _) in zip(layers, begun, strict=True)
    ]
    return tf.stack(direction), length


class _Layer(NamedTuple):
    """What one layer of the position knows."""

    gradient: Tensor
    moves: tuple[Tensor, ...]
    changes: tuple[Tensor, ...]
    metric: Tensor


@compiled
def _overlaps(images: tuple[Tensor, ...], other: Tensor) -> Tensor:
    return tf.stack([overlap(image, other) for image in images])


@compiled
def _shares(along_moves: Tensor, products: Tensor, n_pairs: Tensor) -> Tensor:
    """Return how much of each change the gradient is relieved of, latest first."""
    inverse = _inverse_curvatures(products, n_pairs)
    shares: list[Tensor] = []
    for pair in range(products.shape[0]):
        taken = sum(share * products[pair, later] for later, share in enumerate(shares))
        shares.append(inverse[pair] * (along_moves[pair] - taken))
    return tf.stack(shares)


@compiled
def _metric_step(layer: _Layer, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the step of unit length by the metric, and the stiffness that it expects."""
    taken = tf.add_n(
        [
            share * change
            for share, change in zip(tf.unstack(shares), layer.changes, strict=True)
        ]
    )
    step = filtered(layer.gradient - taken, layer.metric)
    return step, power_sum(layer.changes[0], layer.metric)


@compiled
def _length(
    products: Tensor, n_pairs: Tensor, stiffness: Tensor, length_so_far: Tensor
) -> Tensor:
    """Return by how much the metric overrates the stiffness along the latest move."""
    has_pair = (n_pairs > 0) & (stiffness > 0.0)
    return tf.where(
        has_pair, products[0, 0] / tf.where(has_pair, stiffness, 1.0), length_so_far
    )


@compiled
def _amounts(
    shares: Tensor, along_changes: Tensor, products: Tensor, n_pairs: Tensor
) -> Tensor:
    """Return how much of each move is added to the step, latest first."""
    inverse = _inverse_curvatures(products, n_pairs)
    amounts: dict[int, Tensor] = {}
    for pair in reversed(range(products.shape[0])):
        added = sum(amount * products[older, pair] for older, amount in amounts.items())
        amounts[pair] = shares[pair] - inverse[pair] * (along_changes[pair] + added)
    return tf.stack([amounts[pair] for pair in range(products.shape[0])])


def _inverse_curvatures(products: Tensor, n_pairs: Tensor) -> Tensor:
    curvature = tf.linalg.diag_part(products)
    is_known = (tf.range(products.shape[0]) < n_pairs) & (curvature > 0.0)
    return tf.where(is_known, 1.0 / tf.where(is_known, curvature, 1.0), 0.0)


@compiled
def _combined(
    moves: tuple[Tensor, ...], step: Tensor, length: Tensor, amounts: Tensor
) -> Tensor:
    added = [amount * move for amount, move in zip(tf.unstack(amounts), moves, strict=True)]
    return -(length * step + tf.add_n(added))


def _line_search(
    state: LbfgsState,
    evaluate: Callable[[Tensor], tuple[Tensor, Tensor]],
    direction: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Halve the step until it goes down enough; return the last trial and their number."""
    slope = _overlaps((direction,), state.gradient)[0]
    rounding = ROUNDING * tf.abs(state.objective)
    # Nothing is tried yet: the loop begins by halving this length to the whole one.
    length, trials = tf.constant(2.0), tf.zeros([], tf.int32)
    position, gradient = state.position, state.gradient
    objective = tf.constant(float("inf"))
    while trials <= MAX_HALVINGS and not (
        objective <= state.objective + SUFFICIENT_DECREASE * length * slope + rounding
    ):
        length *= 0.5
        position = state.position + length * direction
        objective, gradient = evaluate(position)
        trials += 1
    return position, objective, gradient, trials


def _moved(
    state: LbfgsState, position: Tensor, objective: Tensor, gradient: Tensor
) -> LbfgsState:
    """Return the state at a new position, which remembers a convex move."""
    move, change, curvature = _pair(state.position, position, state.gradient, gradient)
    moves, changes, products = state.moves, state.changes, state.products
    n_pairs = state.n_pairs
    if curvature > 0.0:
        moves, changes = (move, *moves[:-1]), (change, *changes[:-1])
        with_latest = _overlaps(moves, change)[:, tf.newaxis]
        older = tf.pad(products[:-1, :-1], [[1, 0], [0, 0]])
        products = tf.concat([with_latest, older], axis=1)
        n_pairs = tf.minimum(n_pairs + 1, len(moves))
    return state._replace(
        position=position,
        objective=objective,
        gradient=gradient,
        moves=moves,
        changes=changes,
        products=products,
        n_pairs=n_pairs,
    )


@compiled
def _pair(
    start: Tensor, end: Tensor, start_gradient: Tensor, end_gradient: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    move, change = end - start, end_gradient - start_gradient
    return move, change, overlap(move, change)
