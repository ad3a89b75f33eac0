"""Which images of a watched folder should be looked into now, in which order.

A file that is done with is left alone until it changes, and what waits for metadata until
something comes to the folder: thousands of files cost nothing while nothing happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ltemlive.sources.fates import Fates
    from ltemlive.sources.folder_facts import FolderFacts, ImageFacts
    from ltemlive.sources.folder_plan import ImageKey
    from ltemlive.sources.folder_view import FolderView
    from ltemlive.sources.settling import FileSettling, FileStamp

    Due: TypeAlias = tuple[ImageKey, FileStamp, ImageFacts]


class DueImages:
    """Keep the files of which something may be due.

    Parameters
    ----------
    news_s
        Longest time that a missing description is taken to be missing still: what lies
        in a folder within is not watched.
    """

    def __init__(
        self,
        view: FolderView,
        settling: FileSettling,
        facts: FolderFacts,
        fates: Fates,
        *,
        news_s: float,
    ) -> None:
        self._view = view
        self._settling = settling
        self._facts = facts
        self._fates = fates
        self._news_s = news_s
        self._open: set[str] = set()
        self._is_news = False
        self._t_next_news = float("-inf")

    def refresh(self, now: float) -> None:
        """Read what is new of descriptions, after a look at the folder."""
        files = self._view.files
        changed = self._facts.refresh(files) | self._settling.take_changed()
        self._open = (self._open | changed) & files.keys()
        if changed or now >= self._t_next_news:
            self._is_news = True
            self._t_next_news = now + self._news_s

    def now_due(self, now: float) -> list[Due]:
        """Return images to look into; by number, what has none last and by name."""
        due = [
            (key, stamp, self._facts.facts(key, stamp))
            for name in tuple(self._open)
            for key, stamp in self._undone(name)
            if self._fates.is_due(key, stamp, now, is_news=self._is_news)
        ]
        self._is_news = False
        return sorted(due, key=_place)

    def may_be_frames(self, name: str) -> bool:
        """Return whether a file may hold frames: an image that is no reference."""
        return self._view.is_image(name) and not self._facts.camera.is_reference(name)

    def _undone(self, name: str) -> list[tuple[ImageKey, FileStamp]]:
        """Return the images of a settled file that nobody has done with."""
        may_be_frames = self.may_be_frames(name)
        stamp = self._settling.settled_stamp(name)
        if stamp is None and may_be_frames:
            return []
        undone = [
            (key, stamp)
            for key in (self._facts.images_of(name, stamp) if may_be_frames else ())
            if stamp is not None and not self._fates.is_over(key, stamp)
        ]
        if not undone:
            self._open.discard(name)
        return undone


def _place(due: Due) -> tuple[float, str, int]:
    key, _, facts = due
    seq = float("inf") if facts.wanted_seq is None else facts.wanted_seq
    return seq, key.name, key.page
