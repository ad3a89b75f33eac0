"""Where frames lie and how they fit each other, as an estimate tells it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ltemlive.errors import WireError
from ltemlive.wire.fields import Fields
from ltemlive.wire.limits import MAX_REASON_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping


LARGEST = 1e12
"""No shift and no score is larger; JSON has whole numbers that no float can hold."""


PARALLEL = ("shift_px", "rotation_deg", "magnification", "holdout", "defocus_nm")
"""Keys of an estimate with one value for each frame used, as ``read_fits`` takes them."""


class FrameFit(NamedTuple):
    """How a frame goes together with the others; None where nobody can tell."""

    shift_px: tuple[float, float] | None = None
    """(dy, dx) against the reference frame."""
    turn: tuple[float, float] | None = None
    """Rotation [deg], from x towards y, and magnification against the reference frame."""
    holdout: float | None = None
    """1 where it fits what the others predict, more where it does not."""
    defocus_nm: float | None = None
    """It is used with."""


def read_fits(header: Mapping[str, Any], seqs: tuple[int, ...]) -> dict[int, FrameFit]:
    """Return by seq how each frame used fits, as an estimate's header tells it.

    Raises
    ------
    WireError
        If it tells of another number of frames.
    """
    told = [_parallel(header, key, len(seqs)) for key in PARALLEL]
    return {
        seq: FrameFit(_pair(shift), _pair(turn), _finite(score), _finite(defocus_nm))
        for seq, shift, *turn, score, defocus_nm in zip(seqs, *told, strict=True)
    }


def read_set_aside(header: Mapping[str, Any]) -> dict[int, str]:
    """Return by seq why frames are not used, as an estimate's header tells it.

    Raises
    ------
    WireError
        If an entry has no seq or no reason.
    """
    entries = header.get("set_aside") or []
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise WireError("estimate: expected set_aside as a list of objects")
    listed = [Fields(each, "estimate: set_aside") for each in entries]
    return {
        fields.whole("seq"): fields.text("reason", most=MAX_REASON_CHARACTERS)
        for fields in listed
    }


def _parallel(header: Mapping[str, Any], key: str, count: int) -> list[Any]:
    values = header.get(key) or [None] * count
    if not isinstance(values, list) or len(values) != count:
        raise WireError(f"estimate: expected {key} as a list of {count} frames")
    return values


def _pair(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    along_y, along_x = map(_finite, value)
    return None if along_y is None or along_x is None else (along_y, along_x)


def _finite(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -LARGEST < value < LARGEST else None
