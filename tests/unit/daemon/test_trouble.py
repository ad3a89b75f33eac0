from ltemlive.daemon.status import StatusBoard
from ltemlive.daemon.trouble import DiskTrouble
from ltemlive.errors import RecordingError


def test_a_refusal_is_told_once_and_shown_until_it_is_over():
    board, events = StatusBoard("session"), []
    trouble = DiskTrouble(board, events.append)

    def shown():
        return board.status(queued=0, dropped=0, disordered=0).problem

    trouble.is_over()
    assert (events, shown(), trouble.text) == ([], None, None)
    for number in (1, 2):
        trouble.began(RecordingError(f"{number}.tif: cannot be written"))
    assert [event.level for event in events] == ["error"]
    assert shown() == trouble.text == "2.tif: cannot be written"
    for _ in range(2):
        trouble.is_over()
    assert [event.level for event in events] == ["error", "info"]
    assert (shown(), trouble.text) == (None, None)
    trouble.began(RecordingError("again"))
    assert events[-1].text == "again"
