from __future__ import annotations

import pytest
from pydantic import ValidationError

from simulator.faults import (
    MAX_GARBAGE_PART_BYTES,
    NO_FAULTS,
    FaultPlan,
    Faults,
    FrameFaults,
)

NAMES = FrameFaults._fields
N_FRAMES = 2000


def spoilt(plan, name, n_frames=N_FRAMES):
    return {seq for seq in range(n_frames) if getattr(plan.of_frame(seq), name)}


def test_nothing_goes_wrong_unless_it_is_asked_for():
    assert all(not any(NO_FAULTS.of_frame(seq)) for seq in range(100))


def test_a_fault_that_is_certain_happens_to_every_frame():
    plan = FaultPlan(Faults(**dict.fromkeys(NAMES, 1.0)), 3)
    assert all(all(plan.of_frame(seq)) for seq in range(100))


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_happens_as_often_as_it_should(name):
    # Five standard deviations of 2000 draws.
    assert len(spoilt(FaultPlan(Faults(**{name: 0.2}), 1), name)) == pytest.approx(
        400, abs=90
    )


def test_the_same_seed_spoils_the_same_frames_and_another_seed_others():
    faults = Faults(drop=0.3)
    assert spoilt(FaultPlan(faults, 1), "drop") == spoilt(FaultPlan(faults, 1), "drop")
    assert spoilt(FaultPlan(faults, 1), "drop") != spoilt(FaultPlan(faults, 2), "drop")


def test_more_of_one_fault_adds_frames_to_it_and_leaves_the_others_alone():
    few = FaultPlan(Faults(drop=0.1, dup=0.2), 1)
    many = FaultPlan(Faults(drop=0.3, dup=0.2), 1)
    assert spoilt(few, "drop") < spoilt(many, "drop")
    assert spoilt(few, "dup") == spoilt(many, "dup")


def test_garbage_is_a_message_of_few_parts_the_same_each_time():
    plan = FaultPlan(Faults(garbage=1.0), 1)
    messages = [plan.garbage(seq) for seq in range(100)]
    assert messages == [plan.garbage(seq) for seq in range(100)]
    assert {len(parts) for parts in messages} == set(range(1, 9))
    lengths = [len(part) for parts in messages for part in parts]
    assert max(lengths) <= MAX_GARBAGE_PART_BYTES
    assert len(set(lengths)) > 100


@pytest.mark.parametrize(
    "wrong", [{"drop": 1.5}, {"dup": -0.1}, {"kill_after": 0}, {"lose": 0.5}]
)
def test_faults_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)
