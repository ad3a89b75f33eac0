"""The layout of a magnetic resolution target, after the USAF chart of 1951.

Groups of three bars in both directions, from wide to finest; nested chevrons; squares with
closed flux; discs with a vortex. The unit is 1/512 of the side of the frame, so that the
target fills frames of any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.pattern import Bar, Chevron, ClosureSquare, Element, VortexDisc

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

UNITS_PER_FRAME = 512

COARSE_BARS = (
    (16.0, 398.0), (14.0, 308.0), (12.0, 228.0), (10.0, 158.0), (8.0, 98.0), (6.0, 48.0),
)  # fmt: skip
"""(width, top) of the groups in the left column."""
FINE_BARS = (
    (7.0, 443.0), (6.0, 397.0), (5.0, 357.0), (4.5, 320.0), (4.0, 286.0), (3.5, 255.0),
    (3.0, 227.0), (2.5, 202.0),
)  # fmt: skip
"""The same in the right column."""
SQUARES = ((104.0, 300.0, 426.0), (64.0, 274.0, 318.0), (36.0, 342.0, 318.0))
"""(side, x, y) with the position of the centre."""
DISCS = ((84.0, 284.0, 208.0), (52.0, 366.0, 208.0), (28.0, 366.0, 262.0))
"""(diameter, x, y) with the position of the centre."""
CHEVRONS = ((14.0, 104.0, 0.0), (10.0, 72.0, 26.0), (7.0, 46.0, 45.0), (4.0, 26.0, 58.0))
"""(width, length, distance from the outermost corner along both axes)."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Turns units from the frame's corner into nm from its centre, and draws senses."""

    unit_nm: float
    senses: np.random.Generator

    def nm(self, position: float) -> float:
        return (position - UNITS_PER_FRAME / 2.0) * self.unit_nm

    def sense(self) -> int:
        return 1 if self.senses.random() < 0.5 else -1


def resolution_target(frame_nm: float, senses: np.random.Generator) -> tuple[Element, ...]:
    """Return the elements of a target that fills a square frame, centred at (0, 0).

    Parameters
    ----------
    frame_nm
        Side of the frame [nm].
    senses
        Draws the sense of each element's magnetisation.
    """
    return tuple(_elements(_Sheet(frame_nm / UNITS_PER_FRAME, senses)))


def _elements(sheet: _Sheet) -> Iterator[Element]:
    for width, top in COARSE_BARS:
        left = 118.0 - 5.0 * width
        yield from _lying_bars(sheet, width, top, left)
        yield from _standing_bars(sheet, width, top, left=134.0)
    for width, top in FINE_BARS:
        left = 438.0 - 5.0 * width
        yield from _lying_bars(sheet, width, top, left)
        yield from _standing_bars(sheet, width, top, left=448.0)
    for side, x, y in SQUARES:
        side_nm = side * sheet.unit_nm
        yield ClosureSquare(sheet.nm(y), sheet.nm(x), side_nm, side_nm, sheet.sense())
    for diameter, x, y in DISCS:
        diameter_nm = diameter * sheet.unit_nm
        yield VortexDisc(sheet.nm(y), sheet.nm(x), diameter_nm, sheet.sense())
    yield from _chevrons(sheet, y=140.0, x=238.0, down=-1, right=1)
    yield from _chevrons(sheet, y=36.0, x=480.0, down=1, right=-1)


def _lying_bars(sheet: _Sheet, width: float, top: float, left: float) -> Iterator[Bar]:
    """Yield three bars along x in a square of five widths."""
    unit = sheet.unit_nm
    for middle in (0.5, 2.5, 4.5):
        y, x = sheet.nm(top + middle * width), sheet.nm(left + 2.5 * width)
        yield Bar(y, x, width * unit, 5.0 * width * unit, sheet.sense())


def _standing_bars(sheet: _Sheet, width: float, top: float, left: float) -> Iterator[Bar]:
    """Yield three bars along y in a square of five widths."""
    unit = sheet.unit_nm
    for middle in (0.5, 2.5, 4.5):
        y, x = sheet.nm(top + 2.5 * width), sheet.nm(left + middle * width)
        yield Bar(y, x, 5.0 * width * unit, width * unit, sheet.sense())


def _chevrons(
    sheet: _Sheet, *, y: float, x: float, down: int, right: int
) -> Iterator[Chevron]:
    """Yield nested chevrons, the outermost with its corner at (y, x)."""
    for width, length, inset in CHEVRONS:
        yield Chevron(
            sheet.nm(y + down * inset),
            sheet.nm(x + right * inset),
            length * sheet.unit_nm,
            width * sheet.unit_nm,
            down=down,
            right=right,
            sense=sheet.sense(),
        )
