import threading

from ltemlive.daemon.mailbox import (
    Mailbox,
    SeriesOpened,
    SeriesOver,
    StoredFrame,
    ViewWished,
    batches_of,
)


def test_everything_since_the_last_look_is_taken_oldest_first(frame_of, microscope):
    mailbox = Mailbox()
    letters = [
        SeriesOpened(1, "holes", microscope),
        StoredFrame(1, frame_of(0)),
        StoredFrame(1, frame_of(1)),
        SeriesOver(1, "success"),
    ]
    for letter in letters:
        mailbox.put(letter)
    assert mailbox.take(0.0) == letters
    assert mailbox.take(0.0) == []


def test_only_frames_count_as_backlog(frame_of, microscope):
    mailbox = Mailbox()
    mailbox.put(SeriesOpened(1, "holes", microscope))
    assert mailbox.backlog == 0
    for seq in range(3):
        mailbox.put(StoredFrame(1, frame_of(seq)))
    mailbox.put(SeriesOver(1, "success"))
    assert mailbox.backlog == 3
    mailbox.take(0.0)
    assert mailbox.backlog == 0


def test_whoever_waits_is_woken_by_a_letter(microscope):
    mailbox = Mailbox()
    letter = SeriesOpened(1, "holes", microscope)
    taken = []
    waiting = threading.Thread(target=lambda: taken.extend(mailbox.take(60.0)))
    waiting.start()
    mailbox.put(letter)
    waiting.join(10.0)
    assert taken == [letter]


def test_nothing_is_lost_between_two_threads(frame_of):
    mailbox = Mailbox()
    frames = [frame_of(seq) for seq in range(20)]

    def put_all():
        for frame in frames:
            mailbox.put(StoredFrame(1, frame))

    putting = threading.Thread(target=put_all)
    putting.start()
    taken = []
    while len(taken) < len(frames):
        letters = mailbox.take(10.0)
        assert letters
        taken += letters
    putting.join(10.0)
    assert [letter.frame for letter in taken] == frames


def test_what_is_held_waits_and_is_counted_until_it_is_released(frame_of, microscope):
    mailbox = Mailbox()
    mailbox.hold()
    opened, first = SeriesOpened(1, "holes", microscope), StoredFrame(1, frame_of(0))
    mailbox.put(opened)
    mailbox.put(first)
    assert mailbox.is_held
    assert mailbox.take(0.0) == []
    assert mailbox.backlog == 1
    mailbox.release()
    assert mailbox.take(0.0) == [opened, first]


def test_whoever_waits_is_woken_when_it_is_released(frame_of):
    mailbox = Mailbox()
    mailbox.hold()
    letter = StoredFrame(1, frame_of(0))
    mailbox.put(letter)
    taken = []
    waiting = threading.Thread(target=lambda: taken.extend(mailbox.take(60.0)))
    waiting.start()
    mailbox.release()
    waiting.join(10.0)
    assert taken == [letter]


def test_what_is_put_back_comes_before_what_has_come_since(frame_of):
    mailbox = Mailbox()
    first, second, third = (StoredFrame(1, frame_of(seq)) for seq in range(3))
    mailbox.put(third)
    mailbox.put_back([first, second])
    assert mailbox.take(0.0) == [first, second, third]


def test_only_frames_of_one_series_that_follow_each_other_are_one_batch(
    frame_of, microscope
):
    opened, over = SeriesOpened(2, "discs", microscope), SeriesOver(1, "success")
    holes = [StoredFrame(1, frame_of(seq)) for seq in range(4)]
    discs = [StoredFrame(2, frame_of(seq)) for seq in range(2)]
    assert batches_of([*holes[:2], opened, *discs, *holes[2:], over]) == [
        holes[:2], [opened], discs, holes[2:], [over],
    ]  # fmt: skip


def test_the_newest_view_of_each_kind_is_given_out_even_while_held(microscope):
    mailbox = Mailbox()
    mailbox.hold()
    mailbox.put(SeriesOpened(1, "holes", microscope))
    for wished in (ViewWished(3), ViewWished(None), ViewWished(4, ordinal=2)):
        mailbox.put_view(wished)
    assert mailbox.take(60.0) == [], "nobody waits while a view is wanted"
    assert mailbox.take_views() == [ViewWished(4, ordinal=2), ViewWished(None)]
    assert mailbox.take_views() == []
    assert mailbox.backlog == 0
