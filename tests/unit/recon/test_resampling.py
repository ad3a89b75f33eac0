"""Frames brought back onto the grid of the reference frame."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.recon.field import Field, Turn
from ltemlive.recon.resampling import turned_back

FRAME = (60, 72)
FIELD = Field(FRAME, (80, 96), (10, 12))
UNSEEN = -1.0


def scene(y, x):
    """Return a smooth scene, shortest wave 5 pixels, at points from the frame's middle."""
    waves = [(0.9, 0.3, 0.2), (-0.4, 1.1, 1.3), (0.1, -0.2, 0.7)]
    return 2.0 + sum(0.3 * np.cos(ky * y + kx * x + begin) for ky, kx, begin in waves)


def from_middle(shape, corner=(0, 0)):
    return np.meshgrid(
        *(
            np.arange(whole) - first - (side - 1) / 2
            for whole, first, side in zip(shape, corner, FRAME, strict=True)
        ),
        indexing="ij",
    )


turns = st.builds(Turn, st.floats(-0.2, 0.2), st.floats(-0.1, 0.1))
shifts = st.tuples(st.floats(-9.0, 9.0), st.floats(-9.0, 9.0))


def frame_of(turn, shift_px):
    """Return the scene as a camera sees it that is turned and moved."""
    at = np.stack(from_middle(FRAME)) - np.array(shift_px)[:, None, None]
    return scene(*np.tensordot(np.linalg.inv(turn.matrix), at, axes=1)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(turn=turns, shift_px=shifts)
def test_what_was_turned_comes_back(turn, shift_px):
    frame = frame_of(turn, shift_px)
    back = turned_back(frame, FIELD, shift_px, turn, unseen=UNSEEN)
    expected = scene(*from_middle(FIELD.shape, FIELD.corner))
    # The cosine transform takes the frame for mirrored, which it is not at its edges.
    y, x = (
        moved + along
        for moved, along in zip(
            np.tensordot(
                turn.matrix, np.stack(from_middle(FIELD.shape, FIELD.corner)), axes=1
            ),
            shift_px,
            strict=True,
        )
    )
    deep = (np.abs(y) < FRAME[0] / 2 - 8) & (np.abs(x) < FRAME[1] / 2 - 8)
    np.testing.assert_allclose(back[deep], expected[deep], atol=0.02)
    beyond = (np.abs(y) > FRAME[0] / 2) | (np.abs(x) > FRAME[1] / 2)
    assert (back[beyond] == UNSEEN).all()


def test_white_noise_stays_as_strong_and_as_white():
    noise = np.random.default_rng(4).standard_normal((256, 256)).astype(np.float32)
    field = Field(noise.shape, noise.shape, (0, 0))
    turn = Turn(math.radians(2.0), 0.01)
    back = turned_back(noise, field, (0.4, -0.3), turn, unseen=np.nan)[16:-16, 16:-16]
    assert back.std() == pytest.approx(1.0, abs=0.02)
    power = np.abs(np.fft.fft2(back * np.outer(*2 * [np.hanning(224)]))) ** 2
    radius = np.hypot(np.fft.fftfreq(224)[:, None], np.fft.fftfreq(224))
    rings = [
        power[(radius >= low) & (radius < low + 0.1)].mean() for low in (0.1, 0.2, 0.3, 0.4)
    ]
    np.testing.assert_allclose(rings, np.mean(rings), rtol=0.1)


def test_bad_pixels_are_not_seen_nor_what_is_made_of_them():
    turn, shift_px = Turn(0.05, 0.01), (0.0, 0.0)
    bad = np.zeros(FRAME, bool)
    bad[30, 36] = True
    frame = np.where(bad, np.float32(50.0), frame_of(turn, shift_px))
    back = turned_back(frame, FIELD, shift_px, turn, unseen=UNSEEN, bad=bad)
    n_unseen = (back[20:60, 24:72] == UNSEEN).sum()
    assert 1 <= n_unseen <= 9
