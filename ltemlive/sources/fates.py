"""What has become of each image in a watched folder, and what to do about it next.

    waiting -> offered -> done
            -> refused

``waiting`` (no defocus yet, not readable yet) and ``offered`` (handed on, no answer) are
tried again: what cannot be read may be complete later, and what could not be recorded, on
a full disk, is offered until it is. A file that changes begins again. Then the content that
was recorded before is nothing new, and other content under the same name is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

    from ltemlive.sources.folder_plan import ImageKey
    from ltemlive.sources.settling import FileStamp

State: TypeAlias = Literal["waiting", "offered", "done", "refused"]
Verdict: TypeAlias = Literal["offer", "repetition", "conflict"]


@dataclass(slots=True)
class _Fate:
    stamp: FileStamp
    state: State = "waiting"
    reason: str = ""
    t_retry: float = float("-inf")
    waits_for_news: bool = False
    """Whether trying again is in vain before something comes to the folder."""
    t_first_failure: float | None = None
    crc32: int | None = None
    """Of the content that was offered last."""
    is_taken: bool = False
    """Whether somebody keeps that content."""


class Fates:
    """Keep the state of every image; ``now`` is always the caller's clock.

    Parameters
    ----------
    retry_s
        Pause before an image that waits, or was offered in vain, is tried again.
    patience_s
        How long an unchanged file may be unreadable before it is refused.
    """

    def __init__(self, *, retry_s: float, patience_s: float) -> None:
        self._retry_s = retry_s
        self._patience_s = patience_s
        self._fates: dict[ImageKey, _Fate] = {}

    def is_due(
        self, key: ImageKey, stamp: FileStamp, now: float, *, is_news: bool = True
    ) -> bool:
        """Return whether a settled file should be looked into now.

        Parameters
        ----------
        is_news
            Whether anything has come, changed or settled beside it since it was.
        """
        fate = self._fates.get(key)
        if fate is None or fate.stamp != stamp:
            return True
        if fate.state == "waiting" and fate.waits_for_news:
            return is_news
        return fate.state in ("waiting", "offered") and now >= fate.t_retry

    def wait(self, key: ImageKey, stamp: FileStamp, reason: str) -> None:
        """Note that something beside the image is missing; it may come at any time."""
        fate = self._current(key, stamp)
        fate.reason, fate.waits_for_news = reason, True

    def fail(self, key: ImageKey, stamp: FileStamp, reason: str, now: float) -> bool:
        """Note that the image cannot be used as it is; return whether to refuse it now."""
        fate = self._current(key, stamp)
        fate.waits_for_news = False
        if fate.t_first_failure is None:
            fate.t_first_failure = now
        fate.reason, fate.t_retry = reason, now + self._retry_s
        if now - fate.t_first_failure >= self._patience_s:
            fate.state = "refused"
        return fate.state == "refused"

    def is_patient(self, key: ImageKey, now: float) -> bool:
        """Return whether an image that looks unfinished should be given more time."""
        fate = self._fates.get(key)
        if fate is None or fate.t_first_failure is None:
            return True
        return now - fate.t_first_failure < self._patience_s

    def take(self, key: ImageKey, stamp: FileStamp, crc32: int, now: float) -> Verdict:
        """Note that the image was read; return what its content means."""
        fate = self._current(key, stamp)
        if fate.is_taken:
            fate.state = "done"
            return "repetition" if fate.crc32 == crc32 else "conflict"
        fate.state, fate.crc32, fate.t_retry = "offered", crc32, now + self._retry_s
        fate.reason = "it could not be recorded"
        return "offer"

    def refuse(self, key: ImageKey, stamp: FileStamp) -> None:
        """Note that the image is not taken as it is now."""
        self._current(key, stamp).state = "refused"

    def settle(self, key: ImageKey, *, is_taken: bool) -> None:
        """Note the answer of whoever was offered the image."""
        fate = self._fates[key]
        fate.state, fate.is_taken = "done", is_taken

    def is_over(self, key: ImageKey, stamp: FileStamp) -> bool:
        """Return whether nothing is left to be done about a file that looks like this."""
        fate = self._fates.get(key)
        is_same = fate is not None and fate.stamp == stamp
        return is_same and fate is not None and fate.state in ("done", "refused")

    def is_settled(self, key: ImageKey) -> bool:
        """Return whether the image was delivered or refused."""
        fate = self._fates.get(key)
        return fate is not None and fate.state in ("done", "refused")

    def waiting(self) -> dict[ImageKey, str]:
        """Return what nobody took and is not refused, with the reason."""
        return {
            key: fate.reason
            for key, fate in self._fates.items()
            if fate.state in ("waiting", "offered") and not fate.is_taken
        }

    def has_offers(self) -> bool:
        """Return whether an answer about an image is still to come."""
        return any(fate.state == "offered" for fate in self._fates.values())

    def refuse_waiting(self) -> None:
        """Note that nothing of what waits is taken any more, unless it changes."""
        for key in self.waiting():
            self._fates[key].state = "refused"

    def is_taken(self, key: ImageKey) -> bool:
        """Return whether somebody keeps the image."""
        fate = self._fates.get(key)
        return fate is not None and fate.is_taken

    def n_taken(self) -> int:
        """Return how many images somebody keeps."""
        return sum(fate.is_taken for fate in self._fates.values())

    def forget_missing(self, present: Collection[str]) -> dict[ImageKey, str]:
        """Forget the images of files that went away before anybody took them.

        Returns
        -------
        Those that were not refused before, with the reason why they had to wait.
        """
        gone = [
            key
            for key, fate in self._fates.items()
            if key.name not in present and not fate.is_taken
        ]
        fates = {key: self._fates.pop(key) for key in gone}
        return {
            key: fate.reason
            for key, fate in fates.items()
            if fate.state in ("waiting", "offered")
        }

    def _current(self, key: ImageKey, stamp: FileStamp) -> _Fate:
        fate = self._fates.setdefault(key, _Fate(stamp))
        if fate.stamp != stamp:
            fate.stamp, fate.state, fate.t_first_failure = stamp, "waiting", None
        return fate
