"""As many tilts as a cone needs, and which cone they are enough for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cone import tilts, widest_convergence_mrad


@given(st.integers(25, 5000), st.floats(1e-9, 1.0))
def test_the_widest_cone_takes_no_more_tilts_and_a_wider_one_does(count, step_rad):
    widest_mrad = widest_convergence_mrad(count, step_rad=step_rad)
    assert len(tilts(widest_mrad, step_rad=step_rad)) <= count
    assert len(tilts(1.05 * widest_mrad, step_rad=step_rad)) > count


@pytest.mark.parametrize("step_rad", [1e-6, 1e-3, 1e3])
def test_tilts_have_the_spread_of_the_cone_and_one_share(step_rad):
    weights, *along = np.transpose(tilts(0.01, step_rad=step_rad))
    assert weights.sum() == pytest.approx(1.0)
    for tilt in along:
        assert weights @ tilt == pytest.approx(0.0, abs=1e-12)
        assert weights @ tilt**2 == pytest.approx(0.5e-10, rel=0.02)


def test_a_beam_without_divergence_has_one_direction():
    assert tilts(0.0, step_rad=1e-6) == [(1.0, 0.0, 0.0)]
