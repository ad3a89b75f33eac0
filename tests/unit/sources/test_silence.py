from ltemlive.arrivals import SeriesClosed
from ltemlive.sources.silence import GivenUp, Silence, given_up

HOLES, DISCS = ("run-1", "holes"), ("run-2", "discs")


def test_a_producer_is_gone_when_it_was_silent_too_long():
    silence = Silence(10.0, (), now=0.0)
    silence.opened(HOLES, 0.0)
    silence.opened(DISCS, 5.0)
    assert silence.gone(10.0) == []
    assert silence.gone(11.0) == [HOLES]
    silence.heard(HOLES, 11.0)
    assert silence.gone(16.0) == [DISCS]


def test_a_heartbeat_opens_no_series():
    silence = Silence(10.0, (), now=0.0)
    silence.heard(HOLES, 0.0)
    assert silence.gone(100.0) == []


def test_it_is_given_up_until_somebody_has_recorded_that():
    silence = Silence(10.0, (), now=0.0)
    silence.opened(HOLES, 0.0)
    ends = [*given_up(silence, 20.0, "here"), *given_up(silence, 21.0, "here")]
    assert ends == [SeriesClosed(*HOLES, "abandoned", receipt=GivenUp(HOLES))] * 2
    silence.ended(HOLES)
    silence.ended(HOLES)
    assert list(given_up(silence, 22.0, "here")) == []


def test_a_series_from_before_a_restart_has_its_whole_time_again():
    silence = Silence(10.0, [HOLES], now=100.0)
    assert silence.gone(110.0) == []
    assert silence.gone(110.5) == [HOLES]


def test_without_a_limit_nobody_is_given_up():
    silence = Silence(None, [HOLES], now=0.0)
    assert silence.gone(1e9) == []
