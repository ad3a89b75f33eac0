"""Estimates of which each array can be told from every other."""

from __future__ import annotations

import numpy as np
import pytest

from ltemlive.events import PhaseEstimate


def made_estimate(rev, *, ordinal=1, is_final=False, shape=(32, 48)):
    """Return an estimate whose arrays follow from its number."""
    phase = np.random.default_rng(rev).normal(size=shape).astype(np.float32)
    return PhaseEstimate(
        ordinal=ordinal,
        series="vortex",
        rev=rev,
        seqs_used=(0, 1),
        defocus_nm=(0.0, 1e5),
        steps=10 * rev,
        gradient_evaluations=10 * rev,
        objective=(1.0,),
        is_final=is_final,
        phase_rad=phase,
        amplitude=np.exp(phase),
        pixel_nm=5.0,
        device="cpu",
        set_aside=((7, "blank"),),
    )


@pytest.fixture
def estimate_of():
    return made_estimate
