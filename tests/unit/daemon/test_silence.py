from ltemlive.daemon.silence import Silence

HOLES, DISCS = ("run-1", "holes"), ("run-2", "discs")


class Hands:
    """A clock whose hands are moved."""

    def __init__(self, now=0.0):
        self.now = now

    def __call__(self):
        return self.now


def test_a_producer_is_gone_when_it_was_silent_too_long():
    clock = Hands()
    silence = Silence(10.0, clock=clock)
    silence.opened(HOLES)
    clock.now = 5.0
    silence.opened(DISCS)
    clock.now = 10.0
    assert silence.gone() == []
    clock.now = 11.0
    assert silence.gone() == [HOLES]
    silence.heard(HOLES)
    clock.now = 16.0
    assert silence.gone() == [DISCS]


def test_a_heartbeat_opens_no_series():
    clock = Hands()
    silence = Silence(10.0, clock=clock)
    silence.heard(HOLES)
    clock.now = 100.0
    assert silence.gone() == []


def test_it_is_gone_until_its_end_is_recorded():
    clock = Hands()
    silence = Silence(10.0, clock=clock)
    silence.opened(HOLES)
    clock.now = 20.0
    assert silence.gone() == silence.gone() == [HOLES]
    silence.ended(HOLES)
    silence.ended(HOLES)
    assert silence.gone() == []


def test_a_series_from_before_a_restart_has_its_whole_time_again():
    clock = Hands(100.0)
    silence = Silence(10.0, known=[HOLES], clock=clock)
    clock.now = 110.0
    assert silence.gone() == []
    clock.now = 110.5
    assert silence.gone() == [HOLES]


def test_without_a_limit_nobody_is_given_up():
    clock = Hands()
    silence = Silence(None, known=[HOLES], clock=clock)
    clock.now = 1e9
    assert silence.gone() == []
