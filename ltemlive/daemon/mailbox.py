"""Between ingest and the solver: nothing is lost here and nobody waits for the other."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    times_reopened: int = 0


@dataclass(frozen=True, slots=True)
class ViewWished:
    """The user wants to look at a frame; None: at what TIE makes of them all."""

    seq: int | None
    ordinal: int | None = None
    """Of its series; None: of the newest."""


Letter: TypeAlias = SeriesOpened | StoredFrame | FrameWished | SeriesOver


class Mailbox:
    """Hand stored frames to a slower solver without ever blocking ingest.

    ``put`` never blocks; ``take`` waits at most ``timeout_s`` and returns everything put
    since the last call, oldest first, or an empty list. ``backlog`` is how many frames
    wait: a backlog is normal, hiding it is not. Recording happens upstream: what is put
    here is already on disk. While it is held nothing is given out, and the solver rests.

    Views are no letters: the newest wish of each kind is kept, and given out at any time,
    for to look changes nothing.
    """

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._views: dict[bool, ViewWished] = {}
        self._is_held = False
        self._has_mail = threading.Condition()

    @property
    def backlog(self) -> int:
        """Return how many frames wait."""
        with self._has_mail:
            return sum(isinstance(letter, StoredFrame) for letter in self._letters)

    @property
    def is_held(self) -> bool:
        """Return whether the solver is to rest."""
        with self._has_mail:
            return self._is_held

    def hold(self) -> None:
        """Give nothing out until ``release``."""
        with self._has_mail:
            self._is_held = True

    def release(self) -> None:
        """Give out again what waits."""
        with self._has_mail:
            self._is_held = False
            self._has_mail.notify()

    def put(self, letter: Letter) -> None:
        """Leave something for the solver."""
        with self._has_mail:
            self._letters.append(letter)
            self._has_mail.notify()

    def put_view(self, wished: ViewWished) -> None:
        """Leave a wish for a view in place of the one before."""
        with self._has_mail:
            self._views[wished.seq is None] = wished
            self._has_mail.notify()

    def take_views(self) -> list[ViewWished]:
        """Return the views that are wanted; at once."""
        with self._has_mail:
            views, self._views = list(self._views.values()), {}
            return views

    def put_back(self, letters: Sequence[Letter]) -> None:
        """Take back, before all that waits, what the solver was given and did not open."""
        with self._has_mail:
            self._letters = [*letters, *self._letters]

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
        """Return everything that waits, after at most ``timeout_s``, or when a view is."""
        with self._has_mail:
            self._has_mail.wait_for(
                lambda: self._views or (self._letters and not self._is_held), timeout_s
            )
            if self._is_held:
                return []
            letters, self._letters = self._letters, []
            return letters


def batches_of(letters: Iterable[Letter]) -> list[list[Letter]]:
    """Frames of one series that follow each other are one batch; else each is alone."""
    batches: list[list[Letter]] = []
    for letter in _in_time(letters):
        before = batches[-1][-1] if batches else None
        is_next = isinstance(before, StoredFrame) and before.ordinal == letter.ordinal
        if is_next and isinstance(letter, StoredFrame):
            batches[-1].append(letter)
        else:
            batches.append([letter])
    return batches


def _in_time(letters: Iterable[Letter]) -> list[Letter]:
    """Return the letters, each wish before the end of a series that it may be about."""
    ordered: list[Letter] = []
    n_opened = 0
    for letter in letters:
        place = len(ordered)
        if isinstance(letter, FrameWished):
            ends = (k for k in range(n_opened, place) if isinstance(ordered[k], SeriesOver))
            place = next(ends, place)
        ordered.insert(place, letter)
        if isinstance(letter, SeriesOpened):
            n_opened = len(ordered)
    return ordered
