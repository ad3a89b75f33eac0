"""Between ingest and the solver: nothing is lost here and nobody waits for the other."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.series import Microscope


@dataclass(frozen=True, slots=True)
class SeriesOpened:
    """A series has its folder; its frames come next."""

    ordinal: int
    series: str
    microscope: Microscope
    is_resumed: bool = False
    """Whether frames of it are on the disk that no letter brings."""


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A frame that is on disk."""

    ordinal: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class FrameWished:
    """The user wants a frame used or set aside; None: as it fits."""

    seq: int
    use: bool | None
    ordinal: int | None = None
    """Of its series; None: of the newest that is open."""


@dataclass(frozen=True, slots=True)
class SeriesOver:
    """No more frames of this series will come."""

    ordinal: int
    exit_status: ExitStatus


Letter: TypeAlias = SeriesOpened | StoredFrame | FrameWished | SeriesOver


class Mailbox:
    """Hand stored frames to a slower solver without ever blocking ingest.

    ``put`` never blocks; ``take`` waits at most ``timeout_s`` and returns everything put
    since the last call, oldest first, or an empty list. ``backlog`` is how many frames
    wait: a backlog is normal, hiding it is not. Recording happens upstream: what is put
    here is already on disk.
    """

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._has_mail = threading.Condition()

    @property
    def backlog(self) -> int:
        """Return how many frames wait."""
        with self._has_mail:
            return sum(isinstance(letter, StoredFrame) for letter in self._letters)

    def put(self, letter: Letter) -> None:
        """Leave something for the solver."""
        with self._has_mail:
            self._letters.append(letter)
            self._has_mail.notify()

    def take_wishes(self) -> list[FrameWished]:
        """Return the wishes that wait before a new series, out of turn; at once."""
        with self._has_mail:
            opened = [isinstance(each, SeriesOpened) for each in self._letters]
            end = opened.index(True) if any(opened) else len(opened)
            before = self._letters[:end]
            wishes = [each for each in before if isinstance(each, FrameWished)]
            others = [each for each in before if not isinstance(each, FrameWished)]
            self._letters = [*others, *self._letters[end:]]
            return wishes

    def take(self, timeout_s: float) -> list[Letter]:
        """Return everything that waits, after at most ``timeout_s``."""
        with self._has_mail:
            if not self._letters:
                self._has_mail.wait(timeout_s)
            letters, self._letters = self._letters, []
            return letters
