from __future__ import annotations

import numpy as np
import pytest

from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge
from ltemlive.dashboard.shown.views import FrameViewShown, TieShown, read_view
from ltemlive.errors import WireError
from ltemlive.wire.results import ResultMessage

IMAGE = np.ones((4, 6), np.float32)


def view(arrays=("measured", "predicted", "residual"), shapes=None, **header):
    images = dict.fromkeys(arrays, IMAGE) | (shapes or {})
    return ResultMessage(
        "view",
        {
            "ordinal": 1,
            "rev": 3,
            "what": "frame",
            "seq": 2,
            "score": 1.25,
            "reason": None,
            "arrays": [{"name": name, "unit": "1", "pixel_nm": 5.0} for name in images],
            **header,
        },
        images,
    )


def test_a_frame_is_read_with_what_is_predicted_of_it():
    read = read_view(view())
    assert isinstance(read, FrameViewShown)
    assert (read.seq, read.rev, read.score, read.pixel_nm) == (2, 3, 1.25, 5.0)
    assert read.residual_rms == 1.0


def test_what_a_frame_does_not_show_does_not_count():
    residual = IMAGE.copy() * 3.0
    residual[0] = np.nan
    assert read_view(view(shapes={"residual": residual})).residual_rms == 3.0
    nothing = np.full_like(IMAGE, np.nan)
    assert np.isnan(read_view(view(shapes={"residual": nothing})).residual_rms)


def test_a_frame_that_is_set_aside_says_why():
    assert read_view(view(reason="saturated", score=None)).reason == "saturated"


def test_transport_of_intensity_is_read_as_a_phase():
    read = read_view(view(arrays=("phase",), what="tie", seq=None))
    assert isinstance(read, TieShown)
    assert read.phase_rad.shape == (4, 6)


def test_the_snapshot_holds_the_newest_of_each_kind():
    tie = view(arrays=("phase",), what="tie", seq=None)
    snapshot = DisplaySnapshot()
    for message in (view(), view(seq=3), tie):
        snapshot = merge(snapshot, message, now=0.0)
    assert snapshot.frame_view.seq == 3
    assert snapshot.tie.rev == 3


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (view(what="guess"), "what: expected one of frame tie"),
        (view(arrays=("measured", "predicted")), "expected an array residual"),
        (view(shapes={"predicted": np.ones((4, 5), np.float32)}), "images of one shape"),
        (view(arrays=("measured",), what="tie"), "expected an array phase"),
        (view(score="good"), "score"),
        (view(seq=-1), "seq"),
    ],
)
def test_a_view_that_breaks_the_format_is_refused(message, said):
    with pytest.raises(WireError, match=said):
        read_view(message)
