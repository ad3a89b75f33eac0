from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.acquisition import session_of
from simulator.scenario import load_scenario

FILES = sorted((Path(__file__).parents[3] / "config" / "scenarios").glob("*.yaml"))


def test_there_are_some():
    assert len(FILES) >= 7


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_scenario_can_be_played(file):
    plan = load_scenario(file)
    assert plan.series.replace(" ", "_") == file.stem
    # Smaller, but with room for a period of each.
    specimen = plan.specimen.model_copy(update={"size_px": 96, "margin_px": 16})
    plan = plan.model_copy(update={"specimen": specimen})
    for acquisition in session_of(plan)[:2]:
        assert np.ptp(acquisition.truth_phase_rad) > 0.1
        frame = next(iter(acquisition.frames()))
        assert frame.image.dtype == np.dtype(plan.pixel_type)
        assert len(list(acquisition.truths())) == len(plan.plan_nm)
