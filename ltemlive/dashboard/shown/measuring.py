"""What is measured in the maps: along a line, between two points, in a rectangle. Pure.

Places are (y, x) in nm from the upper left corner of the maps, y down, as the window draws
them: the centre of the first pixel lies half a pixel in. Angles count anticlockwise from x
(right), as they look on screen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.estimates import EstimateShown

Point: TypeAlias = tuple[float, float]

MRAD_PER_RAD = 1e3
MOST_POINTS, MOST_LINES = 2048, 256
"""Of a profile along and across its line; a line far longer than the maps has no more."""
SHORTEST_PX = 1e-6
"""Below it the rounding of its ends is what gives a line its direction."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight line from one point to another, as wide as is averaged across it."""

    start_nm: Point
    end_nm: Point
    width_nm: float = 0.0

    @property
    def length_nm(self) -> float:
        """The distance of the ends."""
        return math.hypot(*self._span_nm)

    @property
    def angle_deg(self) -> float:
        """Of the way from start to end, 0 to 360."""
        span_y, span_x = self._span_nm
        return screen_angle_deg(span_y, span_x)

    @property
    def along(self) -> Point:
        """The unit vector from start to end; (0, 0) where they are the same."""
        span_y, span_x = self._span_nm
        length = self.length_nm
        return (span_y / length, span_x / length) if length else (0.0, 0.0)

    @property
    def across(self) -> Point:
        """The unit vector to the left of the way, as it looks on screen."""
        along_y, along_x = self.along
        return -along_x, along_y

    def outline_nm(self) -> tuple[Point, ...]:
        """Return the corners of what is averaged, the first of them again at the end."""
        (y0, x0), (y1, x1) = self.start_nm, self.end_nm
        y, x = (0.5 * self.width_nm * part for part in self.across)
        corners = (y0 + y, x0 + x), (y1 + y, x1 + x), (y1 - y, x1 - x), (y0 - y, x0 - x)
        return (*corners, corners[0])

    def moved(self, y_nm: float, x_nm: float) -> Segment:
        """Return the same line elsewhere."""
        (y0, x0), (y1, x1) = self.start_nm, self.end_nm
        return replace(self, start_nm=(y0 + y_nm, x0 + x_nm), end_nm=(y1 + y_nm, x1 + x_nm))

    @property
    def _span_nm(self) -> Point:
        (y0, x0), (y1, x1) = self.start_nm, self.end_nm
        return y1 - y0, x1 - x0


@dataclass(frozen=True, slots=True)
class Region:
    """An upright rectangle."""

    top_nm: float
    left_nm: float
    bottom_nm: float
    right_nm: float

    @classmethod
    def between(cls, one_nm: Point, other_nm: Point) -> Region:
        """Return the rectangle with two opposite corners, whichever they are."""
        (top, bottom), (left, right) = map(sorted, zip(one_nm, other_nm, strict=True))
        return cls(top, left, bottom, right)

    def moved(self, y_nm: float, x_nm: float) -> Region:
        """Return the same rectangle elsewhere."""
        return Region(
            self.top_nm + y_nm,
            self.left_nm + x_nm,
            self.bottom_nm + y_nm,
            self.right_nm + x_nm,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Averages across a line, at evenly spaced points along it; NaN outside the maps."""

    distance_nm: NDArray[np.float64]
    """From the start, shape (n,) as all below."""
    phase_rad: NDArray[np.float64]
    gradient_mrad_per_nm: NDArray[np.float64]
    """Magnitude of the gradient of the phase."""
    induction_t_nm: NDArray[np.float64]
    """Magnitude of the induction times thickness."""
    induction_along_t_nm: NDArray[np.float64]
    """Its component from the start to the end."""
    induction_across_t_nm: NDArray[np.float64]
    """Its component to the left of that way, as it looks on screen."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of pixels are distributed; the deviation is the root mean square."""

    mean: float
    deviation: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """What the pixels hold whose centres lie in a region."""

    n_pixels: int
    phase_rad: Spread
    gradient_mrad_per_nm: Spread
    induction_t_nm: Spread
    """Of the magnitude."""
    vector_t_nm: float
    """Magnitude of the mean vector: below the mean magnitude where directions differ."""
    direction_deg: float
    """Of the mean vector."""


def screen_angle_deg(y: float, x: float) -> float:
    """Return the angle of a vector, y down, anticlockwise from right, in 0 to 360."""
    return math.degrees(math.atan2(-y, x)) % 360.0


def profile_of(estimate: EstimateShown, segment: Segment) -> Profile | None:
    """Return the profiles of all quantities along a line; None where it has no direction.

    Points are a pixel apart, or a little less, and so are the lines side by side that are
    averaged. Between pixel centres values are linear; what lies outside the maps, or is
    not finite, is left out.
    """
    pixel_nm = estimate.pixel_nm
    if segment.length_nm < SHORTEST_PX * pixel_nm:
        return None
    n_points = min(MOST_POINTS, math.ceil(segment.length_nm / pixel_nm) + 1)
    n_lines = max(1, min(MOST_LINES, round(segment.width_nm / pixel_nm)))
    distance_nm = np.linspace(0.0, segment.length_nm, n_points)
    beside_nm = ((np.arange(n_lines) + 0.5) / n_lines - 0.5) * segment.width_nm
    places_nm = [
        start + beside_nm[:, None] * across + distance_nm * along
        for start, across, along in zip(
            segment.start_nm, segment.across, segment.along, strict=True
        )
    ]
    b_y, b_x = (_sampled(part, places_nm, pixel_nm) for part in estimate.induction_t_nm)
    gradient = _sampled(estimate.gradient_rad_per_nm, places_nm, pixel_nm)
    return Profile(
        distance_nm=distance_nm,
        phase_rad=_averaged(_sampled(estimate.phase_rad, places_nm, pixel_nm)),
        gradient_mrad_per_nm=_averaged(gradient) * MRAD_PER_RAD,
        induction_t_nm=_averaged(np.hypot(b_y, b_x)),
        induction_along_t_nm=_averaged(b_y * segment.along[0] + b_x * segment.along[1]),
        induction_across_t_nm=_averaged(b_y * segment.across[0] + b_x * segment.across[1]),
    )


def statistics_of(estimate: EstimateShown, region: Region) -> RegionStatistics | None:
    """Return what the maps hold in a region; None without a finite pixel in it."""
    ny, nx = estimate.phase_rad.shape
    rows = _pixels_between(region.top_nm, region.bottom_nm, estimate.pixel_nm, ny)
    columns = _pixels_between(region.left_nm, region.right_nm, estimate.pixel_nm, nx)
    maps = (estimate.phase_rad, estimate.gradient_rad_per_nm, *estimate.induction_t_nm)
    inside = [each[rows, columns].ravel() for each in maps]
    is_known = np.logical_and.reduce([np.isfinite(each) for each in inside])
    if not is_known.any():
        return None
    if not is_known.all():
        inside = [each[is_known] for each in inside]
    phase, gradient, b_y, b_x = inside
    mean_y, mean_x = (float(part.mean(dtype=float)) for part in (b_y, b_x))
    return RegionStatistics(
        n_pixels=phase.size,
        phase_rad=_spread(phase),
        gradient_mrad_per_nm=_spread(gradient * np.float32(MRAD_PER_RAD)),
        induction_t_nm=_spread(np.hypot(b_y, b_x)),
        vector_t_nm=math.hypot(mean_y, mean_x),
        direction_deg=screen_angle_deg(mean_y, mean_x),
    )


def _sampled(
    values: NDArray[np.float32], places_nm: list[NDArray[np.float64]], pixel_nm: float
) -> NDArray[np.float64]:
    at_px = np.array([place / pixel_nm - 0.5 for place in places_nm])
    is_inside = np.ones(at_px.shape[1:], bool)
    for coordinate, count in zip(at_px, values.shape, strict=True):
        is_inside &= (coordinate >= -0.5) & (coordinate <= count - 0.5)
    sampled = _interpolated(values, at_px)
    return np.where(is_inside & np.isfinite(sampled), sampled, np.nan)


def _interpolated(
    values: NDArray[np.float32], at_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values between pixel centres; SciPy's way would have to be imported first."""
    last = np.array(values.shape).reshape(2, *[1] * (at_px.ndim - 1)) - 1
    # The outer half of the outermost pixels has their values.
    inside = np.clip(at_px, 0.0, last)
    (top, left) = first = inside.astype(np.intp)
    bottom, right = np.minimum(first + 1, last)
    down, across = inside - first
    with np.errstate(invalid="ignore"):
        upper = values[top, left] * (1.0 - across) + values[top, right] * across
        lower = values[bottom, left] * (1.0 - across) + values[bottom, right] * across
        return np.asarray(upper * (1.0 - down) + lower * down)


def _averaged(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    is_known = ~np.isnan(samples)
    count = np.count_nonzero(is_known, axis=0)
    total = np.where(is_known, samples, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _spread(values: NDArray[np.float32]) -> Spread:
    return Spread(
        mean=float(values.mean(dtype=float)),
        deviation=float(values.std(dtype=float)),
        least=float(values.min()),
        most=float(values.max()),
    )


def _pixels_between(first_nm: float, last_nm: float, pixel_nm: float, count: int) -> slice:
    first = math.ceil(first_nm / pixel_nm - 0.5)
    last = math.floor(last_nm / pixel_nm - 0.5)
    return slice(min(max(first, 0), count), min(max(last + 1, 0), count))
