"""Views as messages: what a block of pixels says of what its pixels say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.events import FrameView, TieView
from ltemlive.wire.results import decode_result, encode_result
from ltemlive.wire.views import view_message

T = 1000.0


def frame_view(measured, *, residual=None, score=1.25, aside=None):
    measured = np.asarray(measured, np.float32)
    residual = measured - 1.0 if residual is None else np.asarray(residual, np.float32)
    return FrameView(
        2, "holes", 7, True, 3, measured, 0.5 * measured, residual, 5.0, score, aside
    )


def sent(view, preview_px=64):
    data = encode_result(view_message(view, t_published=T, preview_px=preview_px))
    return decode_result(data)


@given(
    image=st.lists(
        st.lists(st.floats(0.0, 8.0, width=32) | st.just(np.nan), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    ),
    score=st.none() | st.floats(0.0, 1e6),
    aside=st.none() | st.just("saturated"),
)
def test_a_small_view_comes_out_as_it_went_in(image, score, aside):
    view = frame_view(image, score=score, aside=aside)
    message = sent(view)
    for name in ("measured", "predicted", "residual"):
        np.testing.assert_allclose(message.arrays[name], getattr(view, name), rtol=1e-6)
    header = message.header
    assert (header["score"], header["reason"]) == (score, aside)
    assert header["state"] == ("used" if aside is None else "aside")


def test_the_header_tells_what_it_belongs_to():
    for view, what, seq in (
        (frame_view([[1.0]]), "frame", 3),
        (TieView(2, "holes", 7, True, np.zeros((4, 6), np.float32), 5.0), "tie", None),
    ):
        header = sent(view).header
        told = ("ordinal", "series", "rev", "final", "what", "seq", "t_published")
        assert tuple(header[key] for key in told) == (2, "holes", 7, True, what, seq, T)
    assert [header[key] for key in ("score", "state", "reason")] == [None] * 3
    assert [entry["unit"] for entry in header["arrays"]] == ["rad"]


def test_a_reason_of_several_lines_comes_as_one():
    assert sent(frame_view([[1.0]], aside="a\nb")).header["reason"] == "a b"


def test_a_large_view_is_averaged_and_its_noise_is_as_strong_as_before():
    noise = np.random.default_rng(1).standard_normal((200, 240))
    view = frame_view(2.0 + noise, residual=noise)
    message = sent(view, preview_px=60)
    assert message.arrays["residual"].shape == (50, 60)
    assert message.header["arrays"][0]["pixel_nm"] == 20.0
    blocks = np.asarray(2.0 + noise, np.float32).reshape(50, 4, 60, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(message.arrays["measured"], blocks, rtol=1e-4)
    assert message.arrays["residual"].std() == pytest.approx(1.0, abs=0.05)


def test_pixels_that_show_nothing_are_left_out_of_their_block():
    measured = np.full((4, 4), 3.0)
    measured[0, 0] = measured[2:, 2:] = np.nan
    residual = np.where(np.isnan(measured), np.nan, 1.0)
    message = sent(frame_view(measured, residual=residual), preview_px=2)
    np.testing.assert_allclose(
        message.arrays["measured"], [[3.0, 3.0], [3.0, np.nan]], rtol=1e-6
    )
    np.testing.assert_allclose(
        message.arrays["residual"], [[3.0**0.5, 2.0], [2.0, np.nan]], rtol=1e-6
    )


def test_the_noise_of_a_strip_is_as_strong_as_before():
    noise = np.random.default_rng(2).standard_normal((16, 40 * 400))
    message = sent(frame_view(2.0 + noise, residual=noise), preview_px=400)
    assert message.arrays["residual"].shape == (1, 400)
    assert message.arrays["residual"].std() == pytest.approx(1.0, rel=0.1)
