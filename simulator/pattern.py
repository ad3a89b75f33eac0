"""Elements of a patterned magnetic film: where its edge runs and how it is magnetised.

Lengths in nm; y down, x right; every element knows its sense, +1 or -1, which reverses its
magnetisation. A positive circulation turns from x (right) towards y (down).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

EDGE_NM = 10.0
"""Width over which an edge rises: no resist profile is vertical."""

WALL_NM = 12.0
"""Half width of a domain wall, and radius of a vortex core."""


class Element(Protocol):
    """One isolated piece of film."""

    def bounds_nm(self) -> tuple[float, float, float, float]:
        """Return (top, bottom, left, right)."""
        ...

    def distance_nm(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the distance to the edge, negative inside."""
        ...

    def direction(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (m_y, m_x), the in-plane part of the unit magnetisation."""
        ...


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle magnetised along its longer side."""

    y: float
    x: float
    height: float
    width: float
    sense: int = 1

    def bounds_nm(self) -> tuple[float, float, float, float]:
        """Return (top, bottom, left, right)."""
        half_height, half_width = self.height / 2.0, self.width / 2.0
        return (
            self.y - half_height,
            self.y + half_height,
            self.x - half_width,
            self.x + half_width,
        )

    def distance_nm(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the distance to the edge, negative inside."""
        beyond_y = np.abs(y - self.y) - self.height / 2.0
        beyond_x = np.abs(x - self.x) - self.width / 2.0
        outside = np.hypot(np.maximum(beyond_y, 0.0), np.maximum(beyond_x, 0.0))
        return np.asarray(outside + np.minimum(np.maximum(beyond_y, beyond_x), 0.0))

    def direction(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (m_y, m_x): uniform, as shape anisotropy wants it."""
        along = np.full(np.broadcast_shapes(y.shape, x.shape), float(self.sense))
        across = np.zeros_like(along)
        return (along, across) if self.height > self.width else (across, along)


@dataclass(frozen=True, slots=True)
class ClosureSquare(Bar):
    """A square of four domains that close the flux (Landau pattern)."""

    def direction(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (m_y, m_x): each domain runs along its side, 90 degree walls between."""
        dy, dx = y - self.y, x - self.x
        beside = 0.5 + 0.5 * np.tanh((np.abs(dx) - np.abs(dy)) / WALL_NM)
        m_y = beside * dx / np.hypot(dx, WALL_NM)
        m_x = -(1.0 - beside) * dy / np.hypot(dy, WALL_NM)
        core = np.tanh(np.hypot(dy, dx) / WALL_NM)
        scale = self.sense * core / np.maximum(np.hypot(m_y, m_x), 1e-9)
        return m_y * scale, m_x * scale


@dataclass(frozen=True, slots=True)
class VortexDisc:
    """A disc whose magnetisation turns around a core that points along the beam."""

    y: float
    x: float
    diameter: float
    sense: int = 1

    def bounds_nm(self) -> tuple[float, float, float, float]:
        """Return (top, bottom, left, right)."""
        radius = self.diameter / 2.0
        return self.y - radius, self.y + radius, self.x - radius, self.x + radius

    def distance_nm(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the distance to the edge, negative inside."""
        return np.asarray(np.hypot(y - self.y, x - self.x) - self.diameter / 2.0)

    def direction(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (m_y, m_x): azimuthal, fading in the core."""
        dy, dx = y - self.y, x - self.x
        radius = np.maximum(np.hypot(dy, dx), 1e-9)
        scale = self.sense * np.tanh(radius / WALL_NM) / radius
        return dx * scale, -dy * scale


@dataclass(frozen=True, slots=True)
class Chevron:
    """Two arms at a right angle, the flux going in by one and out by the other.

    The outer corner stands at (y, x); the arms run up or down (``down`` = -1, +1) and
    left or right (``right`` = -1, +1) from it.
    """

    y: float
    x: float
    length: float
    width: float
    down: int = 1
    right: int = 1
    sense: int = 1

    def _arms(self) -> tuple[Bar, Bar]:
        """Return the arm along y and the arm along x."""
        to_end, to_axis = self.length / 2.0, self.width / 2.0
        return (
            Bar(
                self.y + self.down * to_end,
                self.x + self.right * to_axis,
                self.length,
                self.width,
            ),
            Bar(
                self.y + self.down * to_axis,
                self.x + self.right * to_end,
                self.width,
                self.length,
            ),
        )

    def bounds_nm(self) -> tuple[float, float, float, float]:
        """Return (top, bottom, left, right)."""
        far_y = self.y + self.down * self.length
        far_x = self.x + self.right * self.length
        return (
            min(self.y, far_y),
            max(self.y, far_y),
            min(self.x, far_x),
            max(self.x, far_x),
        )

    def distance_nm(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the distance to the edge, negative inside."""
        along_y, along_x = self._arms()
        return np.minimum(along_y.distance_nm(y, x), along_x.distance_nm(y, x))

    def direction(
        self, y: NDArray[np.float64], x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (m_y, m_x): towards the corner along y, away from it along x."""
        from_corner_y = self.down * (y - self.y)
        from_corner_x = self.right * (x - self.x)
        in_y_arm = 0.5 + 0.5 * np.tanh((from_corner_y - from_corner_x) / WALL_NM)
        m_y = -self.down * in_y_arm
        m_x = self.right * (1.0 - in_y_arm)
        scale = self.sense / np.hypot(m_y, m_x)
        return m_y * scale, m_x * scale


def draw(
    elements: Iterable[Element], y_nm: NDArray[np.float64], x_nm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the film's thickness and in-plane moment, both relative to a full film.

    Parameters
    ----------
    elements
        Pieces that do not touch.
    y_nm, x_nm
        Positions of the rows and of the columns, ascending, evenly spaced.

    Returns
    -------
    tuple
        Coverage 0..1, shape (ny, nx), and coverage times (m_y, m_x), shape (2, ny, nx).
    """
    coverage = np.zeros((y_nm.size, x_nm.size))
    moment = np.zeros((2, *coverage.shape))
    edge_nm = max(EDGE_NM, float(y_nm[1] - y_nm[0]), float(x_nm[1] - x_nm[0]))
    for element in elements:
        top, bottom, left, right = element.bounds_nm()
        rows = slice(*np.searchsorted(y_nm, (top - edge_nm, bottom + edge_nm)))
        columns = slice(*np.searchsorted(x_nm, (left - edge_nm, right + edge_nm)))
        y, x = y_nm[rows, np.newaxis], x_nm[np.newaxis, columns]
        piece = np.clip(0.5 - element.distance_nm(y, x) / edge_nm, 0.0, 1.0)
        coverage[rows, columns] += piece
        moment[:, rows, columns] += piece * np.asarray(element.direction(y, x))
    return coverage, moment
