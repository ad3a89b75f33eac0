"""A series as a state predicts it, and what it tells of an estimate."""

import numpy as np
import pytest

from ltemlive.recon.innovation import predictions
from ltemlive.recon.objective import seen_in
from ltemlive.recon.refocusing import optics_fit
from ltemlive.recon.rehearsal import rehearsed
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings(align=False, judge=False)


@pytest.fixture
def begun(acquire, model_of):
    """Return a model whose field goes on, and a state on its way."""
    model = model_of(acquire(border="free"))
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 30)
    return model, state


def test_images_are_as_predicted_in_noise_like_their_own(begun):
    model, state = begun
    series = rehearsed(model, state).series
    *defocused, focus = predictions(state, model.series)
    for image, pretended in zip(defocused, series.measured, strict=True):
        seen = seen_in(image.measured).numpy() > 0.0
        np.testing.assert_array_equal(seen_in(pretended) > 0.0, seen)
        noise = (pretended - image.predicted).numpy()[seen]
        assert noise.std() * float(image.precision) ** 0.5 == pytest.approx(1.0, rel=0.05)
        assert abs(noise.mean()) < 0.05 * noise.std()
    left = (series.focus - focus.predicted).numpy()[seen_in(focus.measured) > 0.0]
    assert left.std() * float(focus.precision) ** 0.5 == pytest.approx(1.0, rel=0.05)


def test_the_noise_is_always_the_same_and_each_image_has_its_own(begun):
    model, state = begun
    once, again = (rehearsed(model, state).series for _ in range(2))
    np.testing.assert_array_equal(once.measured, again.measured)
    noises = [
        (pretended - image.predicted).numpy()[40:80, 40:80].ravel()
        for image, pretended in zip(
            predictions(state, model.series), once.measured, strict=False
        )
    ]
    assert np.abs(np.corrcoef(noises) - np.eye(len(noises))).max() < 0.1


def test_of_a_rehearsed_series_right_optics_ask_for_no_step(begun):
    model, state = begun
    fit = optics_fit(rehearsed(model, state), state)
    assert np.abs(fit.steps).max() < 1e-3
