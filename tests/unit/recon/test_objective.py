import numpy as np
import pytest
import tensorflow as tf

from ltemlive.physics.optics import intensity_blur, transfer_function
from ltemlive.recon.forward import INTENSITY_FLOOR
from ltemlive.recon.objective import UNSEEN, FocalSeries, objective_and_gradient
from ltemlive.recon.priors import no_prior
from ltemlive.series import Microscope

SHAPE = (20, 27)
DEFOCI_NM = (-1e6, 3e5, 1e6)
SIGMAS = (0.05, 0.02, 0.1)
SMOOTHING_RAD = 0.05


class Setting:
    """One series as the solver takes it, and its objective again in double precision."""

    def __init__(self, coherence):
        optics = Microscope(voltage_kv=200.0, pixel_nm=10.0, coherence=coherence)
        rng = np.random.default_rng(3)
        scale = np.array([1.0, 0.1])[:, np.newaxis, np.newaxis]
        self.truth, self.start, self.along = scale * rng.standard_normal((3, 2, *SHAPE))
        self.weight = np.ones(SHAPE)
        self.weight[:3] = 0.0
        self.transfers = [transfer_function(SHAPE, df, optics) for df in DEFOCI_NM]
        self.blurs = [intensity_blur(SHAPE, df, optics) for df in DEFOCI_NM]
        self.is_blurred = coherence == "intensity"
        self.seen = [self.predicted(self.truth, index) for index in range(3)]
        self.measured = [image + 0.02 * rng.standard_normal(SHAPE) for image in self.seen]
        self.focus = np.exp(self.truth[1]) + 0.02 * rng.standard_normal(SHAPE)

    def series(self, *indices, measured=None, focus_precision=0.0, unseen=UNSEEN):
        """Return the images of these indices, and those in focus where they count."""
        measured = self.measured if measured is None else measured
        measured = [np.where(self.weight, image, unseen) for image in measured]
        blurs = self.blurs if self.is_blurred else [np.zeros((0, 0))] * 3
        half_planes = (2, SHAPE[0], SHAPE[1] // 2 + 1)
        return FocalSeries(
            amplitude=tf.ones(SHAPE),
            measured=tf.constant(np.array([measured[k] for k in indices]), tf.float32),
            transfer=tf.constant(np.array([self.transfers[k] for k in indices])),
            blur=tf.constant(np.array([blurs[k] for k in indices]), tf.float32),
            weight=tf.constant(self.weight, tf.float32),
            precision=tf.constant([SIGMAS[k] ** -2 for k in indices], tf.float32),
            focus=tf.constant(np.where(self.weight, self.focus, unseen), tf.float32),
            focus_precision=tf.constant(focus_precision, tf.float32),
            stiffness=tf.ones(half_planes),
        )

    def predicted(self, unknowns, index):
        phase, log_amplitude = unknowns
        wave = np.fft.fft2(np.exp(log_amplitude + 1j * phase)) * self.transfers[index]
        intensity = np.abs(np.fft.ifft2(wave)) ** 2
        if self.is_blurred:
            spread = np.fft.rfft2(intensity) * self.blurs[index]
            intensity = np.fft.irfft2(spread, s=SHAPE)
        return np.sqrt(intensity + INTENSITY_FLOOR)

    def in_numpy(self, unknowns, prior_weight, focus_precision=0.0):
        """Return J of all three images, those in focus, and the prior."""
        total = focus_precision * self.half_square(np.exp(unknowns[1]), self.focus)
        for index, sigma in enumerate(SIGMAS):
            image = self.predicted(unknowns, index)
            total += self.half_square(image, self.measured[index]) / sigma**2
        phase = unknowns[0]
        along_y, along_x = (np.roll(phase, -1, axis) - phase for axis in (0, 1))
        squared = along_y**2 + along_x**2
        steepness = np.sqrt(squared + SMOOTHING_RAD**2) - SMOOTHING_RAD
        return total + prior_weight * (self.weight * steepness).sum()

    def half_square(self, image, measured):
        scale = (self.weight * image * measured).sum() / (self.weight * image**2).sum()
        return 0.5 * (self.weight * (scale * image - measured) ** 2).sum()


@pytest.fixture(scope="module", params=["intensity", "wave"])
def setting(request):
    return Setting(request.param)


@pytest.fixture(scope="module")
def evaluate():
    """Return the objective in a graph, as the solver calls it."""
    graph = tf.function(objective_and_gradient, reduce_retracing=True)

    def evaluated(unknowns, series, prior_weight=0.0):
        prior = no_prior(SHAPE)._replace(
            steepness_weight=tf.constant(prior_weight),
            steepness_smoothing=tf.constant(SMOOTHING_RAD),
        )
        value, gradient = graph(tf.constant(unknowns, tf.float32), series, prior)
        return float(value), gradient.numpy().astype(np.float64)

    return evaluated


@pytest.mark.parametrize("prior_weight", [0.0, 50.0])
def test_the_objective_agrees_with_one_in_double_precision(setting, evaluate, prior_weight):
    value, _ = evaluate(setting.start, setting.series(0, 1, 2), prior_weight)
    assert value == pytest.approx(setting.in_numpy(setting.start, prior_weight), rel=1e-5)


@pytest.mark.parametrize("prior_weight", [0.0, 50.0])
def test_its_gradient_agrees_with_finite_differences(setting, evaluate, prior_weight):
    _, gradient = evaluate(setting.start, setting.series(0, 1, 2), prior_weight)
    up, down = (
        setting.in_numpy(setting.start + step * setting.along, prior_weight)
        for step in (1e-5, -1e-5)
    )
    slope = (gradient * setting.along).sum()
    assert slope == pytest.approx((up - down) / 2e-5, rel=2e-4)


def test_images_in_focus_count_by_their_precision(setting, evaluate):
    series = setting.series(0, 1, 2, focus_precision=300.0)
    value, gradient = evaluate(setting.start, series)
    assert value == pytest.approx(setting.in_numpy(setting.start, 0.0, 300.0), rel=1e-5)
    up, down = (
        setting.in_numpy(setting.start + step * setting.along, 0.0, 300.0)
        for step in (1e-5, -1e-5)
    )
    slope = (gradient * setting.along).sum()
    assert slope == pytest.approx((up - down) / 2e-5, rel=2e-4)
    _, without = evaluate(setting.start, setting.series(0, 1, 2))
    np.testing.assert_array_equal(gradient[0], without[0])
    assert np.abs(gradient[1] - without[1]).max() > 0.01 * np.abs(without[1]).max()


def test_its_gradient_is_right_at_single_pixels(setting, evaluate):
    _, gradient = evaluate(setting.start, setting.series(0, 1, 2))
    for pixel in [(0, 0, 0), (0, 3, 26), (0, 19, 13), (1, 4, 4), (1, 19, 0)]:
        poke = np.zeros((2, *SHAPE))
        poke[pixel] = 1e-4
        up, down = (setting.in_numpy(setting.start + sign * poke, 0.0) for sign in (1, -1))
        expected = (up - down) / 2e-4
        assert gradient[pixel] == pytest.approx(expected, abs=1e-4 * np.abs(gradient).max())


def test_images_add_up(setting, evaluate):
    together, gradient = evaluate(setting.start, setting.series(0, 2))
    alone = [evaluate(setting.start, setting.series(index)) for index in (0, 2)]
    assert together == pytest.approx(sum(value for value, _ in alone), rel=1e-6)
    expected = alone[0][1] + alone[1][1]
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def test_a_series_without_images_leaves_the_prior(setting, evaluate):
    full = setting.series(0)
    none = [
        getattr(full, name)[:0] for name in ("measured", "transfer", "blur", "precision")
    ]
    measured, transfer, blur, precision = none
    empty = full._replace(
        measured=measured, transfer=transfer, blur=blur, precision=precision
    )
    value, gradient = evaluate(setting.start, empty)
    assert value == 0.0
    assert not gradient.any()


def test_what_the_camera_did_not_see_does_not_matter(setting, evaluate):
    value, gradient = evaluate(setting.start, setting.series(0, 1, 2))
    again, same = evaluate(setting.start, setting.series(0, 1, 2, unseen=-7.0))
    assert value == again
    np.testing.assert_array_equal(gradient, same)


def test_the_scale_of_an_image_is_fitted(setting, evaluate):
    truth = setting.seen
    brighter = [1.3 * image for image in truth]
    value, gradient = evaluate(setting.truth, setting.series(0, 1, 2, measured=brighter))
    assert value == pytest.approx(0.0, abs=1e-3)
    elsewhere, steep = evaluate(setting.start, setting.series(0, 1, 2, measured=brighter))
    assert elsewhere > 100.0
    assert np.abs(gradient).max() < 1e-3 * np.abs(steep).max()


def test_at_the_truth_it_is_half_the_number_of_pixels_if_the_noise_is_known(
    setting, evaluate
):
    rng = np.random.default_rng(8)
    noisy = [
        image + sigma * rng.standard_normal(SHAPE)
        for image, sigma in zip(setting.seen, SIGMAS, strict=True)
    ]
    value, _ = evaluate(setting.truth, setting.series(0, 1, 2, measured=noisy))
    assert value == pytest.approx(0.5 * 3 * setting.weight.sum(), rel=0.1)
