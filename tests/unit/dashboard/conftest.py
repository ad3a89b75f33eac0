from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ltemlive.physics.induction import phase_gradient, projected_induction

PIXEL_NM = 5.0


def estimate(phase_rad, *, pixel_nm=PIXEL_NM):
    """Return what is measured of an estimate: its maps, and where they come from."""
    phase = np.asarray(phase_rad, np.float32)
    return SimpleNamespace(
        series="vortex disc",
        rev=7,
        is_final=False,
        pixel_nm=pixel_nm,
        phase_rad=phase,
        gradient_rad_per_nm=np.hypot(*phase_gradient(phase, pixel_nm=pixel_nm)),
        induction_t_nm=projected_induction(phase, pixel_nm=pixel_nm),
    )


@pytest.fixture(scope="session")
def maps_of():
    return estimate


@pytest.fixture(scope="session")
def centres_nm():
    """Return the (y, x) of the centres of the pixels of a map [nm]."""

    def grid(ny, nx, pixel_nm=PIXEL_NM):
        return (np.mgrid[:ny, :nx] + 0.5) * pixel_nm

    return grid
