"""The compiled searches: one trace for each shape of field, however many images."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.lbfgs import LbfgsState, lbfgs_init, lbfgs_step
from ltemlive.recon.objective import FocalSeries, objective_and_gradient
from ltemlive.recon.priors import Prior, no_prior

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor


class Graphs(NamedTuple):
    """What a search calls."""

    begin: Callable[..., LbfgsState]
    advance: Callable[..., tuple[LbfgsState, Tensor]]
    evaluate: Callable[..., tuple[Tensor, Tensor]]
    """Objective and gradient alone, of unknowns, series and prior."""


@cache
def search_graphs(
    shape: tuple[int, int], blur_shape: tuple[int, int], memory: int
) -> Graphs:
    """Return the graphs that begin a search without prior, and that advance one with it.

    For fields of one shape. Each is traced once, whatever the number of images: their axis
    stays open.
    """
    image = tf.TensorSpec(shape, tf.float32)
    scalar = tf.TensorSpec([], tf.float32)
    count = tf.TensorSpec([], tf.int32)
    unknowns = tf.TensorSpec([2, *shape], tf.float32)
    pairs = (unknowns,) * memory
    half_plane = tf.TensorSpec([shape[0], shape[1] // 2 + 1], tf.float32)
    half_planes = tf.TensorSpec([2, *half_plane.shape], tf.float32)
    series_spec = FocalSeries(
        amplitude=image,
        measured=tf.TensorSpec([None, *shape], tf.float32),
        transfer=tf.TensorSpec([None, *shape], tf.complex64),
        blur=tf.TensorSpec([None, *blur_shape], tf.float32),
        weight=image,
        precision=tf.TensorSpec([None], tf.float32),
        focus=image,
        focus_precision=scalar,
        stiffness=half_planes,
    )
    prior_spec = Prior(
        *(scalar,) * 9,
        known_steepness=unknowns,
        known_bending=tf.TensorSpec([3, *shape], tf.float32),
        roughness=half_plane,
        relief=unknowns,
    )
    search_spec = LbfgsState(
        position=unknowns,
        objective=scalar,
        gradient=unknowns,
        moves=pairs,
        changes=pairs,
        products=tf.TensorSpec([memory, memory], tf.float32),
        n_pairs=count,
        length=scalar,
        evaluations=count,
        is_stalled=tf.TensorSpec([], tf.bool),
    )

    evaluated = tf.function(
        objective_and_gradient, input_signature=[unknowns, series_spec, prior_spec]
    )

    @tf.function(input_signature=[unknowns, series_spec, scalar])
    def begin(start: Tensor, series: FocalSeries, length: Tensor) -> LbfgsState:
        bare = no_prior(shape)
        return lbfgs_init(start, lambda at: evaluated(at, series, bare), memory, length)

    @tf.function(input_signature=[search_spec, series_spec, prior_spec, half_planes, count])
    def advance(
        search: LbfgsState,
        series: FocalSeries,
        prior: Prior,
        metric: Tensor,
        n_steps: Tensor,
    ) -> tuple[LbfgsState, Tensor]:
        reached = tf.TensorArray(tf.float32, size=n_steps, element_shape=[])
        for step in tf.range(n_steps):
            if not search.is_stalled:
                search = lbfgs_step(search, lambda at: evaluated(at, series, prior), metric)
            reached = reached.write(step, search.objective)
        return search, reached.stack()

    return Graphs(begin, advance, evaluated)


def prepare_graphs(series: FocalSeries, memory: int) -> None:
    """Compile all that fields and images like those of ``series`` need; it may be empty.

    Takes seconds the first time; done while the first frames come in, it costs nobody.
    """
    ny, nx = series.amplitude.shape
    begin, advance, _ = search_graphs((ny, nx), tuple(series.blur.shape[1:]), memory)
    prior = no_prior((ny, nx))
    one_image = series._replace(
        measured=tf.ones([1, ny, nx]),
        transfer=tf.ones([1, ny, nx], tf.complex64),
        blur=tf.ones([1, *series.blur.shape[1:]]),
        precision=tf.ones([1]),
    )
    search = begin(tf.zeros([2, ny, nx]), one_image, tf.ones([]))
    advance(search, one_image, prior, tf.ones_like(series.stiffness), tf.constant(1))
