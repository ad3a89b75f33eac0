import errno
import os

import pytest

from ltemlive.errors import RecordingError
from ltemlive.formats.aside import disk_error, written_aside


def test_the_file_appears_complete_and_nothing_stays_beside_it(tmp_path):
    with written_aside(tmp_path / "a.txt") as aside:
        aside.write_text("whole")
        assert not (tmp_path / "a.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_failure_leaves_the_older_file_as_it_was(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(TypeError), written_aside(tmp_path / "a.txt") as aside:
        aside.write_text("half") + "something else broke"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_the_name_aside_is_hidden_from_folder_watchers(tmp_path):
    with written_aside(tmp_path / "a.tif") as aside:
        aside.touch()
        assert aside.name.startswith(".")
        assert aside.suffix == ".part"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "choose a folder that can be written"),
        (errno.ENOENT, "put the folder back"),
        (errno.EACCES, "choose a folder that you may write"),
        (errno.EBUSY, "check that the disk can be written"),
    ],
)
def test_a_disk_that_refuses_is_one_line_with_file_reason_and_remedy(
    tmp_path, number, remedy
):
    file = tmp_path / "a.tif"
    with pytest.raises(RecordingError) as caught, written_aside(file):
        raise OSError(number, os.strerror(number))
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    assert os.strerror(number) in message
    assert remedy in message


def test_a_missing_folder_is_named(tmp_path):
    with (
        pytest.raises(RecordingError, match="No such file or directory"),
        written_aside(tmp_path / "gone" / "a.txt") as aside,
    ):
        aside.write_text("x")


def test_an_error_without_a_number_still_gives_its_words(tmp_path):
    assert "the words" in str(disk_error(tmp_path, OSError("the words")))


def test_an_array_that_the_disk_took_a_part_of_means_that_it_is_full(tmp_path):
    error = disk_error(tmp_path / "f.tif", OSError("4096 requested and 3992 written"))
    assert str(error).endswith("(No space left on device); free some space there")
