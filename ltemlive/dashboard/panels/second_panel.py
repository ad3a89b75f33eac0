"""The map between phase and induction: gradient, uncertainty or amplitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.map_panel import MapPanel
from ltemlive.dashboard.shown import wording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.shown.look import Look, SecondName

_GRADIENT_UNIT = 1e3
"""The window shows mrad/nm; rad/nm would need too many zeros."""
_NOT_YET = "not known before the phase rests"


class _Kind(NamedTuple):
    title: str
    unit: str
    colour_map: str


_KINDS: dict[SecondName, _Kind] = {
    "gradient": _Kind("Phase gradient", "mrad/nm", "cividis"),
    "uncertainty": _Kind("Uncertainty of the phase", "rad", "magma"),
    "amplitude": _Kind("Amplitude", "", "gray"),
}


class SecondPanel(MapPanel):
    """One map of the user's choice."""

    def __init__(self) -> None:
        kind = _KINDS["gradient"]
        unit = theme.label("muted", kind.unit)
        super().__init__(kind.title, unit, colour_map=kind.colour_map, is_magnitude=True)
        self.unit = unit
        self._second: SecondName = "gradient"
        self._estimate: EstimateShown | None = None

    def show_estimate(self, estimate: EstimateShown) -> None:
        """Draw the map that is chosen, where the estimate has it."""
        self._estimate = estimate
        values = self._values_of(estimate)
        if values is None:
            super().clear()
        else:
            self.show_map(values, pixel_nm=estimate.pixel_nm)

    def show_look(self, look: Look) -> None:
        """Draw what the user wants to see beside the phase."""
        super().show_look(look)
        if look.second == self._second:
            return
        self._second = look.second
        kind = _KINDS[look.second]
        self.heading.setText(kind.title)
        self.unit.setText(kind.unit)
        self.set_colour_map(kind.colour_map)
        # A deviation that hardly varies must not look as if it did.
        self.begin_quantity(is_magnitude=look.second != "amplitude")
        if self._estimate is not None:
            self.show_estimate(self._estimate)

    def clear(self) -> None:
        """Show nothing."""
        super().clear()
        self._estimate = None

    def reading(self, point_nm: tuple[float, float] | None) -> str:
        """Return what the map holds at (y, x), with its unit, or that it is not known."""
        if self._estimate is None:
            return ""
        values = self._values_of(self._estimate)
        if values is None:
            return _NOT_YET
        if point_nm is None:
            return ""
        value = wording.value_at(values, point_nm, self._estimate.pixel_nm)
        unit = _KINDS[self._second].unit
        return "" if value is None else wording.value_text(value, unit)

    def _values_of(self, estimate: EstimateShown) -> NDArray[np.float32] | None:
        if self._second == "gradient":
            return estimate.gradient_rad_per_nm * _GRADIENT_UNIT
        if self._second == "uncertainty":
            return estimate.phase_sigma_rad
        return estimate.amplitude
