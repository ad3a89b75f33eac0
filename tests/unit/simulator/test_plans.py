from __future__ import annotations

import pytest
from pydantic import ValidationError

from simulator.plans import DefocusPlan


def test_a_quadratic_plan_is_the_paper_s():
    plan = DefocusPlan(kind="quadratic", planes_per_side=12, strongest_nm=1.44e6)
    sides = [1e4 * number**2 for number in range(1, 13)]
    assert plan.defocus_nm[0] == 0.0
    assert list(plan.defocus_nm[2::2]) == pytest.approx(sides)
    assert plan.defocus_nm[1::2] == tuple(-value for value in plan.defocus_nm[2::2])


@pytest.mark.parametrize(
    ("stated", "side_nm"),
    [
        ({"kind": "linear", "planes_per_side": 3, "strongest_nm": 9e5}, [3e5, 6e5, 9e5]),
        (
            {
                "kind": "geometric",
                "planes_per_side": 3,
                "weakest_nm": 1e4,
                "strongest_nm": 1e6,
            },
            [1e4, 1e5, 1e6],
        ),
        (
            {"kind": "hybrid", "weak_nm": [1e5, 2e5], "strong_nm": [1.5e6]},
            [1e5, 2e5, 1.5e6],
        ),
    ],
)
def test_each_kind_has_its_planes(stated, side_nm):
    assert list(DefocusPlan(**stated).defocus_nm[2::2]) == pytest.approx(side_nm)


def test_through_focus_goes_from_over_to_under():
    plan = DefocusPlan(kind="hybrid", order="through_focus", weak_nm=[2.0], strong_nm=[5.0])
    assert plan.defocus_nm == (-5.0, -2.0, 0.0, 2.0, 5.0)


def test_the_strongest_is_not_the_weakest():
    with pytest.raises(ValidationError, match="at least weakest_nm"):
        DefocusPlan(kind="geometric", weakest_nm=1e6, strongest_nm=1e5)
    with pytest.raises(ValidationError, match="at least weakest_nm"):
        DefocusPlan(kind="geometric", weakest_nm=5e6)


@pytest.mark.parametrize(
    ("stated", "key"),
    [
        ({"kind": "hybrid", "planes_per_side": 3}, "planes_per_side"),
        ({"kind": "hybrid", "strongest_nm": 1e6}, "strongest_nm"),
        ({"kind": "linear", "weakest_nm": 1e5}, "weakest_nm"),
        ({"kind": "quadratic", "strong_nm": [1e6]}, "strong_nm"),
    ],
)
def test_keys_that_a_kind_does_not_use_are_refused(stated, key):
    with pytest.raises(ValidationError, match="it left out, for only ") as caught:
        DefocusPlan(**stated)
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]
