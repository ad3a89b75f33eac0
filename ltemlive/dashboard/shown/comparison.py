"""Two phases of one specimen side by side, and how far they agree. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ltemlive.dashboard.shown.history import revision_text
from ltemlive.physics.accuracy import phase_accuracy, without_plane
from ltemlive.physics.induction import phase_gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.shown.snapshot import DisplaySnapshot

Key: TypeAlias = tuple[Literal["revision", "tie"], int]
"""A revision by its number, or transport of intensity by the ordinal of its series."""
Quantity: TypeAlias = Literal["phase", "gradient"]

UNITS: dict[Quantity, str] = {"phase": "rad", "gradient": "mrad/nm"}

SAME_PIXEL = 1e-3
"""Relative difference of pixels that moves nothing by more than one in a large map."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A phase that can be compared."""

    key: Key
    text: str
    phase_rad: NDArray[np.float32] | None
    """None: the daemon has still to be asked for it."""
    pixel_nm: float = 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the second phase compares with the first."""

    correlation: float
    gradient_correlation: float
    slope: float
    """Second over first, after removal of a plane from each; 1 is the same strength."""
    rms_rad: float
    """Of the difference, after removal of a plane."""


def candidates(snapshot: DisplaySnapshot) -> tuple[Candidate, ...]:
    """Return what can be compared: the newest first, then TIE, then the others."""
    revisions = [_revision(each) for each in reversed(snapshot.history.entries)]
    if not revisions:
        return ()
    newest = snapshot.history.entries[-1]
    return (revisions[0], _tie(snapshot, newest), *revisions[1:])


def are_alike(first: Candidate, second: Candidate) -> bool:
    """Return whether two candidates with phases have pixels of the same places."""
    if first.phase_rad is None or second.phase_rad is None:
        return False
    is_one_size = math.isclose(first.pixel_nm, second.pixel_nm, rel_tol=SAME_PIXEL)
    return is_one_size and first.phase_rad.shape == second.phase_rad.shape


def agreement(first_rad: NDArray[np.float32], second_rad: NDArray[np.float32]) -> Agreement:
    """Return how two phases of one shape (ny, nx) agree."""
    figures = phase_accuracy(second_rad, first_rad)
    return Agreement(figures.phase, figures.gradient, figures.slope, figures.rms_rad)


def difference(
    first_rad: NDArray[np.float32], second_rad: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the second phase less the first and less a plane, which no data can tell."""
    return np.asarray(without_plane(second_rad - first_rad), np.float32)


def drawn(
    phase_rad: NDArray[np.float32], pixel_nm: float, quantity: Quantity
) -> NDArray[np.float32]:
    """Return a phase [rad] less its plane, or the magnitude of its gradient [mrad/nm].

    No data can tell the plane, and methods differ in it more than in anything else.
    """
    if quantity == "phase":
        return np.asarray(without_plane(phase_rad), np.float32)
    along_y, along_x = phase_gradient(phase_rad, pixel_nm=pixel_nm)
    return np.asarray(1e3 * np.hypot(along_y, along_x), np.float32)


def agreement_text(figures: Agreement) -> str:
    """Return the figures in one line."""
    return (
        f"second against first:   phase {figures.correlation:.4f}   gradient "
        f"{figures.gradient_correlation:.4f}   slope {figures.slope:.3f}   "
        f"difference {figures.rms_rad:.3g} rad rms"
    )


def _revision(estimate: EstimateShown) -> Candidate:
    text = f"{estimate.ordinal} {estimate.series}: {revision_text(estimate)}"
    key: Key = ("revision", estimate.rev)
    return Candidate(key, text, estimate.phase_rad, estimate.pixel_nm)


def _tie(snapshot: DisplaySnapshot, newest: EstimateShown) -> Candidate:
    text = f"{newest.ordinal} {newest.series}: transport of intensity (TIE)"
    key: Key = ("tie", newest.ordinal)
    tie = snapshot.tie
    if tie is None or tie.ordinal != newest.ordinal:
        return Candidate(key, text, None)
    return Candidate(key, text, tie.phase_rad, tie.pixel_nm)
