import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.errors import RecordingError
from ltemlive.recording.journal import Journal, in_use, read_journal

entries = st.lists(
    st.tuples(
        st.text(min_size=1, max_size=8),
        st.dictionaries(
            st.text(max_size=5).filter(
                lambda key: key not in ("kind", "durable", "self", "t")
            ),
            st.none() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
            max_size=3,
        ),
    ),
    max_size=6,
)


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        self.now += 1.0
        return self.now


def write_journal(path, contents):
    journal = Journal(path, clock=FakeClock())
    written = [append(journal, kind, **values) for kind, values in contents]
    journal.close()
    return written


def append(journal, kind, *, durable=False, **values):
    """Write an entry alone, and return it as a reader will see it."""
    line = journal.line(kind, **values)
    journal.append([line], durable=durable)
    return json.loads(line)


@given(contents=entries, data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_journal_cut_at_any_byte_reads_as_a_prefix(tmp_path_factory, contents, data):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    written = write_journal(path, contents)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    read = read_journal(path)
    assert read == written[: len(read)]
    assert len(read) == whole[:cut].count(b"\n")


@given(contents=entries, data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_torn_journal_can_be_continued(tmp_path_factory, contents, data):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    write_journal(path, contents)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    before = read_journal(path)
    after = write_journal(path, [("next", {"n": 1})])
    assert read_journal(path) == before + after


def test_an_entry_has_its_time_its_kind_and_its_values(tmp_path):
    assert write_journal(tmp_path / "j", [("stored", {"seq": 3})]) == [
        {"t": 101.0, "kind": "stored", "seq": 3}
    ]


def test_the_callers_time_goes_before_the_clocks(tmp_path):
    assert write_journal(tmp_path / "j", [("stored", {"t": 5.0})])[0]["t"] == 5.0


def test_zeros_after_a_power_cut_count_as_torn(tmp_path):
    written = write_journal(tmp_path / "j", [("a", {}), ("b", {})])
    with (tmp_path / "j").open("ab") as file:
        file.write(b"\0" * 50)
    assert read_journal(tmp_path / "j") == written


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    write_journal(tmp_path / "j", [("a", {}), ("b", {}), ("c", {})])
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    (tmp_path / "j").write_bytes(lines[0] + b"{broken\n" + lines[2])
    with pytest.raises(RecordingError, match=r"j: line 2: expected a journal entry"):
        read_journal(tmp_path / "j")
    with pytest.raises(RecordingError, match="line 2"):
        Journal(tmp_path / "j", clock=FakeClock())
    assert not in_use(tmp_path / "j")


def test_a_missing_journal_is_named(tmp_path):
    with pytest.raises(RecordingError, match="expected a readable journal"):
        read_journal(tmp_path / "j")
    with pytest.raises(RecordingError, match="put the folder back"):
        Journal(tmp_path / "gone" / "j", clock=FakeClock())


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path):
    path = tmp_path / "j"
    assert not in_use(path)
    journal = Journal(path, clock=FakeClock())
    assert in_use(path)
    with pytest.raises(RecordingError, match="another ltemlive writes it"):
        Journal(path, clock=FakeClock())
    journal.close()
    assert not in_use(path)
    Journal(path, clock=FakeClock()).close()


def test_a_full_disk_takes_nothing_and_work_goes_on_when_there_is_room(
    tmp_path, monkeypatch
):
    journal = Journal(tmp_path / "j", clock=FakeClock())
    first = append(journal, "first")
    real_write = os.write

    def write_a_part_then_refuse(file, data):
        if len(data) > 10:
            return real_write(file, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write_a_part_then_refuse)
    with pytest.raises(RecordingError, match=r"No space left on device.*free some space"):
        append(journal, "lost", text="x" * 45)
    monkeypatch.undo()
    assert read_journal(tmp_path / "j") == [first]
    second = append(journal, "second")
    journal.close()
    assert read_journal(tmp_path / "j") == [first, second]


def test_a_failed_fsync_takes_all_that_was_written_back(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "j", clock=FakeClock())
    first = append(journal, "first")

    def refuse(_file):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    lines = [journal.line("lost", n=n) for n in range(3)]
    with pytest.raises(RecordingError, match="check the disk or the network share"):
        journal.append(lines, durable=True)
    monkeypatch.undo()
    second = append(journal, "second", durable=True)
    journal.close()
    assert read_journal(tmp_path / "j") == [first, second]


def test_a_journal_that_is_not_where_it_was_takes_nothing_more(tmp_path):
    session, away = tmp_path / "session", tmp_path / "away"
    session.mkdir()
    journal = Journal(session / "j", clock=FakeClock())
    first = append(journal, "first", durable=True)
    session.rename(away)
    for path in (session, session / "j"):
        # Not even where another file has its name now.
        with pytest.raises(RecordingError, match="put the folder back"):
            append(journal, "lost", durable=True)
        path.mkdir() if path == session else path.write_bytes(b"")
    (session / "j").unlink()
    session.rmdir()
    away.rename(session)
    second = append(journal, "second", durable=True)
    journal.close()
    assert read_journal(session / "j") == [first, second]


def test_nothing_is_written_behind_what_could_not_be_taken_back(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "j", clock=FakeClock())
    first = append(journal, "first", durable=True)

    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as share_that_is_gone:
        share_that_is_gone.setattr(os, "fsync", refuse)
        share_that_is_gone.setattr(os, "ftruncate", refuse)
        for _ in range(2):
            with pytest.raises(RecordingError, match="check the disk"):
                append(journal, "lost", durable=True)
    second = append(journal, "second", durable=True)
    journal.close()
    assert read_journal(tmp_path / "j") == [first, second]
