"""What was handed over and not answered yet, for sources whose senders do not repeat.

An answer means that the disk has it. What a full disk refused is kept here and offered
again, the end of a series after all that came of it before; where too much is kept the
oldest frame is given up, and its refusal takes its place. Pure: the clock is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ltemlive.arrivals import FrameArrived, FrameRefused, ProducerHeard, SeriesClosed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ltemlive.arrivals import Arrival

MAX_FRAMES = 64
MAX_BYTES = 256 * 2**20
"""Pixels of the frames that are kept."""
MAX_ARRIVALS = 1024
"""Of every kind; refusals and ends are small."""
PAUSE_S = 1.0
"""Before what was not answered is offered again."""
GIVEN_UP = "the disk did not take it, and a subscription does not send again"


@dataclass(frozen=True, slots=True)
class Kept:
    """Receipt of an arrival that is kept until it is answered."""

    number: int


class Unanswered:
    """Keep arrivals, oldest first, until each is settled.

    What its methods yield is for ``grouped``: None stands where all that came before must
    be answered before it goes on.
    """

    def __init__(self, now: float) -> None:
        self._kept: dict[int, Arrival] = {}
        self._n_kept = 0
        self._t_again = now + PAUSE_S

    def hand_over(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival | None]:
        """Yield new arrivals, each with the receipt that ``settle`` takes.

        A sign of life is not kept: it means nothing later.
        """
        for arrival in arrivals:
            if isinstance(arrival, ProducerHeard):
                yield arrival
                continue
            self._n_kept += 1
            receipt = Kept(self._n_kept)
            self._kept[receipt.number] = replace(arrival, receipt=receipt)
            yield from self._offer(receipt.number)

    def settle(self, receipt: Kept) -> None:
        """Forget what was answered."""
        self._kept.pop(receipt.number, None)

    def is_due(self, now: float) -> bool:
        """Return whether something that is kept should be offered again."""
        return bool(self._kept) and now >= self._t_again

    def offer_again(self, now: float) -> Iterator[Arrival | None]:
        """Yield what is still kept once all that was handed over had its chance."""
        yield None
        for number in tuple(self._kept):
            yield from self._offer(number)
        self._t_again = now + PAUSE_S

    def has_too_much(self) -> bool:
        """Return whether ``give_up`` has something to do."""
        sizes = self._frame_sizes()
        is_too_large = len(sizes) > 1 and sum(sizes) > MAX_BYTES
        return is_too_large or len(sizes) > MAX_FRAMES or len(self._kept) > MAX_ARRIVALS

    def give_up(self) -> int:
        """Refuse the oldest frames while there is too much; return how many.

        Their refusals are kept in their place; of too many of these the oldest are
        forgotten. Whatever was handed over must have had its chance.
        """
        n_before = self.n_frames()
        while self.has_too_much():
            if len(self._kept) > MAX_ARRIVALS:
                del self._kept[self._oldest(FrameRefused)]
                continue
            number = self._oldest(FrameArrived)
            frame = self._kept[number]
            if isinstance(frame, FrameArrived):
                self._kept[number] = FrameRefused(
                    frame.producer, frame.series, frame.label, GIVEN_UP, frame.receipt
                )
        return n_before - self.n_frames()

    def n_frames(self) -> int:
        """Return how many frames are kept."""
        return len(self._frame_sizes())

    def _offer(self, number: int) -> Iterator[Arrival | None]:
        arrival = self._kept.get(number)
        if isinstance(arrival, SeriesClosed):
            yield None
            if not self._is_first_of_series(number):
                return
        if arrival is not None:
            yield arrival

    def _is_first_of_series(self, number: int) -> bool:
        closed = self._kept[number]
        key = (closed.producer, closed.series)
        return number == next(
            number
            for number, other in self._kept.items()
            if (other.producer, other.series) == key
        )

    def _oldest(self, kind: type) -> int:
        """Return the number of the oldest of a kind, or of any kind if there is none."""
        of_kind = (number for number, each in self._kept.items() if isinstance(each, kind))
        return next(of_kind, next(iter(self._kept)))

    def _frame_sizes(self) -> list[int]:
        frames = (each for each in self._kept.values() if isinstance(each, FrameArrived))
        return [each.frame.image.nbytes for each in frames]
