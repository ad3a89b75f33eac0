"""A Barkhausen jump: one domain of a specimen reverses, and nothing else changes.

Jumps begin anywhere, so the larger domain has the larger chance: it is the one nearest to
a random point in the middle of the frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from simulator.pattern import Element
    from simulator.specimens.matter import Field
    from simulator.tilt import Tilt

_LARGEST_SHARE = 0.1
"""Of the field: what is larger is the maze itself rather than a domain in it."""


@dataclass(frozen=True, slots=True)
class Chance:
    """The random numbers of a specimen."""

    pattern: np.random.Generator
    """Draws senses, or the pattern of domains."""
    jump: np.random.Generator | None = None
    """Draws which domain has jumped; None: none has."""


def jumped_element(
    elements: Iterable[Element], field: Field, tilt: Tilt, rng: np.random.Generator
) -> Element:
    """Return the one of separate elements that has reversed."""
    shares = _random_point(rng)
    y_nm, x_nm = (
        np.array(share * field.frame_nm / shortened)
        for share, shortened in zip(shares, tilt.foreshortening, strict=True)
    )
    return min(elements, key=lambda each: float(each.distance_nm(y_nm, x_nm)))


def jumped_domain(
    is_up: NDArray[np.bool_],
    step_nm: tuple[float, ...],
    field: Field,
    *,
    period_nm: float,
    goes_on: bool,
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return where the domain lies that has reversed, and what is left of the walls.

    Parameters
    ----------
    is_up
        Which domains point along the beam, the others against it; shape (ny, nx).
    step_nm
        From one point to the next along (y, x) of the film.
    field
        Its frame is where the domain is looked for.
    period_nm
        Two neighbouring domains.
    goes_on
        Whether the film is repeated beyond the field, so that domains go on there.
    rng
        Draws the domain: not smaller than a square half a period wide, and not larger
        than a tenth of the field, if there is such a domain.

    Returns
    -------
    tuple
        The domain, shape (ny, nx), and the share of the in-plane magnetisation that is
        left. None is in the domain, which now points as its neighbours do, and all of it
        from the middle of these on, a quarter of a period away: so the walls between them
        are gone, and no others.
    """
    domains = _domains(is_up, goes_on=goes_on)
    sizes_px = np.bincount(domains.ravel())
    least_px = min((0.5 * period_nm) ** 2 / math.prod(step_nm), sizes_px.max())
    most_px = max(_LARGEST_SHARE * is_up.size, sizes_px[sizes_px >= least_px].min())
    is_one = (sizes_px >= least_px) & (sizes_px <= most_px)
    at_y, at_x = 0.5 * (field.side_px - 1) + _random_point(rng) * field.frame_px
    y, x = np.nonzero(is_one[domains])
    nearest = np.argmin((y - at_y) ** 2 + (x - at_x) ** 2)
    domain = np.asarray(domains == domains[y[nearest], x[nearest]])
    reach_nm = 0.25 * period_nm
    distance_nm = _distance_nm(domain, step_nm, reach_nm if goes_on else 0.0)
    share = np.minimum(distance_nm / reach_nm, 1.0)
    return domain, np.where(share < 1.0, np.sin(0.5 * math.pi * share) ** 2, 1.0)


def _distance_nm(
    domain: NDArray[np.bool_], step_nm: tuple[float, ...], repeated_nm: float
) -> NDArray[np.float64]:
    """Return how far each point is from a domain, also from what is repeated so far off."""
    margin_px = [math.ceil(repeated_nm / step) for step in step_nm]
    wider = np.pad(domain, [(each, each) for each in margin_px], mode="wrap")
    distance_nm = ndimage.distance_transform_edt(~wider, sampling=step_nm)
    (ny, nx), (top, left) = domain.shape, margin_px
    return np.asarray(distance_nm[top : top + ny, left : left + nx])


def _random_point(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (y, x) in the middle half of a frame whose sides go from -0.5 to 0.5."""
    return rng.uniform(-0.25, 0.25, 2)


def _domains(is_up: NDArray[np.bool_], *, goes_on: bool) -> NDArray[np.int32]:
    """Return the number of the domain in which each pixel lies."""
    up, n_up = ndimage.label(is_up)
    down, n_down = ndimage.label(~is_up)
    domains = np.where(is_up, up, down + n_up)
    if not goes_on:
        return np.asarray(domains)
    borders = ((is_up, domains), (is_up.T, domains.T))
    joined = np.concatenate(
        [each[[0, -1]][:, sense[0] == sense[-1]] for sense, each in borders], axis=1
    )
    n_labels = n_up + n_down + 1
    graph = sparse.coo_array(
        (np.ones(joined.shape[1]), (joined[0], joined[1])), shape=(n_labels, n_labels)
    )
    _, whole = sparse.csgraph.connected_components(graph, directed=False)
    return np.asarray(whole[domains])
