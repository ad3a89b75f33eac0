"""What every test is held to."""

from __future__ import annotations

import threading

import pytest

END_TIMEOUT_S = 5.0


def is_ours(thread):
    """Return False for threads that libraries keep for the whole process.

    pyzmq frees sent buffers in one, dask (under RosettaSciIO) has a pool; Python makes a
    dummy of each native thread that calls it, such as Qt's, which tests/gui watches.
    """
    kind = type(thread)
    is_from_zmq = kind.__module__.startswith("zmq.")
    is_pooled = thread.name.startswith("ThreadPoolExecutor-")
    return not (is_from_zmq or is_pooled or kind.__name__ == "_DummyThread")


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    """Fail a test that leaves a thread running; fixtures of a wider scope may have some."""
    before = set(threading.enumerate())
    yield
    started = [each for each in threading.enumerate() if each not in before]
    for thread in filter(is_ours, started):
        # One that was told to stop may need a moment.
        thread.join(END_TIMEOUT_S)
        assert not thread.is_alive(), f"{thread.name} is still running"
