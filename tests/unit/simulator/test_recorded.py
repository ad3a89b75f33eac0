from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltemlive.errors import ConfigError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.series import Microscope, StoredSeries
from simulator.recorded import Pace, RecordedArrival, RecordedExposures, play_again


class FakeClock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0.0
        self.now += seconds


class ListEmitter:
    """Notes what it hears and when; each frame takes it ``send_s``."""

    def __init__(self, clock, *, start_s=0.0, send_s=0.0, fail_at=None):
        self.heard = []
        self.frames = []
        self._clock = clock
        self._start_s, self._send_s, self._fail_at = start_s, send_s, fail_at

    def start(self, announcement):
        self.heard.append((self._clock(), "start", announcement.series))
        self._clock.sleep(self._start_s)

    def send(self, frame):
        if frame.meta.seq == self._fail_at:
            raise KeyboardInterrupt
        self.heard.append((self._clock(), "frame", frame.meta.seq))
        self.frames.append(frame)
        self._clock.sleep(self._send_s)

    def end(self, exit_status):
        self.heard.append((self._clock(), "end", exit_status))


def frame_of(seq):
    image = np.full((16, 18), seq, "<u2")
    meta = FrameMeta(seq, exposure_s=0.7, t_exposure_start=900.0 + seq, meta={"stage": "a"})
    return Frame(meta, image)


def series_of(arrivals, name="holes", exit_status="success"):
    """Return a series whose frames came in the order of ``arrivals``, {seq: after_s}."""
    frames = tuple(frame_of(seq) for seq in sorted(arrivals))
    stored = StoredSeries(
        title=name,
        folder=Path("series", "0001"),
        microscope=Microscope(voltage_kv=300.0, pixel_nm=2.0),
        frames=frames,
        labels=tuple(str(frame.meta.seq) for frame in frames),
        rejected=(),
    )
    came = [RecordedArrival(seq, after_s) for seq, after_s in arrivals.items()]
    # One that was stored and cannot be read any more.
    came.insert(1, RecordedArrival(99, 0.1))
    return RecordedExposures(stored, name, came, exit_status)


def played(*series, speed=1.0, **habits):
    """Return what an emitter heard of some series, and the emitter."""
    clock = FakeClock()
    emitter = ListEmitter(clock, **habits)
    pace = Pace(clock=clock, speed=speed)
    for exposures in series:
        play_again(exposures, emitter, sleep=clock.sleep, pace=pace)
    return emitter


def times_of_frames(emitter):
    return [t - 50.0 for t, kind, _ in emitter.heard if kind == "frame"]


def test_frames_go_out_in_the_order_and_at_the_intervals_in_which_they_came():
    emitter = played(series_of({0: 0.0, 2: 1.0, 1: 4.5}))
    assert emitter.heard == [
        (50.0, "start", "holes"), (50.0, "frame", 0), (51.0, "frame", 2),
        (54.5, "frame", 1), (54.5, "end", "success"),
    ]  # fmt: skip


def test_frames_carry_what_was_recorded_of_them_and_the_optics_of_their_series():
    (frame,) = played(series_of({3: 0.0})).frames
    meta = frame.meta
    assert (meta.exposure_s, meta.t_exposure_start, meta.meta) == (
        0.7,
        903.0,
        {"stage": "a"},
    )
    assert (meta.voltage_kv, meta.pixel_nm) == (300.0, 2.0)


@pytest.mark.parametrize(
    ("speed", "times"), [(2.0, [0.0, 0.5, 2.25]), (0.5, [0.0, 2.0, 9.0]), (None, [0.0] * 3)]
)
def test_intervals_are_as_many_times_as_short_or_left_out(speed, times):
    emitter = played(series_of({0: 0.0, 2: 1.0, 1: 4.5}), speed=speed)
    assert times_of_frames(emitter) == times


def test_the_time_between_two_series_is_played_before_the_second_is_announced():
    emitter = played(series_of({0: 0.0, 1: 1.0}), series_of({0: 8.0, 1: 9.0}, "discs"))
    assert times_of_frames(emitter) == [0.0, 1.0, 8.0, 9.0]
    assert (58.0, "start", "discs") in emitter.heard


def test_series_that_overlapped_are_played_one_after_the_other_each_at_its_intervals():
    emitter = played(series_of({0: 0.0, 1: 5.0}), series_of({0: 1.0, 1: 4.0}, "discs"))
    assert times_of_frames(emitter) == [0.0, 5.0, 5.0, 8.0]


def test_a_daemon_that_is_slow_to_agree_does_not_shorten_the_first_interval():
    emitter = played(series_of({0: 0.0, 1: 1.0}), start_s=3.0)
    assert times_of_frames(emitter) == [3.0, 4.0]


def test_frames_that_are_late_within_their_series_go_out_at_once():
    emitter = played(series_of({0: 0.0, 1: 1.0, 2: 2.0, 3: 9.0}), send_s=2.0)
    assert times_of_frames(emitter) == [0.0, 2.0, 4.0, 9.0]


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("success", "success"), ("abort", "abort"), ("fail", "fail"),
        ("abandoned", "abort"), (None, "abort"),
    ],
)  # fmt: skip
def test_a_series_ends_as_it_did_and_with_abort_where_its_producer_did_not_end_it(
    recorded, said
):
    emitter = played(series_of({0: 0.0}, exit_status=recorded))
    assert emitter.heard[-1] == (50.0, "end", said)


def test_an_interrupted_series_ends_with_abort():
    clock = FakeClock()
    emitter = ListEmitter(clock, fail_at=1)
    pace = Pace(clock=clock, speed=1.0)
    with pytest.raises(KeyboardInterrupt):
        play_again(series_of({0: 0.0, 1: 1.0}), emitter, sleep=clock.sleep, pace=pace)
    assert emitter.heard[-1] == (51.0, "end", "abort")


def test_a_series_without_frames_cannot_be_played():
    with pytest.raises(ConfigError, match="expected a series with frames, got none"):
        series_of({})
