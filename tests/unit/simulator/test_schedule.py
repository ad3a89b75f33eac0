from __future__ import annotations

import pytest

from simulator.acquisition import Acquisition
from simulator.scenario import Scenario
from simulator.schedule import run_schedule

ACQUISITION = Acquisition(
    Scenario.model_validate(
        {
            "specimen": {"size_px": 32, "margin_px": 8},
            "defocus_nm": [0.0, 1e5, -1e5],
            "exposure_s": 2.0,
        }
    )
)


class ListEmitter:
    def __init__(self, fail_at: BaseException | None = None) -> None:
        self.heard = []
        self.frames = []
        self._fail_at = fail_at

    def start(self, announcement):
        self.heard.append(("start", announcement.series))

    def send(self, frame):
        if self._fail_at is not None:
            raise self._fail_at
        self.heard.append(("frame", frame.meta.seq))
        self.frames.append(frame)

    def end(self, exit_status):
        self.heard.append(("end", exit_status))


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_every_frame_goes_out_between_start_and_end():
    emitter, clock = ListEmitter(), FakeClock()
    assert run_schedule(ACQUISITION, emitter, sleep=clock.sleep, clock=clock) == 3
    assert emitter.heard == [
        ("start", "demo"), ("frame", 0), ("frame", 1), ("frame", 2), ("end", "success"),
    ]  # fmt: skip


def test_exposures_take_their_time_and_are_stamped_with_their_start():
    emitter, clock = ListEmitter(), FakeClock()
    run_schedule(ACQUISITION, emitter, sleep=clock.sleep, clock=clock, dead_time_s=0.5)
    starts = [frame.meta.t_exposure_start for frame in emitter.frames]
    assert starts == [1000.0, 1002.5, 1005.0]
    assert clock.now == 1007.0


def test_speed_shortens_exposures_and_pauses_alike():
    emitter, clock = ListEmitter(), FakeClock()
    run_schedule(
        ACQUISITION, emitter, sleep=clock.sleep, clock=clock, dead_time_s=0.5, speed=5.0
    )
    assert clock.now == pytest.approx(1000.0 + 7.0 / 5.0)


def test_an_interrupted_series_ends_with_abort():
    emitter, clock = ListEmitter(KeyboardInterrupt()), FakeClock()
    with pytest.raises(KeyboardInterrupt):
        run_schedule(ACQUISITION, emitter, sleep=clock.sleep, clock=clock)
    assert emitter.heard[-1] == ("end", "abort")


def test_an_emitter_that_failed_is_not_spoken_to_again():
    emitter, clock = ListEmitter(TimeoutError()), FakeClock()
    with pytest.raises(TimeoutError):
        run_schedule(ACQUISITION, emitter, sleep=clock.sleep, clock=clock)
    assert emitter.heard == [("start", "demo")]
