import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.sources.settling import FileSettling, FileStamp

SMALL, LARGE = FileStamp(10, 1), FileStamp(20, 2)


def test_a_file_settles_when_it_looked_the_same_for_long_enough():
    settling = FileSettling(0.25)
    assert not settling.observe("a", SMALL, 0.0)
    assert not settling.observe("a", SMALL, 0.2)
    assert settling.observe("a", SMALL, 0.25)
    assert settling.settled_stamp("a") == SMALL


@pytest.mark.parametrize("changed", [FileStamp(11, 1), FileStamp(10, 2), FileStamp(9, 1)])
def test_any_change_starts_the_wait_anew(changed):
    settling = FileSettling(0.25)
    settling.observe("a", SMALL, 0.0)
    assert not settling.observe("a", changed, 0.3)
    assert not settling.observe("a", changed, 0.5)
    assert settling.observe("a", changed, 0.55)


def test_a_settled_file_that_changes_is_unsettled_again():
    settling = FileSettling(0.25)
    settling.observe("a", SMALL, 0.0)
    settling.observe("a", SMALL, 1.0)
    assert not settling.observe("a", LARGE, 2.0)
    assert settling.settled_stamp("a") is None
    assert settling.unsettled() == ("a",)


def test_one_look_never_settles_a_file_however_old_it_is():
    settling = FileSettling(0.0)
    assert not settling.observe("a", FileStamp(10, 0), 1e9)
    assert settling.observe("a", FileStamp(10, 0), 1e9)


def test_files_do_not_disturb_each_other():
    settling = FileSettling(0.25)
    settling.observe("a", SMALL, 0.0)
    settling.observe("b", SMALL, 0.2)
    assert settling.observe("a", SMALL, 0.3)
    assert not settling.has_settled("b")


def test_a_file_that_went_away_is_new_when_it_comes_back():
    settling = FileSettling(0.25)
    settling.observe("a", SMALL, 0.0)
    settling.observe("a", SMALL, 1.0)
    settling.forget_missing([])
    assert settling.unsettled() == ()
    assert not settling.observe("a", SMALL, 2.0)


def test_the_last_change_is_that_of_any_file():
    settling = FileSettling(0.25)
    assert settling.t_last_change == float("-inf")
    settling.observe("a", SMALL, 0.0)
    settling.observe("b", SMALL, 3.0)
    settling.observe("a", SMALL, 5.0)
    assert settling.t_last_change == 3.0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.0, 1.0), st.integers(0, 1)),
        min_size=1,
        max_size=20,
    )
)
def test_settled_means_that_no_look_of_the_last_quarter_second_saw_anything_else(looks):
    settling = FileSettling(0.25)
    now, history = 0.0, []
    for pause, size in looks:
        now += pause
        history.append((now, size))
        has_settled = settling.observe("a", FileStamp(size, 0), now)
        same_since = now
        for seen, other in reversed(history):
            if other != size:
                break
            same_since = seen
        assert has_settled == (len(history) > 1 and now - same_since >= 0.25)


def test_what_comes_changes_or_settles_is_told_once():
    settling = FileSettling(0.25)
    settling.observe("a", SMALL, 0.0)
    settling.observe("b", SMALL, 0.0)
    assert settling.take_changed() == {"a", "b"}
    assert settling.take_changed() == set()
    settling.observe("a", SMALL, 1.0)
    settling.observe("b", LARGE, 1.0)
    assert settling.take_changed() == {"a", "b"}
    settling.observe("a", SMALL, 2.0)
    settling.observe("b", LARGE, 1.1)
    assert settling.take_changed() == set()
    assert not settling.is_growing("a")
    assert settling.is_growing("b")
    settling.observe("b", SMALL, 2.0)
    settling.forget_missing(["a"])
    assert settling.take_changed() == set()
    assert not settling.is_growing("b")
