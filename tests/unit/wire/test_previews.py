from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.events import PhaseEstimate
from ltemlive.wire.previews import block_average, estimate_arrays, preview_factor


@pytest.mark.parametrize(
    ("shape", "preview_px", "factor"),
    [((64, 64), 64, 1), ((65, 10), 64, 2), ((10, 128), 64, 2), ((129, 16), 64, 3)],
)
def test_the_factor_is_the_least_that_fits(shape, preview_px, factor):
    assert preview_factor(shape, preview_px) == factor


@settings(max_examples=50, deadline=None)
@given(st.integers(16, 70), st.integers(16, 70), st.integers(16, 70))
def test_no_side_of_a_preview_is_longer_than_asked(ny, nx, preview_px):
    factor = preview_factor((ny, nx), preview_px)
    average = block_average(np.ones((2, ny, nx), np.float32), factor)
    assert max(average.shape[1:]) <= preview_px
    assert average.shape == (2, ny // factor, nx // factor)
    np.testing.assert_array_equal(average, 1.0)


def test_each_pixel_of_a_preview_is_the_mean_of_its_block():
    image = np.arange(20, dtype=np.float32).reshape(4, 5)
    np.testing.assert_array_equal(block_average(image, 2), [[3.0, 5.0], [13.0, 15.0]])
    assert block_average(image, 1) is image


def test_the_gradient_of_a_preview_is_in_radians_per_nm_of_the_specimen():
    x_nm = np.arange(40, dtype=np.float32)[np.newaxis, :] * 5.0
    phase = np.broadcast_to(0.01 * x_nm, (32, 40)).astype(np.float32)
    estimate = PhaseEstimate(
        ordinal=1,
        series="a",
        rev=1,
        seqs_used=(0,),
        defocus_nm=(0.0,),
        steps=1,
        gradient_evaluations=1,
        objective=(1.0,),
        is_final=False,
        phase_rad=phase,
        amplitude=np.ones_like(phase),
        pixel_nm=5.0,
        device="cpu",
    )
    arrays = estimate_arrays(estimate, factor=2)
    mirrored = estimate_arrays(replace(estimate, beam="out_of_image"), factor=2)
    np.testing.assert_array_equal(mirrored["induction"], -arrays["induction"])
    np.testing.assert_array_equal(mirrored["gradient"], arrays["gradient"])
    assert {name: array.shape for name, array in arrays.items()} == {
        "phase": (16, 20),
        "gradient": (2, 16, 20),
        "induction": (2, 16, 20),
        "amplitude": (16, 20),
    }
    np.testing.assert_allclose(arrays["gradient"][1], 0.01, rtol=1e-3)
    np.testing.assert_allclose(arrays["gradient"][0], 0.0, atol=1e-6)
    np.testing.assert_allclose(arrays["induction"][0], 6.582, rtol=1e-3)
