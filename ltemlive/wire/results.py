"""Results out: what clients see of a session, to bytes and back.

One part per message, so that a slow client may keep only the newest (CONFLATE):

    topic  NUL  u32le length of the JSON header  JSON header  arrays

The header is padded with spaces so that the arrays begin at a multiple of 8 bytes of the
message; each array's ``offset`` counts from there and is a multiple of 8 as well.
"""

from __future__ import annotations

import math
import struct
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from ltemlive.errors import WireError
from ltemlive.events import FrameStored
from ltemlive.frames import PIXEL_TYPES
from ltemlive.wire import limits
from ltemlive.wire.fields import Fields, brief, one_line
from ltemlive.wire.jsontext import dump_object, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ltemlive.events import AdviceGiven, FrameRejected

TOPICS = ("status", "frame", "estimate", "metrics", "advice", "view")

FrameState: TypeAlias = Literal["stored", "used", "aside", "rejected"]
DaemonState: TypeAlias = Literal["starting", "waiting", "solving", "paused", "stopping"]

_ALIGNMENT = 8
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True, eq=False)
class ResultMessage:
    """One message to every client."""

    topic: str
    header: Mapping[str, Any]
    """JSON values; ``arrays`` describes the arrays, completed when it is encoded."""
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """By name; read-only views into the message when it was decoded."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One line of the frame table."""

    seq: int | None
    frame: str
    """Its seq as text, or its file name."""
    defocus_nm: float | None
    """As it was stated; an estimate tells with which it is used."""
    state: FrameState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """The state of the daemon and the frame table of the current series.

    Counters are named as areaDetector names them and count frames of the session.
    """

    session: str
    state: DaemonState
    device: str | None
    ordinal: int | None
    series: str | None
    n_expected: int | None
    received: int
    stored: int
    dropped: int
    disordered: int
    duplicate: int
    rejected: int
    queued: int
    frames: tuple[FrameRow, ...]
    version: str
    frames_left_out: int = 0
    """Rows of the series that are not among ``frames`` any more."""
    problem: str | None = None
    """What the disk refuses now, in one line; None where it takes everything."""


def encode_result(message: ResultMessage) -> memoryview:
    """Return the one part of a result, read-only.

    Raises
    ------
    WireError
        If the header holds what JSON has not, or too much of it.
    """
    described = {entry["name"]: entry for entry in message.header.get("arrays", ())}
    entries: list[dict[str, Any]] = []
    offset = 0
    for name, array in message.arrays.items():
        layout = {
            "name": name,
            "dtype": array.dtype.str,
            "shape": array.shape,
            "offset": offset,
            "nbytes": array.nbytes,
        }
        entries.append({**layout, **described.get(name, {}), **layout})
        offset += array.nbytes + -array.nbytes % _ALIGNMENT
    header = dump_object(
        {**message.header, "arrays": entries},
        where=f"{message.topic} result",
        max_bytes=limits.MAX_RESULT_HEADER_BYTES,
    )
    topic = message.topic.encode("ascii") + b"\0"
    header += b" " * (-(len(topic) + _LENGTH.size + len(header)) % _ALIGNMENT)
    start = topic + _LENGTH.pack(len(header)) + header
    return _joined(start, message.arrays.values(), len(start) + offset)


def _joined(start: bytes, arrays: Iterable[NDArray[Any]], nbytes: int) -> memoryview:
    """Return ``start`` and the arrays, each padded, in one buffer.

    NumPy copies without holding up other threads; ``tobytes`` would, for milliseconds.
    """
    buffer = np.empty(nbytes, np.uint8)
    buffer[: len(start)] = np.frombuffer(start, np.uint8)
    place = len(start)
    for array in arrays:
        end = place + array.nbytes
        buffer[place:end] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        place = end + -array.nbytes % _ALIGNMENT
        buffer[end:place] = 0
    return buffer.data.toreadonly()


def decode_result(data: bytes | memoryview) -> ResultMessage:
    """Return what the one part of a result says; its arrays are views into ``data``.

    Raises
    ------
    WireError
        If the topic, the header or the layout of an array is not of this version.
    """
    view = memoryview(data)
    topic_bytes, nul, _ = bytes(view[: limits.MAX_ID_CHARACTERS]).partition(b"\0")
    topic = topic_bytes.decode("ascii", "replace")
    if not nul or topic not in TOPICS:
        raise WireError(
            f"result: expected a topic of {' '.join(TOPICS)} and NUL, got {brief(topic)}"
        )
    start = len(topic_bytes) + 1 + _LENGTH.size
    if len(view) < start:
        raise WireError(f"{topic} result: expected a header length, got {len(view)} bytes")
    (n_header,) = _LENGTH.unpack(view[start - _LENGTH.size : start])
    if n_header > len(view) - start:
        raise WireError(
            f"{topic} result: expected {n_header} bytes of header, got {len(view) - start}"
        )
    header = parse_object(
        view[start : start + n_header],
        where=f"{topic} result",
        max_bytes=limits.MAX_RESULT_HEADER_BYTES,
    )
    buffer = view[start + n_header :]
    return ResultMessage(topic, header, _arrays(header, buffer, where=f"{topic} result"))


def frame_message(
    event: FrameStored | FrameRejected, *, t_published: float
) -> ResultMessage:
    """Return what became of one frame."""
    header: dict[str, Any] = {"ordinal": event.ordinal, "series": event.series}
    if isinstance(event, FrameStored):
        header |= {
            "seq": event.seq,
            "frame": str(event.seq),
            "state": "stored",
            "defocus_nm": event.defocus_nm,
            "reason": None,
        }
    else:
        header |= {
            "seq": int(event.frame) if event.frame.isdecimal() else None,
            "frame": one_line(event.frame),
            "state": "rejected",
            "defocus_nm": None,
            "reason": one_line(event.reason),
        }
    return ResultMessage("frame", {**header, "t_published": t_published})


def advice_message(event: AdviceGiven, *, t_published: float) -> ResultMessage:
    """Return something that the user should know or do."""
    header = {
        "text": one_line(event.text),
        "level": event.level,
        "ordinal": event.ordinal,
        "t_published": t_published,
    }
    return ResultMessage("advice", header)


def status_message(status: DaemonStatus, *, t_published: float) -> ResultMessage:
    """Return the state of the daemon with the newest rows of its frame table.

    ``frames_left_out`` counts the rows that would have made the message too long.
    ``problem`` is there only where there is one.
    """
    listed = status.frames[-limits.MAX_LISTED_FRAMES :]
    header = asdict(replace(status, frames=listed))
    header["frames_left_out"] += len(status.frames) - len(listed)
    if status.problem is None:
        del header["problem"]
    else:
        header["problem"] = one_line(status.problem)
    return ResultMessage("status", {**header, "t_published": t_published})


def _arrays(
    header: Mapping[str, Any], buffer: memoryview, *, where: str
) -> dict[str, NDArray[Any]]:
    entries = header.get("arrays", [])
    if not isinstance(entries, list) or len(entries) > limits.MAX_ARRAYS:
        raise WireError(f"{where}: arrays: expected a list of at most {limits.MAX_ARRAYS}")
    arrays: dict[str, NDArray[Any]] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise WireError(f"{where}: arrays[{index}]: expected an object")
        fields = Fields(entry, f"{where}: arrays[{index}]")
        arrays[fields.text("name")] = _array(fields, buffer)
    return arrays


def _array(fields: Fields, buffer: memoryview) -> NDArray[Any]:
    dtype = np.dtype(fields.choice("dtype", PIXEL_TYPES))
    shape = fields.array_shape("shape")
    count = math.prod(shape)
    nbytes = count * dtype.itemsize
    offset = fields.whole("offset")
    if fields.whole("nbytes") != nbytes or offset + nbytes > len(buffer):
        raise WireError(
            f"{fields.where}: expected {nbytes} bytes from dtype and shape at offset "
            f"{offset}, the header says {fields.whole('nbytes')} and {len(buffer)} came"
        )
    array = np.frombuffer(buffer, dtype, count, offset).reshape(shape)
    array.flags.writeable = False
    return array
