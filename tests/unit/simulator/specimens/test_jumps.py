"""One domain reverses: there the magnetisation turns round, elsewhere no bit changes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from simulator.specimen_scenario import SpecimenScenario
from simulator.specimens.domains import labyrinth_film, stripe_film
from simulator.specimens.jumps import Chance
from simulator.specimens.matter import Field
from simulator.specimens.patterned import disc_film, target_film
from simulator.specimens.solids import nanowire
from simulator.tilt import Tilt

FIELD = Field(side_px=192, frame_px=160, pixel_nm=10.0)
FLAT = Tilt()
QUARTER_NM = 60.0
"""Of the period of domains."""


def scenario(kind, **keys):
    return SpecimenScenario.model_validate({"kind": kind} | keys)


def films(make, *, seed=1, jump=1):
    """Return the film before and after, made by ``make(chance)``."""
    return tuple(
        make(Chance(np.random.default_rng(seed), jumped))
        for jumped in (None, np.random.default_rng(jump))
    )


def target(chance):
    return target_film(FIELD, FLAT, chance)


def discs(chance):
    return disc_film(scenario("vortex_discs"), FIELD, FLAT, chance)


def stripes(chance):
    return stripe_film(scenario("stripe_domains"), FIELD, chance)


def maze(chance, *, tilt=FLAT, field=FIELD, **keys):
    return labyrinth_film(scenario("labyrinth", **keys), field, tilt, chance)


@pytest.mark.parametrize("make", [target, discs])
@pytest.mark.parametrize("jump", range(4))
def test_of_separate_elements_one_turns_round_and_the_others_keep_every_bit(make, jump):
    before, after = films(make, jump=jump)
    np.testing.assert_array_equal(after.coverage, before.coverage)
    piece, n_pieces = ndimage.label(before.coverage > 0.0)
    is_changed = (before.direction[1:] != after.direction[1:]).any(axis=0)
    (jumped,) = np.unique(piece[is_changed])
    assert n_pieces > 20
    inside = piece == jumped
    np.testing.assert_array_equal(
        after.direction[1:, inside], -before.direction[1:, inside]
    )
    np.testing.assert_array_equal(after.direction[:, ~inside], before.direction[:, ~inside])


@pytest.mark.parametrize("make", [target, discs])
def test_the_element_lies_well_inside_the_frame_and_follows_from_the_seed(make):
    changes = []
    for jump in (*range(8), 0):
        before, after = films(make, jump=jump)
        changes.append((before.direction != after.direction).any(axis=0))
        y, x = np.nonzero(changes[-1])
        assert abs(y.mean() - 95.5) < 60.0
        assert abs(x.mean() - 95.5) < 60.0
    np.testing.assert_array_equal(changes[0], changes[-1])
    assert len({each.tobytes() for each in changes}) > 2


def flooded(mask, y, x):
    """Return what of a mask that repeats beyond its borders is joined to a point of it."""
    seen = np.zeros_like(mask)
    seen[y, x] = True
    while True:
        beyond = ndimage.binary_dilation(np.pad(seen, 1, mode="wrap"))[1:-1, 1:-1]
        grown = ndimage.binary_propagation(beyond & mask, mask=mask)
        if np.array_equal(grown, seen):
            return seen
        seen = grown


def steep_maze(chance):
    return maze(chance, tilt=Tilt(y_deg=50.0))


def neel_maze(chance):
    return maze(chance, wall="neel", wall_width_nm=60.0)


@pytest.mark.parametrize("make", [maze, steep_maze, neel_maze])
@pytest.mark.parametrize("jump", range(3))
def test_a_domain_of_a_maze_joins_its_neighbours_and_the_rest_keeps_every_bit(make, jump):
    before, after = (film.direction for film in films(make, jump=jump))
    domain = before[0] * after[0] < 0.0
    is_up = before[0] > 0.0
    y, x = np.argwhere(domain)[0]
    np.testing.assert_array_equal(domain, flooded(is_up == is_up[y, x], y, x))
    assert domain.sum() >= 100
    assert domain.sum() < 0.25 * domain.size
    np.testing.assert_array_equal(after[1:, domain], 0.0)
    # All of one sense, from its middle to beyond its walls.
    sense = np.sign(after[0, domain][0])
    wider = ndimage.binary_dilation(domain, iterations=2)
    assert (sense * after[0, wider] > 0.9).all()
    np.testing.assert_allclose(np.linalg.norm(after, axis=0), 1.0, atol=1e-2)
    away = np.tile(~domain, (3, 3))
    step_nm = (
        (10.0, 10.0 / np.cos(np.radians(50.0))) if make is steep_maze else (10.0, 10.0)
    )
    distance_nm = ndimage.distance_transform_edt(away, sampling=step_nm)[192:384, 192:384]
    far = distance_nm > QUARTER_NM
    assert far.sum() > 0.4 * far.size
    np.testing.assert_array_equal(after[:, far], before[:, far])


@pytest.mark.parametrize("jump", range(3))
def test_the_walls_of_a_domain_of_stripes_vanish_and_no_others(jump):
    before, after = (film.direction[1:] for film in films(stripes, jump=jump))
    strength = np.linalg.norm(before, axis=0)
    is_gone = (after == 0.0).all(axis=0)
    domain, n_domains = ndimage.label(is_gone)
    assert n_domains == 1
    rim = is_gone ^ ndimage.binary_erosion(is_gone)
    assert strength[rim].mean() > 0.7
    assert 100 < domain.sum() < 0.15 * domain.size
    far = ndimage.distance_transform_edt(~is_gone, sampling=10.0) > QUARTER_NM
    np.testing.assert_array_equal(after[:, far], before[:, far])
    assert (np.linalg.norm(after, axis=0) <= strength).all()


def test_the_smallest_domain_jumps_where_all_are_large():
    small = Field(side_px=32, frame_px=32, pixel_nm=10.0)
    before, after = films(lambda chance: maze(chance, field=small))
    share = (before.direction[0] * after.direction[0] < 0.0).mean()
    assert 0.0 < share <= 0.5


def test_a_wire_is_one_domain_and_turns_round_as_a_whole():
    before, after = films(lambda chance: nanowire(scenario("nanowire"), FIELD, chance))
    np.testing.assert_array_equal(after.moment_t_nm, -before.moment_t_nm)
    np.testing.assert_array_equal(after.thickness_nm, before.thickness_nm)
    assert before.moment_t_nm.any()
