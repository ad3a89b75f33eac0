"""Defocus series: a list of values, or by rule."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationInfo, field_validator

from simulator.section import Section

Defocus = Annotated[float, Field(ge=-1e9, le=1e9)]
Defoci = Annotated[tuple[Defocus, ...], Field(min_length=1)]
DEFOCI: TypeAdapter[tuple[float, ...]] = TypeAdapter(Defoci)
"""Checks a list by itself."""
DEMO_NM = (0.0, -150_000.0, 150_000.0, -1_600_000.0, 1_600_000.0)
Distance = Annotated[float, Field(gt=0.0, le=1e9)]

_USED_BY = {
    "planes_per_side": ("linear", "quadratic", "geometric"),
    "weakest_nm": ("geometric",),
    "strongest_nm": ("linear", "quadratic", "geometric"),
    "weak_nm": ("hybrid",),
    "strong_nm": ("hybrid",),
}
"""Of keys that not every kind has."""


class DefocusPlan(Section):
    """The section ``defocus_plan``: an image in focus, and as many over as under it.

    | kind | planes of each side, k = 1 .. n |
    |---|---|
    | linear | strongest * k / n |
    | quadratic | strongest * (k / n)^2, as in the paper's experiment |
    | geometric | from weakest to strongest, each as many times the one before |
    | hybrid | those of ``weak_nm``, then those of ``strong_nm`` |
    """

    kind: Literal["linear", "quadratic", "geometric", "hybrid"] = "quadratic"
    planes_per_side: int = Field(12, ge=1, le=500)
    """n; hybrid counts its lists instead."""
    weakest_nm: Distance = 10_000.0
    """Of geometric."""
    strongest_nm: Distance = Field(1_440_000.0, validate_default=True)
    weak_nm: tuple[Distance, ...] = Field((150_000.0,), min_length=1)
    """Of hybrid, and so is ``strong_nm``."""
    strong_nm: tuple[Distance, ...] = Field((1_600_000.0,), min_length=1)
    order: Literal["pairs", "through_focus"] = "pairs"
    """In focus first, then -weakest, +weakest and so on; or from -strongest upwards."""

    @field_validator(*_USED_BY)
    @classmethod
    def _is_used(cls, value: object, info: ValidationInfo) -> object:
        kind, name = info.data.get("kind"), str(info.field_name)
        if kind is not None and kind not in _USED_BY[name] and cls.is_wanted(name, value):
            raise ValueError(
                f"it left out, for only {', '.join(_USED_BY[name])} plans have it"
            )
        return value

    @field_validator("planes_per_side")
    @classmethod
    def _has_both_ends(cls, number: int, info: ValidationInfo) -> int:
        if number == 1 and info.data.get("kind") == "geometric":
            raise ValueError("2 or more, of which one is weakest_nm and one strongest_nm")
        return number

    @field_validator("strongest_nm")
    @classmethod
    def _is_stronger(cls, strongest_nm: float, info: ValidationInfo) -> float:
        weakest_nm = info.data.get("weakest_nm", 0.0)
        if info.data.get("kind") == "geometric" and strongest_nm < weakest_nm:
            raise ValueError(f"at least weakest_nm ({weakest_nm:g})")
        return strongest_nm

    @property
    def defocus_nm(self) -> tuple[float, ...]:
        """The planes in the order in which they are exposed."""
        sides = self._side()
        if self.order == "through_focus":
            ascending = sorted(sides)
            return (*(-value for value in reversed(ascending)), 0.0, *ascending)
        return (0.0, *(sign * value for value in sides for sign in (-1.0, 1.0)))

    def _side(self) -> list[float]:
        if self.kind == "hybrid":
            return [*self.weak_nm, *self.strong_nm]
        number = self.planes_per_side
        if self.kind == "geometric":
            planes = np.geomspace(self.weakest_nm, self.strongest_nm, number)
            return [float(value) for value in planes]
        power = 1 if self.kind == "linear" else 2
        steps = range(1, number + 1)
        return [self.strongest_nm * step**power / number**power for step in steps]
