"""What the name of an image says: its number, and its defocus.

Pure: names in, values out. Microscopists name their files as they like, so a pattern of
their own may stand in place of the one that is built in.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

LONGEST_NAME = 255
"""Characters of a name that a user's pattern is tried on; a longer name says nothing. A
guard, no cure: repeats within repeats, ``(a+)+``, take for ever on short names too."""

_NM_PER_UNIT = {"pm": 1e-3, "nm": 1.0, "um": 1e3, "mm": 1e6}
_GROUPS = ("seq", "defocus", "unit")

_NUMBER = r"[+-]?\d+(?:\.\d*)?"
# A bare number with a unit may be a field of view, so it counts only with a sign.
_DEFOCUS_IN_NAME = re.compile(
    rf"""(?:^|[_\s.,-])
    (?: (?:defocus|df) [_\s=]* (?P<named>{_NUMBER}) \s* (?P<unit>[pnum]m)?
      | (?P<signed>[+-]\d+(?:\.\d*)?) \s* (?P<signed_unit>[pnum]m) )
    (?![a-z0-9])""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What a name says; ``None`` where it says nothing."""

    seq: int | None = None
    defocus_nm: float | None = None


def facts_in_name(name: str, pattern: str | None = None) -> NameFacts:
    """Return what the name of an image says.

    Parameters
    ----------
    name
        The whole file name, its ending too.
    pattern
        A regular expression, searched for in the name, with a group ``seq``, ``defocus`` or
        both, and perhaps ``unit`` (pm, nm, um, mm; without one: nm). It stands for what is
        built in, which is then not asked. None: what is built in.
    """
    if pattern is None:
        return NameFacts(number_in_name(name), defocus_in_name(name))
    match = re.search(pattern, _plain(name)) if len(name) <= LONGEST_NAME else None
    said = match.groupdict() if match is not None else {}
    return NameFacts(_whole(said.get("seq")), _length_nm(said))


def checked_pattern(pattern: str) -> str:
    """Return the pattern as it is, if ``facts_in_name`` can use it.

    Raises
    ------
    ValueError
        If it is no regular expression, or has other groups; says what is expected.
    """
    expected = "a regular expression with a group (?P<seq>...) or (?P<defocus>...)"
    try:
        names = re.compile(pattern).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{expected} ({error})") from error
    unknown = [name for name in names if name not in _GROUPS]
    if unknown:
        raise ValueError(f"{expected}, perhaps (?P<unit>...), and not {unknown[0]!r}")
    if not {"seq", "defocus"} & set(names):
        raise ValueError(expected)
    return pattern


def defocus_in_name(name: str) -> float | None:
    """Return the defocus [nm] that a file name states, None if it states none or two.

    ``focus_-150um.tif``, ``x_df-150000nm.tif``, ``defocus_1.6mm.tif``, ``df0.tif``: a
    number needs its unit unless it is zero, and a sign where nothing calls it a defocus.
    """
    stem = _plain(name).rpartition(".")[0]
    stated = set()
    for match in _DEFOCUS_IN_NAME.finditer(stem):
        value = float(match["named"] or match["signed"])
        unit = match["unit"] or match["signed_unit"]
        if unit is None and value != 0.0:
            continue
        stated.add(value * _NM_PER_UNIT[(unit or "nm").lower()])
    return stated.pop() if len(stated) == 1 else None


def number_in_name(name: str) -> int | None:
    """Return the last whole number of a file name that is not its defocus."""
    stem = _plain(name).rpartition(".")[0]
    numbers = re.findall(r"(?<![\d.])\d{1,9}(?![\d.])", _DEFOCUS_IN_NAME.sub(" ", stem))
    return int(numbers[-1]) if numbers else None


def _plain(name: str) -> str:
    """Return a name with one sign for minus, and one letter for micro."""
    plain = unicodedata.normalize("NFKC", name)
    return plain.replace("\N{GREEK SMALL LETTER MU}", "u").replace("\N{MINUS SIGN}", "-")


def _whole(text: str | None) -> int | None:
    """Return a number that a frame may have, None where the text is none."""
    is_number = text is not None and text.isdecimal() and len(text) <= 9
    return int(text) if text is not None and is_number else None


def _length_nm(said: dict[str, str | None]) -> float | None:
    factor = _NM_PER_UNIT.get((said.get("unit") or "nm").strip().lower())
    try:
        value = float(said.get("defocus") or "")
    except ValueError:
        return None
    return value * factor if factor is not None and math.isfinite(value) else None
