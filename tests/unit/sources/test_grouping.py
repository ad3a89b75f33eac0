import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.arrivals import FrameArrived, SeriesClosed
from ltemlive.frames import Frame, FrameMeta
from ltemlive.sources import grouping
from ltemlive.sources.grouping import MOST_AT_ONCE, grouped

CLOSED = SeriesClosed("run-1", "holes", "success")


@given(st.lists(st.sampled_from([CLOSED, None])))
def test_nothing_is_lost_nothing_waits_and_no_group_is_empty_or_too_long(arrivals):
    handed_over = []

    def source():
        for index, arrival in enumerate(arrivals):
            yield arrival
            if arrival is None:
                # The source is about to wait here.
                assert len(handed_over) == sum(
                    each is not None for each in arrivals[:index]
                )

    for group in grouped(source()):
        assert 0 < len(group) <= MOST_AT_ONCE
        handed_over += group
    assert handed_over == [each for each in arrivals if each is not None]


def test_large_frames_make_small_groups(monkeypatch):
    image = np.zeros((16, 16), "<u2")
    monkeypatch.setattr(grouping, "MOST_BYTES_AT_ONCE", 2 * image.nbytes)
    frames = [
        FrameArrived("run-1", "holes", Frame(FrameMeta(seq), image), 0, str(seq))
        for seq in range(5)
    ]
    assert [len(group) for group in grouped(frames)] == [2, 2, 1]
