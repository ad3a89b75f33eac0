"""Frames in: the messages of a producer, to bytes and back.

A message has three parts: the magic, a JSON header, and the pixels in C order (empty unless
the type is ``frame``). ``docs/wire.md`` shows each as bytes. Nothing here knows a socket.
Keys that this version does not know are left alone.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ltemlive.errors import FrameError, WireError
from ltemlive.frames import PIXEL_TYPES, Frame, FrameMeta
from ltemlive.wire import limits
from ltemlive.wire.fields import Fields, read_header
from ltemlive.wire.jsontext import dump_object
from ltemlive.wire.messages import (
    EndMessage,
    FrameMessage,
    Heartbeat,
    StartMessage,
    UnusableMessageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ltemlive.events import ExitStatus
    from ltemlive.wire.messages import IncomingMessage, MessageType

WIRE_VERSION = 1

FRAME_MAGIC = b"ltem.frame.v1"

_TYPES = ("frame", "start", "end", "hb")
_EXIT_STATUSES = ("success", "abort", "fail")


def pixel_crc32(image: NDArray[Any]) -> int:
    """Return the CRC-32 of the pixels in C order and in their own byte order."""
    return zlib.crc32(np.ascontiguousarray(image).data)


def encode(message: IncomingMessage) -> list[bytes]:
    """Return the three parts of a producer's message.

    Raises
    ------
    WireError
        If ``meta`` or the optics hold what JSON has not, or too much of it.
    """
    header: dict[str, Any] = {"producer": message.producer, "series": message.series}
    pixels = b""
    match message:
        case FrameMessage():
            header = {"type": "frame", **header, **_frame_keys(message)}
            pixels = message.frame.image.tobytes()
        case StartMessage():
            header = {
                "type": "start",
                **header,
                "n_expected": message.n_expected,
                "plan_defocus_nm": message.plan_defocus_nm,
                "dtype": message.dtype,
                "shape": message.shape,
                "microscope": dict(message.optics),
            }
        case EndMessage():
            header = {
                "type": "end",
                **header,
                "n_sent": message.n_sent,
                "exit_status": message.exit_status,
            }
        case _:
            header = {"type": "hb", **header, "last_seq": message.last_seq}
    return [FRAME_MAGIC, dump_object(header, where=f"{header['type']} header"), pixels]


def decode(parts: Sequence[bytes | memoryview], *, max_frame_bytes: int) -> IncomingMessage:
    """Return what the three parts of a producer's message say.

    An image is read-only, and is not copied unless its bytes lie unaligned.

    Raises
    ------
    UnusableMessageError
        If something is wrong but type, producer, series and (of a frame) seq are known.
    WireError
        If not even those can be read.
    """
    fields = read_header(parts, magic=FRAME_MAGIC, n_parts=(3,), where="frame message")
    type_ = cast("MessageType", fields.choice("type", _TYPES))
    producer, series = fields.text("producer"), fields.text("series")
    seq = fields.whole("seq") if type_ == "frame" else None
    named = Fields(fields.values, type_ if seq is None else f"frame {seq}")
    try:
        if type_ == "frame":
            return _frame(named, memoryview(parts[2]), max_frame_bytes)
        if parts[2]:
            raise WireError(
                f"{type_}: expected an empty third part, got {len(parts[2])} bytes"
            )
        return _READERS[type_](named)
    except (WireError, FrameError) as error:
        raise UnusableMessageError(
            str(error), type_=type_, producer=producer, series=series, seq=seq
        ) from error


def _frame_keys(message: FrameMessage) -> dict[str, Any]:
    meta, image = message.frame.meta, message.frame.image
    return {
        "seq": meta.seq,
        "dtype": image.dtype.str,
        "shape": image.shape,
        "nbytes": image.nbytes,
        "crc32": message.crc32,
        "defocus_nm": meta.defocus_nm,
        "pixel_nm": meta.pixel_nm,
        "voltage_kv": meta.voltage_kv,
        "exposure_s": meta.exposure_s,
        "t_exposure_start": meta.t_exposure_start,
        "meta": dict(meta.meta),
    }


def _frame(fields: Fields, pixels: memoryview, max_frame_bytes: int) -> FrameMessage:
    meta = FrameMeta(
        seq=fields.whole("seq"),
        defocus_nm=fields.number_or_none("defocus_nm", limits.DEFOCUS_NM),
        pixel_nm=fields.number_or_none("pixel_nm", limits.PIXEL_NM),
        voltage_kv=fields.number_or_none("voltage_kv", limits.VOLTAGE_KV),
        exposure_s=fields.number_or_none("exposure_s", limits.EXPOSURE_S),
        t_exposure_start=fields.number_or_none("t_exposure_start", limits.UNIX_TIME_S),
        meta=fields.mapping("meta"),
    )
    image = _image(fields, pixels, max_frame_bytes)
    crc32 = fields.whole("crc32")
    came = zlib.crc32(pixels)
    if crc32 != came:
        raise WireError(
            f"{fields.where}: crc32: expected {came} as the pixels have, got {crc32} in "
            "the header; damaged on the way, or counted otherwise than zlib does"
        )
    return FrameMessage(
        fields.text("producer"), fields.text("series"), Frame(meta, image), crc32
    )


def _image(fields: Fields, pixels: memoryview, max_frame_bytes: int) -> NDArray[Any]:
    dtype = np.dtype(fields.choice("dtype", PIXEL_TYPES))
    shape = fields.image_shape("shape")
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes > max_frame_bytes:
        raise WireError(
            f"{fields.where}: expected at most {max_frame_bytes} bytes "
            f"(input.max_frame_bytes), got {nbytes}"
        )
    stated = fields.whole("nbytes")
    if stated != nbytes or pixels.nbytes != nbytes:
        raise WireError(
            f"{fields.where}: nbytes: expected {nbytes} from dtype and shape, the header "
            f"says {stated} and {pixels.nbytes} came"
        )
    # A receive buffer starts anywhere; TensorFlow and TIFF writers want aligned pixels.
    image = np.require(np.frombuffer(pixels, dtype), requirements="A").reshape(shape)
    image.flags.writeable = False
    return image


def _start(fields: Fields) -> StartMessage:
    return StartMessage(
        producer=fields.text("producer"),
        series=fields.text("series"),
        n_expected=fields.whole_or_none("n_expected"),
        plan_defocus_nm=fields.numbers_or_none(
            "plan_defocus_nm", limits.DEFOCUS_NM, most=limits.MAX_PLANNED_FRAMES
        ),
        optics=fields.mapping("microscope"),
        dtype=None
        if fields.values.get("dtype") is None
        else fields.choice("dtype", PIXEL_TYPES),
        shape=None if fields.values.get("shape") is None else fields.image_shape("shape"),
    )


def _end(fields: Fields) -> EndMessage:
    return EndMessage(
        producer=fields.text("producer"),
        series=fields.text("series"),
        n_sent=fields.whole_or_none("n_sent"),
        exit_status=cast("ExitStatus", fields.choice("exit_status", _EXIT_STATUSES)),
    )


def _heartbeat(fields: Fields) -> Heartbeat:
    return Heartbeat(
        producer=fields.text("producer"),
        series=fields.text("series"),
        last_seq=fields.whole("last_seq", least=-1),
    )


_READERS: dict[str, Callable[[Fields], StartMessage | EndMessage | Heartbeat]] = {
    "start": _start,
    "end": _end,
    "hb": _heartbeat,
}
