"""What result messages say, checked and made ready to draw. Pure: no socket, no widget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import numpy as np

from ltemlive.dashboard.shown.arrays import array_of, pixel_nm_of
from ltemlive.dashboard.shown.fits import FrameFit, read_fits, read_set_aside
from ltemlive.errors import WireError
from ltemlive.physics.colour import induction_scale_t_nm
from ltemlive.wire.fields import Fields, brief
from ltemlive.wire.limits import (
    DEFOCUS_NM,
    MAX_LISTED_FRAMES,
    MAX_REASON_CHARACTERS,
    UNIX_TIME_S,
)
from ltemlive.wire.results import FrameRow, FrameState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ltemlive.wire.results import ResultMessage

NoticeLevel: TypeAlias = Literal["info", "warning", "error"]
COUNTERS = (
    "received",
    "stored",
    "dropped",
    "disordered",
    "duplicate",
    "rejected",
    "queued",
)


@dataclass(frozen=True, slots=True, eq=False)
class EstimateShown:
    """One revision of the phase with everything derived from it that is drawn."""

    ordinal: int
    series: str
    rev: int
    seqs_used: tuple[int, ...]
    fits: Mapping[int, FrameFit]
    """Of each of them, by seq; empty where nobody can tell."""
    set_aside: Mapping[int, str]
    """Why, of each frame that is stored and not used, by seq."""
    steps: int
    objective: tuple[float, ...]
    """The objective after each step of this revision; NaN where it was not finite."""
    is_final: bool
    device: str
    notes: tuple[str, ...]
    t_frame_last: float | None
    t_published: float
    """Seconds since 1970 by the daemon's clock, as ``t_frame_last``."""
    pixel_nm: float
    phase_rad: NDArray[np.float32]
    """Shape (ny, nx), as all maps below."""
    gradient_rad_per_nm: NDArray[np.float32]
    """Magnitude of the gradient."""
    induction_t_nm: NDArray[np.float32]
    """(B_y t, B_x t), shape (2, ny, nx)."""
    induction_scale_t_nm: float
    """Induction times thickness that has the full colour, unless the user chose another."""


@dataclass(frozen=True, slots=True)
class StatusShown:
    """What the daemon says of itself each second."""

    session: str
    state: str
    device: str | None
    ordinal: int | None
    series: str | None
    n_expected: int | None
    counters: tuple[tuple[str, int], ...]
    frames: tuple[FrameRow, ...]
    version: str
    t_published: float
    problem: str | None = None
    """What the disk refuses now."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the banner."""

    text: str
    level: NoticeLevel
    ordinal: int | None = None
    """The series it is about, if it is about one."""


def read_estimate(message: ResultMessage) -> EstimateShown:
    """Return the estimate in a message.

    Raises
    ------
    WireError
        If a key or an array is missing or impossible.
    """
    fields = Fields(message.header, "estimate")
    phase = array_of(message, "phase", dimensions=2)
    gradient = array_of(message, "gradient", dimensions=3)
    induction = array_of(message, "induction", dimensions=3)
    if not gradient.shape == induction.shape == (2, *phase.shape):
        raise WireError(
            f"estimate: expected gradient and induction of shape {(2, *phase.shape)}, "
            f"got {gradient.shape} and {induction.shape}"
        )
    magnitude = np.hypot(gradient[0], gradient[1])
    seqs = _whole_numbers(message.header, "seqs_used")
    return EstimateShown(
        ordinal=fields.whole("ordinal"),
        series=fields.text("series"),
        rev=fields.whole("rev"),
        seqs_used=seqs,
        fits=read_fits(message.header, seqs),
        set_aside=read_set_aside(message.header),
        steps=fields.whole("steps"),
        objective=_objective(message.header),
        is_final=fields.flag("final"),
        device=fields.text("device"),
        notes=_sentences(message.header, "notes"),
        t_frame_last=fields.number_or_none("t_frame_last", UNIX_TIME_S),
        t_published=fields.number("t_published", UNIX_TIME_S),
        pixel_nm=pixel_nm_of(message, "phase"),
        phase_rad=phase,
        gradient_rad_per_nm=magnitude,
        induction_t_nm=induction,
        induction_scale_t_nm=induction_scale_t_nm(induction),
    )


def read_status(message: ResultMessage) -> StatusShown:
    """Return the status in a message; WireError where a key is missing or impossible."""
    fields = Fields(message.header, "status")
    series = message.header.get("series")
    device = message.header.get("device")
    rows = message.header.get("frames")
    if not isinstance(rows, list) or len(rows) > MAX_LISTED_FRAMES:
        raise WireError(f"status: frames: expected a list of at most {MAX_LISTED_FRAMES}")
    return StatusShown(
        session=fields.text("session"),
        state=fields.text("state"),
        device=None if device is None else fields.text("device"),
        ordinal=fields.whole_or_none("ordinal"),
        series=None if series is None else fields.text("series"),
        n_expected=fields.whole_or_none("n_expected"),
        counters=tuple((name, fields.whole(name)) for name in COUNTERS),
        frames=tuple(_row(row) for row in rows),
        version=fields.text("version"),
        t_published=fields.number("t_published", UNIX_TIME_S),
        problem=None
        if message.header.get("problem") is None
        else fields.text("problem", most=MAX_REASON_CHARACTERS),
    )


def read_frame(message: ResultMessage) -> tuple[int | None, FrameRow]:
    """Return the ordinal of its series (where there is one) and the row of a frame."""
    return Fields(message.header, "frame").whole_or_none("ordinal"), _row(message.header)


def read_advice(message: ResultMessage) -> Notice:
    """Return the advice in a message; WireError where a key is missing or impossible."""
    fields = Fields(message.header, "advice")
    text = fields.text("text", most=MAX_REASON_CHARACTERS)
    level = cast("NoticeLevel", fields.choice("level", get_args(NoticeLevel)))
    return Notice(text, level, fields.whole_or_none("ordinal"))


def _row(values: object) -> FrameRow:
    if not isinstance(values, dict):
        raise WireError(f"frames: expected an object per frame, got {brief(values)}")
    fields = Fields(values, "frame")
    reason = values.get("reason")
    return FrameRow(
        seq=fields.whole_or_none("seq"),
        frame=fields.text("frame"),
        defocus_nm=fields.number_or_none("defocus_nm", DEFOCUS_NM),
        state=cast("FrameState", fields.choice("state", get_args(FrameState))),
        reason=None
        if reason is None
        else fields.text("reason", most=MAX_REASON_CHARACTERS),
    )


def _objective(header: Mapping[str, Any]) -> tuple[float, ...]:
    values = header.get("objective")
    if not isinstance(values, list) or not all(
        value is None or type(value) in (int, float) for value in values
    ):
        raise WireError(
            f"estimate: objective: expected numbers or null, got {brief(values)}"
        )
    return tuple(math.nan if value is None else float(value) for value in values)


def _whole_numbers(header: Mapping[str, Any], key: str) -> tuple[int, ...]:
    values = header.get(key)
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise WireError(f"estimate: {key}: expected whole numbers, got {brief(values)}")
    return tuple(values)


def _sentences(header: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = header.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise WireError(f"estimate: {key}: expected sentences, got {brief(values)}")
    return tuple(values)
