import errno
import os
import threading

import pytest

from ltemlive.errors import RecordingError
from ltemlive.recording.books import Books
from ltemlive.recording.journal import Journal, read_journal
from ltemlive.recording.ledger import Ledger

OPENED = {
    "ordinal": 1,
    "producer": "run-1",
    "series": "holes",
    "n_expected": None,
    "microscope": {"voltage_kv": 200.0, "pixel_nm": 5.0},
}


class Disk:
    """Books on a real journal, and what was synced in which order."""

    def __init__(self, path, monkeypatch):
        self.path = path
        self.synced = []
        self.refuses = False
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._sync)
        journal = Journal(path, clock=lambda: 1.0)
        self.synced.clear()
        self.books = Books(
            journal,
            Ledger(),
            before_sync=lambda: self.synced.append("files"),
            undone=lambda: self.synced.append("undone"),
        )

    def _sync(self, file):
        if self.refuses:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.synced.append("journal")
        self._fsync(file)

    def record_together(self, *entries, then=lambda: None):
        """Record entries as one group, at whose end something happens."""
        with self.books.together():
            for kind, values in entries:
                self.books.append(kind, ordinal=1, **values)
            then()

    def kinds(self):
        return [entry["kind"] for entry in read_journal(self.path)]


ENDED = ("ended", {"exit_status": "success"})


class UnexpectedError(Exception):
    """Something that nobody thought of."""


def fail():
    raise UnexpectedError


@pytest.fixture
def disk(tmp_path, monkeypatch):
    made = Disk(tmp_path / "journal.jsonl", monkeypatch)
    yield made
    made.books.close()


def test_an_entry_alone_is_on_the_disk_at_once(disk):
    disk.books.append("opened", **OPENED)
    assert disk.synced == ["files", "journal"]
    assert disk.books.ledger.records[1].key == ("run-1", "holes")


def test_what_need_not_last_waits_for_no_disk(disk):
    disk.books.append("added", durable=False, ordinal=1, seqs=(0,))
    assert disk.synced == ["files"]
    assert disk.kinds() == ["added"]


def test_a_group_shares_one_sync_after_its_files(disk):
    with disk.books.together():
        disk.books.append("opened", **OPENED)
        with disk.books.together():
            disk.books.append("ended", ordinal=1, exit_status="success")
        assert disk.synced == []
    assert disk.synced == ["files", "journal"]
    assert disk.kinds() == ["opened", "ended"]


def test_a_group_that_the_disk_refuses_was_never_recorded(disk):
    disk.books.append("opened", **OPENED)
    disk.refuses = True
    with pytest.raises(RecordingError, match="No space left"):
        disk.record_together(ENDED, ("finished", {"rev": 3}))
    assert disk.synced == ["files", "journal", "files", "undone"]
    assert disk.books.ledger.records[1].exit_status is None
    assert disk.books.ledger.last_rev == 0
    assert disk.kinds() == ["opened"]
    disk.refuses = False
    disk.books.append("ended", ordinal=1, exit_status="abort")
    assert disk.kinds() == ["opened", "ended"]


def test_a_group_whose_block_fails_was_never_recorded(disk):
    disk.books.append("opened", **OPENED)
    with pytest.raises(UnexpectedError):
        disk.record_together(ENDED, then=fail)
    assert disk.books.ledger.records[1].exit_status is None
    assert disk.kinds() == ["opened"]


def test_what_another_thread_notes_meanwhile_is_not_taken_back(disk):
    disk.books.append("opened", **OPENED)
    started, written = threading.Event(), []

    def note():
        started.set()
        disk.books.append("added", durable=False, ordinal=1, seqs=(0,))
        written.append(True)

    thread = threading.Thread(target=note)

    def let_it_note_then_fail():
        thread.start()
        assert started.wait(20.0)
        assert not written
        raise UnexpectedError

    with pytest.raises(UnexpectedError):
        disk.record_together(ENDED, then=let_it_note_then_fail)
    thread.join(20.0)
    assert disk.kinds() == ["opened", "added"]


def test_closed_books_record_nothing(disk):
    disk.books.close()
    disk.books.close()
    with pytest.raises(RecordingError, match="expected an open session"):
        disk.books.append("opened", **OPENED)
