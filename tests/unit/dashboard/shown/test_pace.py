from __future__ import annotations

from types import SimpleNamespace

import pytest

from ltemlive.dashboard.shown.pace import NO_PACE, paced_frames, paced_steps


def heartbeat(t, stored, state="solving"):
    return SimpleNamespace(
        t_published=float(t), counters=(("stored", stored),), state=state
    )


def estimate(t, steps, ordinal=1, is_final=False):
    return SimpleNamespace(
        t_published=float(t), steps=steps, ordinal=ordinal, is_final=is_final
    )


def test_frames_are_counted_over_the_last_half_minute():
    pace = NO_PACE
    assert pace.frames_per_s is None
    for t in range(100):
        pace = paced_frames(pace, heartbeat(t, stored=2 * t))
    assert pace.frames_per_s == pytest.approx(2.0)
    assert len(pace.stored) == 31


def test_steps_are_counted_between_estimates_of_a_series():
    pace = paced_steps(paced_steps(NO_PACE, estimate(0, 10)), estimate(2, 30))
    assert pace.steps_per_s == pytest.approx(10.0)


@pytest.mark.parametrize(
    "newest", [estimate(3, 5), estimate(3, 40, ordinal=2), estimate(3, 40, is_final=True)]
)
def test_a_solver_that_begins_anew_has_no_pace_yet(newest):
    pace = paced_steps(paced_steps(NO_PACE, estimate(0, 10)), estimate(2, 30))
    assert paced_steps(pace, newest).steps_per_s is None


def test_a_solver_that_rests_has_no_pace():
    pace = paced_steps(paced_steps(NO_PACE, estimate(0, 10)), estimate(2, 30))
    assert paced_frames(pace, heartbeat(2.5, 1)).steps_per_s == pytest.approx(10.0)
    assert paced_frames(pace, heartbeat(2.5, 1, "waiting")).steps_per_s is None
    assert paced_frames(pace, heartbeat(60, 1)).steps_per_s is None


def test_two_counts_at_one_time_are_no_pace():
    pace = paced_frames(paced_frames(NO_PACE, heartbeat(1, 0)), heartbeat(1, 5))
    assert pace.frames_per_s is None
