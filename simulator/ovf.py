"""States of micromagnetic codes: OVF 1 and 2, as text or binary (OOMMF, MuMax3, ubermag).

The format is in the OOMMF user's guide, "OVF file format". A file is a header of lines
``# key: value`` and a block of data, x running fastest, then y, then z. Binary data begin
with a number that is known, big-endian in version 1 and little-endian in version 2. The
header says how much there must be, so nothing is allocated before the file is long enough.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import numpy as np

from ltemlive.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAX_CELLS = 2**25
"""Cells of one state: 400 MB of four-byte vectors."""

_MAX_HEADER_BYTES = 2**18
_LEAST_TEXT_BYTES = 6
"""Three digits and what stands between them: no line of data is shorter."""
_MAX_TEXT_BYTES = 128
"""Three numbers of forty characters each: no line of data is longer."""

_FIRST_LINE = re.compile(
    rb"#[ \t]*OOMMF:?[ \t]+(?:rectangular mesh|OVF)[ \t]+v?([12])\.[0-9]", re.IGNORECASE
)
_DATA_LINE = re.compile(
    rb"^#[ \t]*begin:[ \t]*data[ \t]+(text|binary[ \t]*[48])[ \t]*\r?\n",
    re.IGNORECASE | re.MULTILINE,
)
_END_LINE = re.compile(rb"\s*#[ \t]*end:[ \t]*data", re.IGNORECASE)

_TOO_MUCH = 1e30
_CELL_NM = (1e-3, 1e6)

_CONTROL = {4: 1234567.0, 8: 123456789012345.0}
_NM_PER_UNIT = {"m": 1e9, "mm": 1e6, "um": 1e3, "nm": 1.0, "a": 0.1}


@dataclass(frozen=True, slots=True, eq=False)
class VectorField:
    """What a file holds, in its own units and axes."""

    vectors: NDArray[np.float64]
    """(x, y, z) components in the last axis, shape (nz, ny, nx, 3)."""
    cell_nm: tuple[float, float, float]
    """Edges of a cell along (z, y, x)."""
    unit: str
    """Of the vectors, as the header has it; empty where it says none."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The lines before the data, keys in small letters."""

    path: Path
    version: int
    values: dict[str, str]
    encoding: str
    """``text``, ``binary4`` or ``binary8``."""
    n_bytes: int
    """Where the data begin."""

    def refuse(self, expected: str, got: object) -> NoReturn:
        raise ConfigError(f"{self.path}: expected {expected}, got {got}")

    def number(self, key: str) -> float:
        text = self.values.get(key)
        if text is None:
            self.refuse(f"`# {key}: ...` in the header", "none")
        try:
            value = float(text)
        except ValueError:
            self.refuse(f"a number as {key}", text[:40])
        if not 0.0 < value < math.inf:
            self.refuse(f"a positive {key}", text[:40])
        return value

    def count(self, key: str) -> int:
        value = self.number(key)
        if value != math.floor(value) or value > MAX_CELLS:
            self.refuse(f"a whole number up to {MAX_CELLS} as {key}", f"{value:g}")
        return int(value)

    def shape(self) -> tuple[int, int, int]:
        """Return the number of cells along (z, y, x), of a mesh that can be used."""
        segments = self.values.get("segment count", "1")
        if segments != "1":
            self.refuse("one segment; write each to a file of its own", segments[:40])
        mesh = self.values.get("meshtype", "rectangular").lower()
        if mesh != "rectangular":
            self.refuse("meshtype rectangular", mesh[:40])
        if self.values.get("valuedim", "3") != "3":
            self.refuse("vectors (valuedim: 3)", f"valuedim {self.values['valuedim'][:40]}")
        nz, ny, nx = (self.count(f"{axis}nodes") for axis in "zyx")
        if nz * ny * nx > MAX_CELLS:
            self.refuse(f"at most {MAX_CELLS} cells", f"{nx} x {ny} x {nz}")
        return nz, ny, nx

    def cell_nm(self) -> tuple[float, float, float]:
        unit = self.values.get("meshunit", "m").lower()
        if unit not in _NM_PER_UNIT:
            self.refuse(f"meshunit {', '.join(_NM_PER_UNIT)}", unit[:40])
        scale = _NM_PER_UNIT[unit]
        z, y, x = (scale * self.number(f"{axis}stepsize") for axis in "zyx")
        least, most = _CELL_NM
        if not least <= min(z, y, x) <= max(z, y, x) <= most:
            self.refuse(f"cells of {least:g} to {most:g} nm", f"{x:g} x {y:g} x {z:g}")
        return z, y, x

    def unit(self) -> str:
        """Return the one unit of all components."""
        key = "valueunit" if self.version == 1 else "valueunits"
        units = set(self.values.get(key, "").replace("{", " ").replace("}", " ").split())
        if len(units) > 1:
            self.refuse(f"one unit for all three {key}", self.values[key][:60])
        return units.pop() if units else ""


def read_ovf(path: Path) -> VectorField:
    """Return the vectors of a file.

    Raises
    ------
    ConfigError
        If it cannot be read, is no OVF, has several segments or no rectangular mesh of
        vectors, is too large, was cut off, or is damaged: one line that says which.
    """
    try:
        with path.open("rb") as stream:
            header = _read_header(path, stream)
            shape = header.shape()
            cell_nm, unit = header.cell_nm(), header.unit()
            n_there = path.stat().st_size - header.n_bytes
            vectors = _read_vectors(header, stream, math.prod(shape), n_there)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{path}: expected a readable OVF file, got: {reason}") from error
    if header.version == 1 and "valuemultiplier" in header.values:
        with np.errstate(over="ignore"):
            vectors *= header.number("valuemultiplier")
    if not (np.abs(vectors) < _TOO_MUCH).all():
        header.refuse(f"numbers below {_TOO_MUCH:g} in the data", "more, or NaN")
    return VectorField(vectors.reshape(*shape, 3), cell_nm, unit)


def _read_header(path: Path, stream: BinaryIO) -> _Header:
    head = stream.read(_MAX_HEADER_BYTES)
    first = _FIRST_LINE.match(head.split(b"\n", 1)[0])
    if first is None:
        raise ConfigError(
            f"{path}: expected an OVF file (# OOMMF: OVF 2.0), got {bytes(head[:24])!r}"
        )
    begin = _DATA_LINE.search(head)
    if begin is None:
        raise ConfigError(
            f"{path}: expected `# Begin: Data Text`, `Binary 4` or `Binary 8` within "
            f"{_MAX_HEADER_BYTES} bytes, got none; the file may have been cut off"
        )
    lines = head[: begin.start()].decode("utf-8", errors="replace").splitlines()
    encoding = b"".join(begin[1].lower().split()).decode()
    return _Header(path, int(first[1]), _values(lines), encoding, begin.end())


def _values(lines: list[str]) -> dict[str, str]:
    """Return what ``# key: value`` lines say; remarks begin with ##, Desc comes often."""
    values = {}
    for line in lines:
        key, colon, value = line.split("##", 1)[0].lstrip("#").partition(":")
        if colon:
            values[key.strip().lower()] = value.strip()
    return values


def _read_vectors(
    header: _Header, stream: BinaryIO, n_cells: int, n_there: int
) -> NDArray[np.float64]:
    """Return the data, shape (n_cells, 3); ``n_there`` bytes follow the header."""
    stream.seek(header.n_bytes)
    if header.encoding == "text":
        return _read_text(header, stream, n_cells, n_there)
    width = int(header.encoding[-1])
    n_needed = (3 * n_cells + 1) * width
    if n_there < n_needed:
        header.refuse(
            f"{n_needed} bytes of data for {n_cells} cells", f"{n_there}: cut off"
        )
    kind = np.dtype(f"{'>' if header.version == 1 else '<'}f{width}")
    numbers = np.frombuffer(stream.read(n_needed), kind)
    if numbers[0] != _CONTROL[width]:
        header.refuse(f"{_CONTROL[width]:.0f} before the data", f"{numbers[0]:g}: damaged")
    _check_end(header, stream.read(64), n_cells)
    with np.errstate(invalid="ignore"):
        vectors = numbers[1:].astype(np.float64)
    return vectors.reshape(n_cells, 3)


def _read_text(
    header: _Header, stream: BinaryIO, n_cells: int, n_there: int
) -> NDArray[np.float64]:
    if n_there < n_cells * _LEAST_TEXT_BYTES:
        header.refuse(f"{n_cells} lines of data", f"{n_there} bytes: cut off")
    text = stream.read(min(n_there, (n_cells + 8) * _MAX_TEXT_BYTES))
    end = text.find(b"#")
    _check_end(header, text[end:] if end >= 0 else b"", n_cells)
    if not text[:end].strip():
        header.refuse(f"{n_cells} lines of data", "none")
    try:
        numbers = np.loadtxt(io.BytesIO(text[:end]), np.float64, ndmin=2)
    except ValueError as error:
        header.refuse("three numbers in each line of data", str(error).split(";")[0])
    if numbers.shape != (n_cells, 3):
        n_lines, n_numbers = numbers.shape
        header.refuse(f"{n_cells} lines of three numbers", f"{n_lines} of {n_numbers}")
    return np.asarray(numbers)


def _check_end(header: _Header, rest: bytes, n_cells: int) -> None:
    if _END_LINE.match(rest) is None:
        header.refuse(f"`# End: Data` after {n_cells} cells", f"{bytes(rest[:24])!r}")
