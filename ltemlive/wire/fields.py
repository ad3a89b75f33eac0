"""Read the keys of a JSON object one by one, each with its type and its range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from ltemlive.errors import WireError
from ltemlive.frames import MAX_SIDE_PX, MIN_SIDE_PX
from ltemlive.wire.jsontext import parse_object
from ltemlive.wire.limits import (
    MAX_DIMENSIONS,
    MAX_ID_CHARACTERS,
    MAX_REASON_CHARACTERS,
    MAX_WHOLE_NUMBER,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Fields:
    """A parsed header; each reader raises WireError naming header, key and what came."""

    values: Mapping[str, Any]
    where: str

    def text(self, key: str, *, most: int = MAX_ID_CHARACTERS) -> str:
        """Return a string of 1..``most`` printable characters."""
        value = self.values.get(key)
        if isinstance(value, str) and 0 < len(value) <= most and value.isprintable():
            return value
        raise self._wrong(key, f"1..{most} printable characters")

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """Return one of ``choices``."""
        value = self.values.get(key)
        if isinstance(value, str) and value in choices:
            return value
        raise self._wrong(key, "one of " + " ".join(choices))

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self.values.get(key)
        if isinstance(value, bool):
            return value
        raise self._wrong(key, "true or false")

    def whole(self, key: str, *, least: int = 0, most: int = MAX_WHOLE_NUMBER) -> int:
        """Return a whole number of ``least``..``most``."""
        value = self.values.get(key)
        if _is_whole(value) and least <= value <= most:
            return int(value)
        raise self._wrong(key, f"a whole number of {least}..{most}")

    def number(self, key: str, limits: tuple[float, float]) -> float:
        """Return a finite number within ``limits``, both included."""
        value = self.values.get(key)
        # Compared before it is converted: a long integer overflows a float.
        if _is_number(value) and limits[0] <= value <= limits[1]:
            return float(value)
        raise self._wrong(key, f"a number of {limits[0]:g}..{limits[1]:g}")

    def whole_or_none(self, key: str) -> int | None:
        """Return a whole number, or None where the key is null or missing."""
        return None if self.values.get(key) is None else self.whole(key)

    def number_or_none(self, key: str, limits: tuple[float, float]) -> float | None:
        """Return a finite number, or None where the key is null or missing."""
        return None if self.values.get(key) is None else self.number(key, limits)

    def numbers_or_none(
        self, key: str, limits: tuple[float, float], *, most: int
    ) -> tuple[float, ...] | None:
        """Return at most ``most`` finite numbers, or None."""
        values = self.values.get(key)
        if values is None:
            return None
        if not isinstance(values, list) or len(values) > most:
            raise self._wrong(key, f"a list of at most {most} numbers")
        entries = Fields(
            {f"{key}[{index}]": value for index, value in enumerate(values)}, self.where
        )
        return tuple(entries.number(name, limits) for name in entries.values)

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object, empty where the key is null or missing."""
        value = self.values.get(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        raise self._wrong(key, "an object")

    def image_shape(self, key: str) -> tuple[int, int]:
        """Return (ny, nx), each side within the limits of an image."""
        value = self.values.get(key)
        if _is_shape(value, MIN_SIDE_PX) and len(value) == 2:
            return value[0], value[1]
        raise self._wrong(key, f"[ny, nx] with sides of {MIN_SIDE_PX}..{MAX_SIDE_PX} px")

    def array_shape(self, key: str) -> tuple[int, ...]:
        """Return the sides of an array of a result."""
        value = self.values.get(key)
        if _is_shape(value, 1) and 0 < len(value) <= MAX_DIMENSIONS:
            return tuple(value)
        raise self._wrong(key, f"1..{MAX_DIMENSIONS} sides of 1..{MAX_SIDE_PX}")

    def _wrong(self, key: str, expected: str) -> WireError:
        if key not in self.values:
            return WireError(f"{self.where}: {key}: missing; expected {expected}")
        came = brief(self.values[key])
        return WireError(f"{self.where}: {key}: expected {expected}, got {came}")


def read_header(
    parts: Sequence[bytes | memoryview],
    *,
    magic: bytes,
    n_parts: tuple[int, ...],
    where: str,
) -> Fields:
    """Return the JSON header of a message whose first part must be ``magic``.

    Raises
    ------
    WireError
        If the number of parts is not one of ``n_parts``, the magic is another, or the
        second part is no JSON object.
    """
    if len(parts) not in n_parts:
        expected = " or ".join(str(count) for count in n_parts)
        raise WireError(f"{where}: expected {expected} parts, got {len(parts)}")
    if parts[0] != magic:
        came = brief(bytes(parts[0][: 2 * len(magic)]))
        raise WireError(f"{where}: expected {magic!r} first, got {came}")
    return Fields(parse_object(parts[1], where=where), where)


def one_line(text: str, *, most: int = MAX_REASON_CHARACTERS) -> str:
    """Return printable text of one line and at most ``most`` characters."""
    return "".join(each if each.isprintable() else " " for each in text[:most])


def brief(value: Any) -> str:
    """Return ``repr(value)``, cut where a peer could make it long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _is_whole(value: Any) -> TypeGuard[int]:
    # JSON true and false are bool in Python, and a bool is an int.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    return _is_whole(value) or isinstance(value, float)


def _is_shape(value: Any, least: int) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        _is_whole(side) and least <= side <= MAX_SIDE_PX for side in value
    )
