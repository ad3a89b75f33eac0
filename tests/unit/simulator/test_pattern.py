from __future__ import annotations

import numpy as np
import pytest

from simulator.pattern import Bar, Chevron, ClosureSquare, VortexDisc, draw
from simulator.resolution_target import resolution_target

AXIS_NM = np.linspace(-320.0, 320.0, 65)
PIXEL_NM = 10.0

ELEMENTS = {
    "bar": (Bar(10.0, -20.0, 80.0, 300.0), 80.0 * 300.0),
    "square": (ClosureSquare(-40.0, 30.0, 240.0, 240.0), 240.0**2),
    "disc": (VortexDisc(15.0, 5.0, 280.0), np.pi * 140.0**2),
    "chevron": (Chevron(-150.0, -100.0, 250.0, 60.0), 2 * 250.0 * 60.0 - 60.0**2),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_an_element_covers_its_area(name):
    element, area_nm2 = ELEMENTS[name]
    coverage, _ = draw([element], AXIS_NM, AXIS_NM)
    assert coverage.sum() * PIXEL_NM**2 == pytest.approx(area_nm2, rel=0.01)
    assert coverage.min() == 0.0
    assert coverage.max() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ELEMENTS)
def test_the_moment_is_never_longer_than_the_film_is_thick(name):
    coverage, moment = draw([ELEMENTS[name][0]], AXIS_NM, AXIS_NM)
    assert (np.hypot(*moment) <= coverage + 1e-12).all()
    assert np.hypot(*moment).sum() > 0.85 * coverage.sum()


@pytest.mark.parametrize("kind", [VortexDisc, ClosureSquare])
def test_flux_closure_turns_from_right_towards_down(kind):
    size = (240.0,) if kind is VortexDisc else (240.0, 240.0)
    m_y, m_x = kind(0.0, 0.0, *size).direction(
        np.asarray([[0.0], [80.0]]), np.asarray([[80.0, 0.0]])
    )
    assert m_y[0, 0] == pytest.approx(1.0, abs=1e-4)  # on the right it points down
    assert m_x[1, 1] == pytest.approx(-1.0, abs=1e-4)  # at the bottom it points left


@pytest.mark.parametrize("kind", [VortexDisc, ClosureSquare])
def test_flux_closure_has_no_net_moment(kind):
    size = (240.0,) if kind is VortexDisc else (240.0, 240.0)
    _, moment = draw([kind(0.0, 0.0, *size)], AXIS_NM, AXIS_NM)
    assert np.abs(moment.sum(axis=(1, 2))).max() < 1e-9


@pytest.mark.parametrize(("height", "width", "axis"), [(200.0, 60.0, 0), (60.0, 200.0, 1)])
def test_a_bar_is_magnetised_along_its_longer_side(height, width, axis):
    _, moment = draw([Bar(0.0, 0.0, height, width, sense=-1)], AXIS_NM, AXIS_NM)
    assert moment[axis, 32, 32] == -1.0
    assert not moment[1 - axis].any()


@pytest.mark.parametrize(("down", "right"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_the_flux_of_a_chevron_goes_round_its_corner(down, right):
    chevron = Chevron(-down * 100.0, -right * 100.0, 220.0, 40.0, down=down, right=right)
    along_y = chevron.direction(np.asarray([[down * 80.0]]), np.asarray([[-right * 80.0]]))
    along_x = chevron.direction(np.asarray([[-down * 80.0]]), np.asarray([[right * 80.0]]))
    corner = chevron.direction(np.asarray([[-down * 80.0]]), np.asarray([[-right * 80.0]]))
    assert np.ravel(along_y) == pytest.approx([-down, 0.0], abs=1e-9)
    assert np.ravel(along_x) == pytest.approx([0.0, right], abs=1e-9)
    assert np.ravel(corner) == pytest.approx(np.asarray([-down, right]) / np.sqrt(2.0))


def test_the_elements_of_the_target_lie_apart_and_within_the_frame():
    frame_nm = 2560.0
    axis_nm = np.arange(-frame_nm / 2.0, frame_nm / 2.0, 10.0)
    elements = resolution_target(frame_nm, np.random.default_rng(0))
    coverage, _ = draw(elements, axis_nm, axis_nm)
    assert coverage.max() <= 1.0
    for element in elements:
        assert np.abs(element.bounds_nm()).max() < 0.47 * frame_nm


def test_the_target_scales_with_the_frame_and_keeps_its_senses():
    small = resolution_target(1000.0, np.random.default_rng(7))
    large = resolution_target(2000.0, np.random.default_rng(7))
    for one, two in zip(small, large, strict=True):
        assert np.asarray(two.bounds_nm()) == pytest.approx(
            2.0 * np.asarray(one.bounds_nm())
        )
        assert one.sense == two.sense


def test_both_senses_occur():
    senses = {element.sense for element in resolution_target(1.0, np.random.default_rng(1))}
    assert senses == {-1, 1}
