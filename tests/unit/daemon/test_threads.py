import logging
import threading

from ltemlive.daemon.threads import Threads


def test_threads_run_until_they_are_stopped_together():
    running = threading.Barrier(3)
    ended = []

    def work(stop):
        running.wait(10.0)
        assert stop.wait(30.0)
        ended.append(threading.current_thread().name)

    threads = Threads(on_failure=lambda: ended.append("failure"))
    threads.start(work, "one")
    threads.start(work, "two")
    running.wait(10.0)
    assert ended == []
    threads.stop()
    assert sorted(ended) == ["one", "two"]
    assert not threads.has_failed


def test_a_thread_that_dies_is_reported_with_its_traceback(caplog):
    failed = threading.Event()

    def die(stop):
        raise RuntimeError("out of paper")

    threads = Threads(on_failure=failed.set)
    with caplog.at_level(logging.ERROR):
        threads.start(die, "printer")
        assert failed.wait(10.0)
        threads.stop()
    assert threads.has_failed
    (record,) = caplog.records
    assert record.getMessage() == "printer died; the daemon stops"
    assert "RuntimeError: out of paper" in record.exc_text


def test_the_others_go_on_until_somebody_stops_them():
    failed, looked = threading.Event(), threading.Event()
    seen = []

    def watch(stop):
        assert failed.wait(10.0)
        seen.append(stop.is_set())
        looked.set()
        seen.append(stop.wait(10.0))

    def die(stop):
        raise RuntimeError("out of paper")

    threads = Threads(on_failure=failed.set)
    threads.start(watch, "watcher")
    threads.start(die, "printer")
    assert looked.wait(10.0)
    threads.stop()
    assert seen == [False, True]
