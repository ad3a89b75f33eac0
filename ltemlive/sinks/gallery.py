"""The estimates that clients may have at full size, and what was made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.errors import WireError
from ltemlive.wire.estimates import full_message
from ltemlive.wire.limits import MAX_RESULT_BYTES, MAX_RESULT_HEADER_BYTES
from ltemlive.wire.results import (
    encode_result,
)

if TYPE_CHECKING:
    from ltemlive.events import PhaseEstimate

KEPT_FINALS = 4
"""Series whose final estimate is kept; of the others it is on the disk."""
CACHED_BYTES = 256 * 2**20
"""Of encoded arrays; the newest is kept even if it alone has more."""

_WHERE = "the final arrays of every series are files in its folder"


class Gallery:
    """Keep the newest live estimate and the final ones of the last series; for one thread.

    So is the live one that was asked for last, so that a client gets all arrays of one.
    They are kept as they came, and each array is encoded when it is first asked for.
    """

    def __init__(self) -> None:
        self._live: PhaseEstimate | None = None
        self._asked: PhaseEstimate | None = None
        self._finals: dict[int, PhaseEstimate] = {}
        self._encoded: dict[tuple[int, str], memoryview] = {}

    def keep(self, estimate: PhaseEstimate) -> None:
        """Take an estimate in place of an older one."""
        if estimate.is_final:
            self._finals.pop(estimate.ordinal, None)
            self._finals[estimate.ordinal] = estimate
            while len(self._finals) > KEPT_FINALS:
                del self._finals[next(iter(self._finals))]
        else:
            self._live = estimate
        self._forget_others()

    def full(
        self, array: str, rev: int | None, *, t: float
    ) -> tuple[PhaseEstimate, memoryview]:
        """Return an estimate and the result message with one of its arrays.

        Parameters
        ----------
        array
            Its name, as ``wire.previews.UNITS`` has them.
        rev
            None: the newest.
        t
            Seconds since 1970, for a message that is encoded now.

        Raises
        ------
        WireError
            If there is no such estimate, or the array is too large for a message.
        """
        estimate = self._found(array, rev)
        if not estimate.is_final:
            self._asked = estimate
            self._forget_others()
        key = (estimate.rev, array)
        data = self._encoded.pop(key, None)
        if data is None:
            _check_size(estimate, array)
            data = encode_result(full_message(estimate, array, t_published=t))
        self._encoded[key] = data
        while len(self._encoded) > 1 and self._nbytes() > CACHED_BYTES:
            del self._encoded[next(iter(self._encoded))]
        return estimate, data

    def _found(self, array: str, rev: int | None) -> PhaseEstimate:
        kept = {each.rev: each for each in self._kept()}
        if not kept:
            raise WireError(f"full {array}: there is no estimate yet; ask again later")
        if rev is None:
            return kept[max(kept)]
        if rev not in kept:
            revs = " ".join(str(each) for each in sorted(kept))
            raise WireError(
                f"full {array}: expected a rev of {revs}, got {rev}; leave it out for the "
                f"newest; {_WHERE}"
            )
        return kept[rev]

    def _kept(self) -> list[PhaseEstimate]:
        live = [each for each in (self._asked, self._live) if each is not None]
        return [*self._finals.values(), *live]

    def _forget_others(self) -> None:
        """Let what was made of an estimate go with it."""
        revs = {each.rev for each in self._kept()}
        self._encoded = {key: data for key, data in self._encoded.items() if key[0] in revs}

    def _nbytes(self) -> int:
        return sum(data.nbytes for data in self._encoded.values())


def _check_size(estimate: PhaseEstimate, array: str) -> None:
    is_vector = array in ("gradient", "induction")
    nbytes = estimate.phase_rad.nbytes * (2 if is_vector else 1)
    most = MAX_RESULT_BYTES - MAX_RESULT_HEADER_BYTES
    if nbytes > most:
        raise WireError(
            f"full {array}: expected at most {most} bytes, this one has {nbytes}; {_WHERE}"
        )
