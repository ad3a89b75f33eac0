"""The objective and its gradient, one image at a time.

    J(phase) = sum_k sum_r w (s_k A_k - d_k)^2 / (2 sigma_k^2)
               + beta TV(phase) - sum_r p phase

d is sqrt(intensity / mean), A its prediction, s_k the scale that fits best (closed form;
at its optimum its own derivative vanishes, so it is held fixed in the gradient), w is zero
where nothing was measured, p relieves well-measured waves of the prior's pull. In these
units of noise the first line is minus the log-likelihood of an amplitude with Gaussian
noise, the variance-stabilised form of Poisson statistics.

Per image the gradient is accumulated in Fourier space, with respect to the spectrum of the
exit wave: two FFTs an image and two in all, and memory for one image a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.forward import exit_wave_spectrum, predicted_amplitude
from ltemlive.recon.priors import total_variation

if TYPE_CHECKING:
    from tensorflow import Tensor


class FocalSeries(NamedTuple):
    """The measured series as the solver takes it; float32 unless it says otherwise.

    ``blur`` has shape (n, ny, nx // 2 + 1), or (n, 0, 0) where coherence acts on the wave:
    a series of one kind never meets a series of the other within one trace.
    """

    amplitude: Tensor
    """Of the exit wave, (ny, nx), mean square 1."""
    measured: Tensor
    """sqrt(intensity / mean) of each defocused image, (n, ny, nx)."""
    transfer: Tensor
    """complex64, (n, ny, nx)."""
    blur: Tensor
    weight: Tensor
    """(ny, nx): 1 where the camera saw, 0 in the border."""
    precision: Tensor
    """1 / sigma_k^2, (n,)."""
    stiffness: Tensor
    """Curvature of the misfit per wave of a weak phase, (ny, nx // 2 + 1)."""


class Image(NamedTuple):
    """One defocused image of a ``FocalSeries``: the same names without the first axis."""

    measured: Tensor
    transfer: Tensor
    blur: Tensor
    precision: Tensor


class EdgePrior(NamedTuple):
    """Total variation, less its pull on waves that the data determine by themselves.

    Value: weight TV(phase) - sum(relief phase). Scalars but for ``relief``.
    """

    weight: Tensor
    """[1/rad]"""
    smoothing: Tensor
    """[rad per pixel]"""
    relief: Tensor
    """[1/rad], (ny, nx)"""


@tf.function(jit_compile=True)
def _spectrum(phase: Tensor, amplitude: Tensor) -> Tensor:
    return exit_wave_spectrum(phase, amplitude)


@tf.function(jit_compile=True)
def _misfit(spectrum: Tensor, weight: Tensor, image: Image) -> tuple[Tensor, Tensor]:
    """Return one image's misfit and its gradient by the spectrum of the exit wave."""
    blur = image.blur if image.blur.shape[-1] else None
    with tf.GradientTape() as tape:
        tape.watch(spectrum)
        predicted = predicted_amplitude(spectrum, image.transfer, blur)
        overlap = tf.reduce_sum(weight * predicted * image.measured)
        scale = tf.stop_gradient(overlap / tf.reduce_sum(weight * predicted**2))
        residual = scale * predicted - image.measured
        misfit = 0.5 * image.precision * tf.reduce_sum(weight * residual**2)
    return misfit, tape.gradient(misfit, spectrum)


@tf.function(jit_compile=True)
def _with_prior(
    along_spectrum: Tensor,
    phase: Tensor,
    amplitude: Tensor,
    weight: Tensor,
    prior: EdgePrior,
) -> tuple[Tensor, Tensor]:
    """Return the prior's value and the gradient by the phase of images and prior."""
    with tf.GradientTape() as tape:
        tape.watch(phase)
        spectrum = exit_wave_spectrum(phase, amplitude)
    from_images = tape.gradient(spectrum, phase, output_gradients=along_spectrum)
    with tf.GradientTape() as tape:
        tape.watch(phase)
        value = prior.weight * total_variation(phase, prior.smoothing, weight)
        value -= tf.reduce_sum(prior.relief * phase)
    return value, from_images + tape.gradient(value, phase)


def objective_and_gradient(
    phase: Tensor, series: FocalSeries, prior: EdgePrior
) -> tuple[Tensor, Tensor]:
    """Return J (scalar) and dJ/d phase, shape (ny, nx); to be called within a graph.

    Images are computed side by side, as many as there are threads, and added in order.
    """
    threads = tf.config.threading.get_inter_op_parallelism_threads()
    spectrum = _spectrum(phase, series.amplitude)
    misfit = tf.zeros([], tf.float32)
    gradient = tf.zeros_like(spectrum)
    for index in tf.range(tf.shape(series.measured)[0]):
        tf.autograph.experimental.set_loop_options(parallel_iterations=max(threads, 1))
        image = Image(
            series.measured[index],
            series.transfer[index],
            series.blur[index],
            series.precision[index],
        )
        share, along_spectrum = _misfit(spectrum, series.weight, image)
        misfit += share
        gradient += along_spectrum
    value, total = _with_prior(gradient, phase, series.amplitude, series.weight, prior)
    return misfit + value, total
