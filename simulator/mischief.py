"""How frames go wrong on their way: through a socket, and through a folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ltemlive.formats.aside import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ltemlive.frames import Frame
    from simulator.folder_emitter import DirectoryEmitter
    from simulator.zmq_emitter import ZmqEmitter

CUT_OFF_S = 1.0
"""Some settling times of a watched folder: the file stands still, and is not whole."""


class SocketMischief:
    """Wrong messages through the socket of the right ones."""

    def __init__(self, emitter: ZmqEmitter) -> None:
        self._emitter = emitter

    def lose(self, frame: Frame) -> None:
        """Count a frame as sent: it was lost before the socket had it."""
        self._emitter.lose(frame)

    def cut_off(self, frame: Frame) -> None:
        """Send a message whose header says twice as many pixels as it has."""
        magic, header, pixels = self._emitter.encoded(frame)
        parts = [magic, header, bytes(pixels[: len(pixels) // 2])]
        self._emitter.send_raw(parts, copy_of=frame.meta.seq)

    def litter(self, frame: Frame, parts: list[bytes]) -> None:
        """Send the bytes; they do not even say to whom an answer should go."""
        self._emitter.send_raw(parts)


class FolderMischief:
    """Wrong files in the folder of the right ones.

    Parameters
    ----------
    cut_off_s
        How long a file stays cut off before its frame is written.
    """

    def __init__(
        self,
        emitter: DirectoryEmitter,
        *,
        cut_off_s: float = CUT_OFF_S,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._emitter = emitter
        self._cut_off_s = cut_off_s
        self._sleep = sleep

    def lose(self, frame: Frame) -> None:
        """List a frame in ``series.yaml`` alone."""
        self._emitter.describe(frame)

    def cut_off(self, frame: Frame) -> None:
        """Leave the first half of a file under its own name for a while."""
        self._emitter.describe(frame)
        content = self._emitter.encoded(frame)
        _write(self._emitter.file_of(frame), content[: len(content) // 2])
        self._sleep(self._cut_off_s)

    def litter(self, frame: Frame, parts: list[bytes]) -> None:
        """Write an image file that is none; its name says a defocus, so it is opened."""
        file = self._emitter.file_of(frame)
        _write(file.with_name(f"garbage_{file.stem}_df0{file.suffix}"), b"".join(parts))


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise disk_error(file, error) from error
