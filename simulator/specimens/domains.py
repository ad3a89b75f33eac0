"""Films whose domains point up or down the beam and show by the walls between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, signal

from simulator.specimens.jumps import jumped_domain
from simulator.specimens.matter import Film

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.specimen_keys import Wall
    from simulator.specimen_scenario import SpecimenScenario
    from simulator.specimens.jumps import Chance
    from simulator.specimens.matter import Field
    from simulator.tilt import Tilt

STRIPE_PERIOD_NM = 240.0
"""Two neighbouring domains of the striped film."""

_PERIOD_SPREAD = 0.15
"""Standard deviation of 1 / period, over itself: how straight the stripes are."""

_SETTLING = 20
"""Rounds after which few domains cross."""

_POINTS_PER_PERIOD = 8


def stripe_film(scenario: SpecimenScenario, field: Field, chance: Chance) -> Film:
    """Return smooth stripes, as wide as the walls between them."""
    step_nm = (field.pixel_nm, field.pixel_nm)
    shape = (field.side_px, field.side_px)
    height = _meander(shape, step_nm, scenario.period_nm, chance.pattern)
    in_plane = _stripes(height, scenario.wall)
    if chance.jump is not None:
        _, left = jumped_domain(
            height > 0.0,
            step_nm,
            field,
            period_nm=scenario.period_nm,
            goes_on=False,
            rng=chance.jump,
        )
        in_plane *= left
    coverage = np.ones(in_plane.shape[1:])
    return Film(coverage, np.stack([np.zeros_like(coverage), *in_plane]))


def stripe_domains(
    side_px: int,
    pixel_nm: float,
    rng: np.random.Generator,
    *,
    period_nm: float = STRIPE_PERIOD_NM,
    wall: Wall = "bloch",
) -> NDArray[np.float64]:
    """Return the in-plane (m_y, m_x) of meandering stripes, shape (2, side, side).

    The domains point up or down the beam and give no phase; what shows are Bloch walls
    between them, in which the magnetisation turns through the direction of the wall. In
    Neel walls it turns across them.
    """
    height = _meander((side_px, side_px), (pixel_nm, pixel_nm), period_nm, rng)
    return _stripes(height, wall)


def _stripes(height: NDArray[np.float64], wall: Wall) -> NDArray[np.float64]:
    """Return (m_y, m_x) of the walls where ``height`` goes through zero."""
    slope_y, slope_x = np.gradient(height)
    steepness = np.maximum(np.hypot(slope_y, slope_x), 1e-9)
    in_plane = 1.0 / np.cosh(3.0 * height)
    turning = (slope_x, -slope_y) if wall == "bloch" else (slope_y, slope_x)
    return np.asarray(np.stack(turning) * (in_plane / steepness))


def labyrinth_film(
    scenario: SpecimenScenario, field: Field, tilt: Tilt, chance: Chance
) -> Film:
    """Return the maze of a film with perpendicular anisotropy, its walls of one width.

    At the distance d from the middle of a wall m_z = tanh(pi d / w), w being the width of
    the wall after Lilley (Hubert & Schaefer, "Magnetic Domains" (1998)). In the
    plane the magnetisation is the gradient of a height across a Neel wall, and the same
    turned by 90 degrees along a Bloch wall: so Neel walls have no curl, to the last digit.
    """
    step_nm = tuple(field.pixel_nm / each for each in tilt.foreshortening)
    shape = (field.side_px, field.side_px)
    height = _maze(shape, step_nm, scenario.period_nm, chance.pattern)
    slope_y, slope_x = _gradient(height, step_nm)
    # The distance near a wall. It ends without a kink within a domain, and rises no
    # faster than a magnetisation may where two walls all but meet.
    bend = 2.0 * math.pi / scenario.period_nm * np.hypot(height, 0.3)
    wall_nm = scenario.wall_width_nm / math.pi
    across = height / np.sqrt(slope_y**2 + slope_x**2 + bend**2) / wall_nm
    # The Gudermannian: its slope is 1 / cosh, the part of m in the plane.
    turn = wall_nm * 2.0 * np.arctan(np.tanh(0.5 * across))
    m_y, m_x = _gradient(turn, step_nm)
    if scenario.wall == "bloch":
        m_y, m_x = m_x, -m_y
    sense = np.sign(height)
    if chance.jump is not None:
        domain, left = jumped_domain(
            height > 0.0,
            step_nm,
            field,
            period_nm=scenario.period_nm,
            goes_on=True,
            rng=chance.jump,
        )
        m_y, m_x, sense = m_y * left, m_x * left, np.where(domain, -sense, sense)
    m_z = sense * np.sqrt(np.maximum(1.0 - m_y**2 - m_x**2, 0.0))
    return Film(np.ones(shape), np.stack([m_z, m_y, m_x]), goes_on=True)


def _maze(
    shape: tuple[int, ...],
    step_nm: tuple[float, ...],
    period_nm: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return waves that have settled into stripes without crossings; repeated beyond.

    What saturates and is filtered again and again finds the lengths that a film prefers,
    as domains do whose walls repel each other (after Swift & Hohenberg 1977). It has no
    finer waves, so that it settles on as many points as these need, whatever the pixels.
    """
    side_nm = [n * step for n, step in zip(shape, step_nm, strict=True)]
    points = tuple(
        fft.next_fast_len(math.ceil(_POINTS_PER_PERIOD * side / period_nm))
        for side in side_nm
    )
    spacing_nm = tuple(side / n for side, n in zip(side_nm, points, strict=True))
    ring = _ring(points, spacing_nm, period_nm)
    height = _meander(points, spacing_nm, period_nm, rng)
    for _ in range(_SETTLING):
        height = fft.irfft2(fft.rfft2(np.tanh(2.0 * height)) * ring, s=points)
        height /= height.std()
    for axis, n in enumerate(shape):
        height = signal.resample(height, n, axis=axis)
    return np.asarray(height)


def _meander(
    shape: tuple[int, ...],
    step_nm: tuple[float, ...],
    period_nm: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return random waves of about one length in all directions; standard deviation 1."""
    ring = _ring(shape, step_nm, period_nm)
    height = fft.irfft2(fft.rfft2(rng.standard_normal(shape)) * ring, s=shape)
    return np.asarray(height / height.std())


def _ring(
    shape: tuple[int, ...], step_nm: tuple[float, ...], period_nm: float
) -> NDArray[np.float64]:
    """Return how much passes of each wave: those of about one length."""
    q_y = np.fft.fftfreq(shape[0], step_nm[0])[:, np.newaxis]
    q_x = np.fft.rfftfreq(shape[1], step_nm[1])[np.newaxis, :]
    detune = (np.hypot(q_y, q_x) * period_nm - 1.0) / _PERIOD_SPREAD
    return np.asarray(np.exp(-0.5 * detune**2))


def _gradient(
    height: NDArray[np.float64], step_nm: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (d/dy, d/dx) of what is repeated beyond the field."""
    waves = fft.rfft2(height)
    q_y = np.fft.fftfreq(height.shape[0], step_nm[0])[:, np.newaxis]
    q_x = np.fft.rfftfreq(height.shape[1], step_nm[1])[np.newaxis, :]
    return tuple(
        np.asarray(fft.irfft2(2j * math.pi * q * waves, s=height.shape)) for q in (q_y, q_x)
    )  # type: ignore[return-value]
