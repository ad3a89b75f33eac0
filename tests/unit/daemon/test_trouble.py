from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.errors import RecordingError


def test_a_refusal_is_told_once_and_shown_until_it_is_over():
    board, events = StatusBoard("session"), []
    trouble = DiskTrouble(board, events.append)

    def shown():
        return board.status(queued=0, dropped=0, disordered=0).problem

    trouble.is_over("frames")
    assert (events, shown(), trouble.text) == ([], None, None)
    for number in (1, 2):
        trouble.began("frames", RecordingError(f"{number}.tif: cannot be written"))
    assert [event.level for event in events] == ["error"]
    assert shown() == trouble.text == "2.tif: cannot be written"
    for _ in range(2):
        trouble.is_over("frames")
    assert [event.level for event in events] == ["error", "info"]
    assert (shown(), trouble.text) == (None, None)
    trouble.began("frames", RecordingError("again"))
    assert events[-1].text == "again"


def test_what_is_small_may_be_taken_while_what_is_large_is_refused():
    board, events = StatusBoard("session"), []
    trouble = DiskTrouble(board, events.append)
    trouble.began("frames", RecordingError("no room for a frame"))
    for _ in range(3):
        trouble.is_over("journal")
    assert [event.text for event in events] == ["no room for a frame"]
    trouble.began("results", "no room for results")
    trouble.is_over("results")
    assert trouble.text == "no room for a frame"
