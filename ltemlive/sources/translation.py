"""From what a producer says on the wire to what a source hands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.arrivals import FrameArrived, FrameRefused, SeriesAnnounced, SeriesClosed
from ltemlive.wire.messages import EndMessage, FrameMessage, StartMessage

if TYPE_CHECKING:
    from ltemlive.arrivals import Arrival
    from ltemlive.wire.messages import UnusableMessageError


def arrival_of(
    message: FrameMessage | StartMessage | EndMessage, receipt: object = None
) -> Arrival:
    """Return the arrival that a message announces."""
    match message:
        case FrameMessage():
            return FrameArrived(
                producer=message.producer,
                series=message.series,
                frame=message.frame,
                crc32=message.crc32,
                label=str(message.frame.meta.seq),
                receipt=receipt,
            )
        case StartMessage():
            return SeriesAnnounced(
                producer=message.producer,
                series=message.series,
                optics=message.optics,
                n_expected=message.n_expected,
                plan_defocus_nm=message.plan_defocus_nm,
                receipt=receipt,
            )
        case EndMessage():
            return SeriesClosed(
                producer=message.producer,
                series=message.series,
                exit_status=message.exit_status,
                n_sent=message.n_sent,
                receipt=receipt,
            )


def refusal_of(error: UnusableMessageError, receipt: object = None) -> FrameRefused:
    """Return the arrival that lists an unusable frame with its reason."""
    return FrameRefused(
        producer=error.producer,
        series=error.series,
        label=str(error.seq),
        reason=str(error),
        receipt=receipt,
    )
