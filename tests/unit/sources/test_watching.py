import pytest
from watchdog.events import (
    FileClosedNoWriteEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileOpenedEvent,
)
from watchdog.observers.polling import PollingObserver

from ltemlive.sources import watching
from ltemlive.sources.watching import FolderHints


@pytest.mark.parametrize("kind", [FileCreatedEvent, FileModifiedEvent, FileMovedEvent])
def test_a_change_is_one_hint(tmp_path, kind):
    hints = FolderHints(tmp_path)
    assert not hints.wait(0.0)
    hints.on_any_event(kind("f.tif"))
    hints.on_any_event(kind("f.tif"))
    assert hints.wait(0.0)
    assert not hints.wait(0.0)


@pytest.mark.parametrize("kind", [FileOpenedEvent, FileClosedNoWriteEvent])
def test_reading_is_no_hint(tmp_path, kind):
    hints = FolderHints(tmp_path)
    hints.on_any_event(kind("f.tif"))
    assert not hints.wait(0.0)


def test_a_folder_is_polled_where_the_kernel_has_no_watches_left(
    tmp_path, monkeypatch, caplog
):
    class NoWatchesLeft:
        def schedule(self, *_arguments, **_options):
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watching, "Observer", NoWatchesLeft)
    with FolderHints(tmp_path) as hints:
        assert isinstance(hints._observer, PollingObserver)
    assert "inotify watch limit reached" in caplog.text


def test_a_share_is_polled(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/ / nfs rw 0 0\n")
    monkeypatch.setattr(watching, "_MOUNTS", mounts)
    with FolderHints(tmp_path) as hints:
        assert isinstance(hints._observer, PollingObserver)


def test_a_system_without_a_list_of_mounts_is_watched(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "_MOUNTS", tmp_path / "none")
    with FolderHints(tmp_path) as hints:
        assert hints._observer.is_alive()
