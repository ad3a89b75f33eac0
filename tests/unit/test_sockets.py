from __future__ import annotations

import pytest

from ltemlive.endpoints import permitted_endpoint
from ltemlive.errors import ConfigError, WireError
from ltemlive.sockets import Tally, is_worth_logging, receive_parts


@pytest.mark.parametrize(
    ("endpoint", "taken_as"),
    [
        ("tcp://127.0.0.1:5571", "tcp://127.0.0.1:5571"),
        ("tcp://localhost:5571", "tcp://127.0.0.1:5571"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:*"),
        ("tcp://127.1.2.3:*", "tcp://127.1.2.3:*"),
        ("tcp://127.0.0.1:00080", "tcp://127.0.0.1:80"),
    ],
)
def test_loopback_addresses_are_taken(endpoint, taken_as):
    assert permitted_endpoint(endpoint) == taken_as
    assert permitted_endpoint(endpoint, has_keys=True) == taken_as


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://0.0.0.0:5571",
        "tcp://*:5571",
        "tcp://eth0:5571",
        "tcp://192.168.1.7:5571",
        "tcp://127.0.0.1.example.org:5571",
        "tcp://localhost.example.org:5571",
    ],
)
def test_any_other_address_needs_keys(endpoint):
    with pytest.raises(ConfigError, match="other machines need CURVE keys: make them with"):
        permitted_endpoint(endpoint)
    assert permitted_endpoint(endpoint, has_keys=True) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://127.0.0.1:65536",
        "tcp://192.168.1.7:65536",
        "tcp://127.0.0.1",
        "tcp://:5571",
        "tcp://-:5571",
        "tcp://eth0;192.168.1.7:5571",
        "tcp://[::1]:5571",
        "ipc:///tmp/frames",
        "inproc://zeromq.zap.01",
        "127.0.0.1:5571",
        "",
    ],
)
@pytest.mark.parametrize("has_keys", [False, True])
def test_what_is_no_tcp_port_is_refused_with_keys_too(endpoint, has_keys):
    with pytest.raises(
        ConfigError, match=r"expected a loopback address such as .*5571; with"
    ):
        permitted_endpoint(endpoint, has_keys=has_keys)


class FakePart:
    def __init__(self, data, more):
        self.buffer, self.more = memoryview(data), more


class FakeSocket:
    """Hands out the parts of messages as a ZMQ socket does."""

    def __init__(self, *messages):
        self._parts = [
            FakePart(part, more=index + 1 < len(message))
            for message in messages
            for index, part in enumerate(message)
        ]

    def recv(self, flags, copy):
        assert not copy
        return self._parts.pop(0)


def test_the_parts_of_one_message_are_taken_at_a_time():
    socket = FakeSocket([b"a", b"b"], [b"c"])
    assert receive_parts(socket) == [b"a", b"b"]
    assert receive_parts(socket) == [b"c"]


def test_a_message_of_too_many_parts_is_dropped_whole():
    socket = FakeSocket([b"x"] * 200, [b"next"])
    with pytest.raises(WireError, match="expected at most 8 parts, got 200"):
        receive_parts(socket)
    assert receive_parts(socket) == [b"next"]


def test_a_flood_is_logged_ever_more_rarely():
    assert [n for n in range(1, 100) if is_worth_logging(n)] == [1, 2, 4, 8, 16, 32, 64]


def test_each_text_is_counted_for_itself_and_invented_ones_together():
    tally = Tally(n_texts=2)
    assert [tally.count("a") for _ in range(3)] == [(1, True), (2, True), (3, False)]
    assert tally.count("b") == (1, True)
    invented = [tally.count(f"text {n}") for n in range(5)]
    assert invented == [(1, True), (2, True), (3, False), (4, True), (5, False)]
    assert tally.count("b") == (2, True)
