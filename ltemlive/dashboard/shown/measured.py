"""What was measured, in words, in rows of a table, and as the text of a file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from ltemlive.dashboard.shown import wording
from ltemlive.physics.edges import EdgeFit, NoEdge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.shown.measuring import (
        Profile,
        RegionStatistics,
        Segment,
        Spread,
    )


class Quantity(NamedTuple):
    """One that a profile can be of."""

    name: str
    unit: str
    field: str
    """Of ``Profile``."""
    column: str
    """Its heading in a file."""


QUANTITIES = (
    Quantity("Phase", "rad", "phase_rad", "phase_rad"),
    Quantity("Gradient", "mrad/nm", "gradient_mrad_per_nm", "gradient_mrad_per_nm"),
    Quantity("Induction", "T nm", "induction_t_nm", "induction_T_nm"),
    Quantity("Induction along", "T nm", "induction_along_t_nm", "induction_along_T_nm"),
    Quantity("Induction across", "T nm", "induction_across_t_nm", "induction_across_T_nm"),
)

STATISTICS_HEADINGS = ("", "Mean", "Deviation", "Least", "Most", "")
HEAD_LINES = 7
"""Commented lines above the headings of a saved profile; NumPy wants to know."""


def values_of(profile: Profile, quantity: Quantity) -> NDArray[np.float64]:
    """Return the values of one quantity along the line."""
    return cast("NDArray[np.float64]", getattr(profile, quantity.field))


def edge_text(edge: EdgeFit | NoEdge | None) -> str:
    """Return how wide the edge is, or why that cannot be told."""
    if edge is None:
        return ""
    if isinstance(edge, NoEdge):
        return f"no FWHM: {edge.reason}"
    width = wording.length_and_deviation_text(edge.fwhm_nm, edge.fwhm_deviation_nm)
    return f"FWHM {width}"


def ruler_text(ruler: Segment) -> str:
    """Return length and direction of a line."""
    length = wording.length_text(ruler.length_nm)
    return f"{length}   {wording.angle_text(ruler.angle_deg)}"


def statistics_rows(statistics: RegionStatistics) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table below ``STATISTICS_HEADINGS``."""
    vector = wording.value_text(statistics.vector_t_nm)
    direction = f"T nm at {wording.angle_text(statistics.direction_deg)}"
    return (
        _row("Phase", statistics.phase_rad, "rad"),
        _row("Gradient", statistics.gradient_mrad_per_nm, "mrad/nm"),
        _row("Induction", statistics.induction_t_nm, "T nm"),
        ("Mean vector", vector, "", "", "", direction),
    )


def profile_csv(
    estimate: EstimateShown,
    segment: Segment,
    profile: Profile,
    measured: tuple[Quantity, EdgeFit | NoEdge],
) -> str:
    """Return a profile as comma-separated values: ``HEAD_LINES`` lines, headings, rows.

    pandas reads it with ``comment="#"``, NumPy's ``genfromtxt`` with ``delimiter=","``,
    ``names=True`` and ``skip_header`` as the first line says. A value that is not known
    is ``nan``.
    """
    names = ["distance_nm", *(quantity.column for quantity in QUANTITIES)]
    columns = [profile.distance_nm, *(values_of(profile, each) for each in QUANTITIES)]
    rows = zip(*columns, strict=True)
    return "\n".join(
        [
            *_head(estimate, segment, measured),
            ",".join(names),
            *(",".join(f"{value:.7g}" for value in row) for row in rows),
            "",
        ]
    )


def _head(
    estimate: EstimateShown,
    segment: Segment,
    measured: tuple[Quantity, EdgeFit | NoEdge],
) -> tuple[str, ...]:
    quantity, edge = measured
    (y0, x0), (y1, x1) = segment.start_nm, segment.end_nm
    final = ", final" if estimate.is_final else ""
    if isinstance(edge, EdgeFit):
        width = f"{edge.fwhm_nm:.6g} nm, standard deviation {edge.fwhm_deviation_nm:.3g} nm"
        told = f"{width}, at {edge.position_nm:.6g} nm, height {edge.height:.6g}"
    else:
        told = f"none: {edge.reason}"
    return (
        f"# ltemlive profile; the headings stand below these {HEAD_LINES} lines",
        # A name comes from outside, and must not end the comment.
        f"# series: {' '.join(estimate.series.split())}",
        f"# revision: {estimate.rev}{final}",
        f"# from: x {x0:.6g} nm, y {y0:.6g} nm (y down, from the upper left corner)",
        f"# to: x {x1:.6g} nm, y {y1:.6g} nm",
        f"# averaged across: {segment.width_nm:.6g} nm",
        f"# FWHM of the edge in {quantity.column}: {told}",
    )


def _row(name: str, spread: Spread, unit: str) -> tuple[str, ...]:
    values = (spread.mean, spread.deviation, spread.least, spread.most)
    return (name, *(wording.value_text(value) for value in values), unit)
