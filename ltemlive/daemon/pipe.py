"""What the daemon and the process that solves say to each other, and in which bytes.

A message is one JSON text and the bytes of its arrays, each sent as one block. The text
holds the head of the message and its parcels: frames on the way in, events on the way out.
What a producer added to a frame (``meta``) stays behind: nobody solves with it. Both ends
are the same version of this program: nothing is checked twice.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np

from ltemlive.events import Event, FrameDeviations, PhaseSigmas
from ltemlive.frames import Frame, FrameMeta

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

Parcel: TypeAlias = Frame | Event

_EVENTS = {kind.__name__: kind for kind in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Message:
    """Values that JSON has, and what goes with them."""

    head: Mapping[str, Any]
    parcels: tuple[Parcel, ...] = ()


def send(
    connection: Connection, head: Mapping[str, Any], parcels: Iterable[Parcel] = ()
) -> None:
    """Send a message; numbers that are not finite arrive as they are.

    Raises
    ------
    OSError
        If the other end has gone.
    """
    packed = [_packed(parcel) for parcel in parcels]
    texts = [
        {
            "kind": kind,
            "values": values,
            "arrays": [[name, each.dtype.str, each.shape] for name, each in arrays.items()],
        }
        for kind, values, arrays in packed
    ]
    connection.send_bytes(json.dumps({"head": dict(head), "parcels": texts}).encode())
    for _, _, arrays in packed:
        for array in arrays.values():
            connection.send_bytes(array.tobytes())


def receive(connection: Connection) -> Message:
    """Return the next message; its arrays cannot be written to.

    Raises
    ------
    EOFError, OSError
        If the other end has gone.
    """
    text = json.loads(connection.recv_bytes())
    parcels = []
    for parcel in text["parcels"]:
        arrays = {
            name: np.frombuffer(connection.recv_bytes(), dtype).reshape(shape)
            for name, dtype, shape in parcel["arrays"]
        }
        parcels.append(_unpacked(parcel["kind"], parcel["values"], arrays))
    return Message(text["head"], tuple(parcels))


def _packed(parcel: Parcel) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    """Return its kind, its values that JSON has, and its arrays by name."""
    if isinstance(parcel, Frame):
        values = _fields(parcel.meta)
        del values["meta"]
        return "Frame", values, {"image": parcel.image}
    fields = _fields(parcel)
    arrays = {name: each for name, each in fields.items() if isinstance(each, np.ndarray)}
    values = {name: each for name, each in fields.items() if name not in arrays}
    return type(parcel).__name__, values, arrays


def _unpacked(
    kind: str, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> Parcel:
    if kind == "Frame":
        return Frame(FrameMeta(**values), **arrays)
    in_tuples = {name: _in_tuples(each) for name, each in values.items()}
    if in_tuples.get("deviations") is not None:
        in_tuples["deviations"] = FrameDeviations(*in_tuples["deviations"])
    if in_tuples.get("sigmas") is not None:
        in_tuples["sigmas"] = PhaseSigmas(*in_tuples["sigmas"])
    event: Event = _EVENTS[kind](**in_tuples, **arrays)
    return event


def _in_tuples(value: Any) -> Any:
    return tuple(map(_in_tuples, value)) if isinstance(value, list) else value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
