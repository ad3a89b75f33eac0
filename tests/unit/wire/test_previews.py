from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import WireError
from ltemlive.events import PhaseEstimate
from ltemlive.wire.previews import (
    block_average,
    estimate_arrays,
    full_array,
    preview_factor,
)


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


@pytest.fixture
def on_its_way():
    """Return an estimate whose phase rises by 0.01 rad/nm towards the right."""
    x_nm = np.arange(40, dtype=np.float32)[np.newaxis, :] * 5.0
    phase = np.broadcast_to(0.01 * x_nm, (32, 40)).astype(np.float32)
    return PhaseEstimate(
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


def test_the_gradient_of_a_preview_is_in_radians_per_nm_of_the_specimen(on_its_way):
    estimate, phase = on_its_way, on_its_way.phase_rad
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
    sure = replace(estimate, phase_sigma_rad=np.full_like(phase, 0.05))
    sigma = estimate_arrays(sure, factor=2)["phase_sigma"]
    np.testing.assert_array_equal(sigma, np.full((16, 20), 0.05, np.float32))


def test_an_estimate_on_its_way_has_no_map_of_how_sure_it_is(on_its_way):
    with pytest.raises(WireError, match="phase_sigma: estimate 1 has none; expected one"):
        full_array(on_its_way, "phase_sigma")


@pytest.mark.parametrize("shape", [(16, 640), (640, 16)])
def test_of_a_strip_there_is_one_row(shape):
    strip = np.arange(16.0 * 640.0, dtype=np.float32).reshape(shape)
    factor = preview_factor(shape, 32)
    assert factor > 16
    preview = block_average(strip, factor)
    assert sorted(preview.shape) == [1, 32]
    assert preview.mean() == pytest.approx(strip.mean())
