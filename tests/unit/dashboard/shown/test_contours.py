import numpy as np
import pytest

from ltemlive.dashboard.shown.contours import (
    MIDDLE,
    contour_colours,
    contour_explanation,
    contour_text,
    contours,
)

SMOOTH = np.zeros((4, 64), np.float32)


def along_x(phase_rad):
    """A phase that is the same in each of 4 rows."""
    return np.broadcast_to(phase_rad.astype(np.float32), (4, phase_rad.size))


@pytest.mark.parametrize("per_turn", [1, 2, 4])
def test_between_two_contours_the_phase_grows_by_a_turn_over_n(per_turn):
    phase = along_x(np.linspace(0.0, 4.0 * np.pi, 401))
    bright = contours(phase, np.zeros_like(phase), pixel_nm=1.0, per_turn=per_turn)[0]
    peaks = phase[0][bright == 255]
    turns = peaks * per_turn / (2.0 * np.pi)
    np.testing.assert_allclose(turns, np.rint(turns), atol=0.02)
    assert len(np.unique(np.rint(turns))) == 2 * per_turn + 1


def test_contours_too_close_for_the_pixels_fade_away():
    phase = along_x(np.arange(64) * 0.1)
    steep = np.full_like(phase, 3.0)
    assert (contours(phase, steep, pixel_nm=1.0, per_turn=1) == MIDDLE).all()
    assert (contours(phase, steep / 4.0, pixel_nm=1.0, per_turn=1) != MIDDLE).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_number_have_no_contours(value):
    phase = SMOOTH.copy()
    phase[:2] = value
    drawn = contours(phase, phase, pixel_nm=1.0, per_turn=1)
    assert (drawn[:2] == MIDDLE).all()
    assert (drawn[2:] == 255).all()


def test_contours_are_black_and_white_with_nothing_between():
    colours = contour_colours()
    assert colours[255, :3].tolist() == [255, 255, 255]
    assert colours[1, :3].tolist() == [0, 0, 0]
    assert colours[1, 3] == colours[255, 3] > 100
    assert colours[MIDDLE, 3] == 0


def test_the_legend_tells_phase_and_flux_between_contours():
    assert contour_text(1) == "1 contour = 2\u03c0 rad, flux h/e"
    assert contour_text(2) == "1 contour = \u03c0 rad, flux h/2e"
    assert contour_text(8) == "1 contour = 2\u03c0/8 rad, flux h/8e"
    # h / e = 4.135667696e-15 V s, in T nm^2.
    assert "4136 T nm" in contour_explanation(1)
    assert "517 T nm" in contour_explanation(8)
