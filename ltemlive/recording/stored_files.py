"""Whether stored frames are still there: looked at before a session goes on.

A crash of the machine, or a hand in the wrong folder, may have cost a file whose line is in
the journal. As long as the producer keeps its frame, it must not be told that we have it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.formats.images import read_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ltemlive.recording.ledger import FrameRecord, SeriesRecord


def lost_frames(folder: Path, record: SeriesRecord) -> Iterator[tuple[int, str]]:
    """Yield (seq, reason) of each stored frame whose file is gone or damaged.

    Parameters
    ----------
    folder
        Of the series.
    """
    for frame in record.frames:
        reason = _damage(folder, frame)
        if reason:
            yield frame.seq, reason


def _damage(folder: Path, frame: FrameRecord) -> str:
    try:
        image = np.ascontiguousarray(read_image(folder / frame.file))
    except FrameError as error:
        return f"it was stored, and its file cannot be read any more: {error}"
    # The file may keep the bytes of a pixel in the other order.
    if frame.crc32 in (zlib.crc32(image.data), zlib.crc32(image.byteswap().data)):
        return ""
    return f"it was stored, and {frame.file} has other pixels now"
