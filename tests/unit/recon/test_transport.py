"""The transport-of-intensity equation on a series."""

import numpy as np
import pytest

from ltemlive.errors import FrameError
from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon.model import empty_model, with_frames
from ltemlive.recon.transport import tie_phase


def test_tie_finds_the_phase_from_the_pair_around_focus(acquire, model_of):
    acquisition = acquire((0.0, -2e5, 2e5, 2e6), 0.01)
    model = model_of(acquisition)
    accuracy = phase_accuracy(tie_phase(model), acquisition.truth_phase_rad)
    assert accuracy.phase > 0.93
    assert 0.7 < accuracy.slope < 1.1


def test_tie_does_not_mind_the_order_of_the_pair(acquire, model_of):
    acquisition = acquire((0.0, -2e5, 2e5))
    model = model_of(acquisition)
    backwards = list(acquisition.frames())[::-1]
    again = with_frames(empty_model((64, 64), model.microscope, 0), backwards)
    np.testing.assert_allclose(tie_phase(model), tie_phase(again), atol=1e-5)


def test_tie_without_a_pair_says_so_and_names_the_way_out(acquire, model_of):
    model = model_of(acquire((0.0, 1e5, 2e5)))
    with pytest.raises(FrameError) as caught:
        tie_phase(model)
    assert str(caught.value) == (
        "method tie: TIE needs one image on each side of focus; method ad needs no pair"
    )
