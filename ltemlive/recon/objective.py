"""The objective and its gradient, one image at a time.

    J(phase, log a) = sum_k sum_r w (s_k A_k - d_k)^2 / (2 sigma_k^2) + prior

d is sqrt(intensity / mean), of the images in focus like of any other, A its prediction from
the exit wave a exp(i phase), s_k the scale that fits best (closed form; at its optimum its
own derivative vanishes, so it is held fixed in the gradient), and w is zero where nothing
was measured. In these units of noise the first part is minus the log-likelihood of an
amplitude with Gaussian noise, the variance-stabilised form of Poisson statistics.

Per image the gradient is accumulated in Fourier space, with respect to the spectrum of the
exit wave: two FFTs an image and two in all, and memory for one image a thread. Images in
focus show a itself, unless the camera blurs: one mean stands for all of them and takes no
FFT. The prior takes two real ones more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from ltemlive.recon.compiled import compiled
from ltemlive.recon.forward import exit_wave_spectrum, predicted_amplitude
from ltemlive.recon.priors import prior_and_gradient
from ltemlive.recon.sums import total

if TYPE_CHECKING:
    from tensorflow import Tensor

    from ltemlive.recon.priors import Prior


UNSEEN = -1.0
"""In place of an amplitude, which is never negative: border, and pixels not believed."""


class FocalSeries(NamedTuple):
    """The measured series as the solver takes it; float32 unless it says otherwise.

    ``blur`` has shape (n, ny, nx // 2 + 1), or (n, 0, 0) where nothing blurs the intensity:
    a series of one kind never meets a series of the other within one trace.
    """

    amplitude: Tensor
    """First guess of the exit wave's, (ny, nx), mean square 1."""
    measured: Tensor
    """sqrt(intensity / mean) of each image, (n, ny, nx), or ``UNSEEN``."""
    transfer: Tensor
    """complex64, (n, ny, nx)."""
    blur: Tensor
    weight: Tensor
    """(ny, nx): 1 in the frame that the phase is asked for, 0 in the border."""
    precision: Tensor
    """1 / sigma_k^2, (n,)."""
    focus: Tensor
    """Mean sqrt(intensity / mean) of the images in focus, which shows the amplitude itself,
    (ny, nx); ``UNSEEN`` as above."""
    focus_precision: Tensor
    """Sum of theirs, (); 0 where there is none."""
    stiffness: Tensor
    """Curvature of the misfit per wave of a weak phase, and of a weak log amplitude,
    (2, ny, nx // 2 + 1)."""


class Image(NamedTuple):
    """One image of a ``FocalSeries``: the same names without the first axis."""

    measured: Tensor
    transfer: Tensor
    blur: Tensor
    precision: Tensor


class Misfit(NamedTuple):
    """What some images contribute: a scalar, and its gradient by the exit wave's DFT."""

    value: Tensor
    along_spectrum: Tensor
    """complex64, (ny, nx)."""


def objective_and_gradient(
    unknowns: Tensor, series: FocalSeries, prior: Prior
) -> tuple[Tensor, Tensor]:
    """Return J and its derivative, shapes () and (2, ny, nx); to be called within a graph.

    ``unknowns`` are phase [rad] and log amplitude, (2, ny, nx). Every thread takes each
    n-th image and adds up its own, so that the order of the sum is fixed by their number.
    """
    threads = max(tf.config.threading.get_inter_op_parallelism_threads(), 1)
    # Not compiled: XLA's cosine takes ten times as long as TensorFlow's on the CPU.
    cosine, sine = tf.cos(unknowns[0]), tf.sin(unknowns[0])
    amplitude = tf.exp(unknowns[1])
    spectrum = _spectrum(cosine, sine, amplitude)
    value, along_prior = prior_and_gradient(unknowns, series.weight, prior)
    in_focus, along_focus = _in_focus(amplitude, series)
    shares = [_share(spectrum, series, first, threads) for first in range(threads)]
    gradient = _along_unknowns(
        [share.along_spectrum for share in shares],
        along_focus,
        cosine,
        sine,
        amplitude,
        along_prior,
    )
    return value + in_focus + tf.add_n([share.value for share in shares]), gradient


def _share(spectrum: Tensor, series: FocalSeries, first: int, threads: int) -> Misfit:
    """Return the misfit of image ``first`` and each ``threads``-th after it."""
    n_images = tf.shape(series.measured)[0]
    misfit = Misfit(tf.zeros([]), tf.zeros_like(spectrum))
    for index in tf.range(tf.minimum(first, n_images), n_images, threads):
        tf.autograph.experimental.set_loop_options(parallel_iterations=1)
        image = Image(
            series.measured[index],
            series.transfer[index],
            series.blur[index],
            series.precision[index],
        )
        misfit = _with_image(misfit, spectrum, image)
    return misfit


@compiled
def _spectrum(cosine: Tensor, sine: Tensor, amplitude: Tensor) -> Tensor:
    return exit_wave_spectrum(cosine, sine, amplitude)


@compiled
def _with_image(misfit: Misfit, spectrum: Tensor, image: Image) -> Misfit:
    """Return the misfit of one image more."""
    blur = image.blur if image.blur.shape[-1] else None
    with tf.GradientTape() as tape:
        tape.watch(spectrum)
        predicted = predicted_amplitude(spectrum, image.transfer, blur)
        value = image.precision * _half_square(predicted, image.measured)
    along_spectrum = tape.gradient(value, spectrum)
    return Misfit(misfit.value + value, misfit.along_spectrum + along_spectrum)


@compiled
def _in_focus(amplitude: Tensor, series: FocalSeries) -> tuple[Tensor, Tensor]:
    """Return the misfit of the images in focus, and its derivative by the amplitude."""
    with tf.GradientTape() as tape:
        tape.watch(amplitude)
        distance = _half_square(amplitude, series.focus)
        value = series.focus_precision * distance
    return value, tape.gradient(value, amplitude)


def _half_square(predicted: Tensor, measured: Tensor) -> Tensor:
    """Return half the squared distance of an image from its prediction, scaled to fit."""
    seen = seen_in(measured)
    overlap = total(seen * predicted * measured)
    power = total(seen * predicted**2)  # none where the frame lies beyond the field
    scale = tf.stop_gradient(tf.math.divide_no_nan(overlap, power))
    return 0.5 * total(seen * (scale * predicted - measured) ** 2)


def seen_in(measured: Tensor) -> Tensor:
    """Return 1 where an image has a value, 0 where it is ``UNSEEN``."""
    return tf.cast(measured >= 0.0, tf.float32)


@compiled
def _along_unknowns(
    along_spectrum: list[Tensor],
    along_focus: Tensor,
    cosine: Tensor,
    sine: Tensor,
    amplitude: Tensor,
    along_prior: Tensor,
) -> Tensor:
    """Return the gradient by phase and log amplitude, of images and prior.

    The derivatives of cosine and sine are each other, up to a sign, and that of the
    exponential is itself: all at hand.
    """
    with tf.GradientTape() as tape:
        tape.watch((cosine, sine, amplitude))
        spectrum = exit_wave_spectrum(cosine, sine, amplitude)
    along_cosine, along_sine, along_amplitude = tape.gradient(
        spectrum, (cosine, sine, amplitude), output_gradients=tf.add_n(along_spectrum)
    )
    along_phase = cosine * along_sine - sine * along_cosine
    along_log_amplitude = amplitude * (along_amplitude + along_focus)
    return tf.stack([along_phase, along_log_amplitude]) + along_prior
