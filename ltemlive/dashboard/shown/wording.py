"""How figures are written for the eye: units that fit, few digits. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.events import PhaseSigmas

NOTHING = "\N{EN DASH}"
"""Stands where a figure is not known."""
SAME_DEFOCUS = 0.01
"""Relative difference that is not worth a second figure."""

PI = "\N{GREEK SMALL LETTER PI}"
_MICRO = "\N{MICRO SIGN}"
_MINUS = "\N{MINUS SIGN}"
_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class ReadOut:
    """The values under the pointer, each with its unit."""

    position: str
    phase: str
    induction: str


def length_text(length_nm: float) -> str:
    """Return a length in the unit that suits it: nm below 1 um, then um, then mm."""
    unit, factor = _unit_of(length_nm)
    return f"{_figure(length_nm / factor)}{_THIN_SPACE}{unit}"


def defocus_text(defocus_nm: float | None, used_nm: float | None = None) -> str:
    """Return a defocus with its sign, always in um as lens tables have it.

    With the one that it is used with behind it, where that is another one.
    """
    if defocus_nm is None:
        return NOTHING
    stated = _micrometres(defocus_nm)
    if used_nm is None or math.isclose(used_nm, defocus_nm, rel_tol=SAME_DEFOCUS):
        return stated
    return f"{stated} \N{RIGHTWARDS ARROW} {_micrometres(used_nm)}"


def _micrometres(defocus_nm: float) -> str:
    figure = defocus_nm / 1e3
    sign = "+" if figure > 0 else ""
    return f"{sign}{_figure(figure)}"


def shift_text(shift_px: tuple[float, float] | None) -> str:
    """Return where a frame lies, (dy, dx) with their signs, to a tenth of a pixel."""
    if shift_px is None:
        return NOTHING
    return ", ".join(f"{each:+.1f}".replace("-", "\N{MINUS SIGN}") for each in shift_px)


def turn_text(turn: tuple[float, float] | None) -> str:
    """Return how a frame is rotated [degrees] and by how much larger it is [per cent]."""
    if turn is None:
        return NOTHING
    rotation_deg, magnification = turn
    text = f"{rotation_deg:+.2f}, {100.0 * (magnification - 1.0):+.2f}"
    return text.replace("-", "\N{MINUS SIGN}")


def fit_text(holdout: float | None) -> str:
    """Return how a frame fits the others: 1.0 does, more does not."""
    return NOTHING if holdout is None else f"{holdout:.2f}" if holdout < 10 else "10+"


def age_text(age_s: float | None) -> str:
    """Return a time span: tenths of a second first, then seconds, minutes, hours."""
    if age_s is None:
        return NOTHING
    if age_s < 10.0:
        return f"{age_s:.1f}{_THIN_SPACE}s"
    if age_s < 60.0:
        return f"{age_s:.0f}{_THIN_SPACE}s"
    minutes = int(age_s // 60)
    if minutes < 60:
        return f"{minutes}{_THIN_SPACE}min"
    return f"{minutes // 60}{_THIN_SPACE}h {minutes % 60}{_THIN_SPACE}min"


def sigma_text(sigmas: PhaseSigmas | None) -> str:
    """Return how sure the phase is, with two digits; a dash while nobody can tell."""
    if sigmas is None:
        return NOTHING
    # A zero at the end is a digit, too: 0.10.
    figure = f"{sigmas.phase_rad:#.2g}".rstrip(".")
    return f"\N{PLUS-MINUS SIGN}{figure}{_THIN_SPACE}rad"


def shortened(text: str, most: int) -> str:
    """Return at most ``most`` characters of a text; dots tell that there is more."""
    return (
        text if len(text) <= most else text[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    )


def nice_length_nm(at_most_nm: float) -> float:
    """Return the longest of 1, 2, 5 x 10^n nm that is not longer than ``at_most_nm``."""
    decade = 10.0 ** math.floor(math.log10(at_most_nm))
    # Rounding may lift the logarithm of 9.99... to the next decade; 0.5 is for that.
    steps = (5.0, 2.0, 1.0, 0.5)
    return next(step * decade for step in steps if step * decade <= at_most_nm)


def induction_text(induction_t_nm: float, *, thickness_nm: float = 0.0) -> str:
    """Return B t in T nm; B alone, in mT, where the thickness is known (not 0)."""
    if not thickness_nm:
        return f"{induction_t_nm:.3g} T nm"
    return f"{float(f'{1e3 * induction_t_nm / thickness_nm:.3g}'):g} mT"


def read_out(
    estimate: EstimateShown, *, y_nm: float, x_nm: float, thickness_nm: float = 0.0
) -> ReadOut | None:
    """Return what the maps hold at a point, measured from their upper left corner.

    None outside the maps. The angle of the induction counts anticlockwise from x (right),
    as it looks on screen; ``thickness_nm`` is that of ``induction_text``.
    """
    row, column = math.floor(y_nm / estimate.pixel_nm), math.floor(x_nm / estimate.pixel_nm)
    ny, nx = estimate.phase_rad.shape
    if not (0 <= row < ny and 0 <= column < nx):
        return None
    phase_rad = float(estimate.phase_rad[row, column])
    b_y, b_x = (float(part) for part in estimate.induction_t_nm[:, row, column])
    induction = NOTHING
    if math.isfinite(b_y) and math.isfinite(b_x):
        angle_deg = math.degrees(math.atan2(-b_y, b_x)) % 360.0
        strength = induction_text(math.hypot(b_y, b_x), thickness_nm=thickness_nm)
        induction = f"{strength} at {angle_text(angle_deg)}"
    return ReadOut(
        position=f"x {length_text(x_nm)}   y {length_text(y_nm)}",
        phase=f"{_figure(phase_rad, digits=3)} rad"
        if math.isfinite(phase_rad)
        else NOTHING,
        induction=induction,
    )


def value_at(
    values: NDArray[np.float32], point_nm: tuple[float, float], pixel_nm: float
) -> float | None:
    """Return what a map (ny, nx) holds at (y, x) nm from its corner, if anything."""
    row, column = (math.floor(place / pixel_nm) for place in point_nm)
    ny, nx = values.shape
    return float(values[row, column]) if 0 <= row < ny and 0 <= column < nx else None


def angle_text(angle_deg: float) -> str:
    """Return a direction in whole degrees, 0 to 359; a dash where it is not finite."""
    if not math.isfinite(angle_deg):
        return NOTHING
    return f"{round(angle_deg) % 360}\N{DEGREE SIGN}"


def value_text(value: float, unit: str = "") -> str:
    """Return a value with four digits and its unit; a dash where it is not finite."""
    if not math.isfinite(value):
        return NOTHING
    return f"{_figure(value)}{_THIN_SPACE}{unit}" if unit else _figure(value)


def length_and_deviation_text(length_nm: float, deviation_nm: float) -> str:
    """Return a length in the unit that suits it, with its deviation to one digit."""
    unit, factor = _unit_of(length_nm)
    length, deviation = length_nm / factor, deviation_nm / factor
    decimals = 3
    if deviation > 0.0:
        decimals = min(max(-math.floor(math.log10(deviation)), 0), 3)
    deviates = f"\N{PLUS-MINUS SIGN} {deviation:.{decimals}f}"
    return f"{length:.{decimals}f}{_THIN_SPACE}{unit} {deviates}"


def _unit_of(length_nm: float) -> tuple[str, float]:
    if abs(length_nm) < 1e3:
        return "nm", 1.0
    return (f"{_MICRO}m", 1e3) if abs(length_nm) < 1e6 else ("mm", 1e6)


def _figure(value: float, *, digits: int | None = None) -> str:
    text = f"{value:.4g}" if digits is None else f"{value:.{digits}f}"
    return text.replace("-", _MINUS)
