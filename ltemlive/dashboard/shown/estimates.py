"""One estimate, checked and with everything derived from it that is drawn. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.dashboard.shown.arrays import array_of, pixel_nm_of
from ltemlive.dashboard.shown.fits import FrameFit, read_fits, read_set_aside
from ltemlive.errors import WireError
from ltemlive.events import PhaseSigmas
from ltemlive.physics.colour import induction_scale_t_nm
from ltemlive.wire.fields import Fields, brief
from ltemlive.wire.limits import UNIX_TIME_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ltemlive.events import Beam
    from ltemlive.wire.results import ResultMessage

_SIGMAS = (0.0, 1e12)


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
    beam: Beam
    """Which way electrons go."""
    phase_rad: NDArray[np.float32]
    """Shape (ny, nx), as all maps below."""
    gradient_rad_per_nm: NDArray[np.float32]
    """Magnitude of the gradient."""
    induction_t_nm: NDArray[np.float32]
    """(B_y t, B_x t), shape (2, ny, nx)."""
    induction_scale_t_nm: float
    """Induction times thickness that has the full colour, unless the user chose another."""
    amplitude: NDArray[np.float32] | None = None
    """None where the phase alone was asked for, as of an earlier series."""
    phase_sigma_rad: NDArray[np.float32] | None = None
    """Standard deviation of the phase; None while it is on its way."""
    sigmas: PhaseSigmas | None = None
    """The same in one number, and of gradient and induction; None likewise."""


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
        beam=beam_of(message),
        phase_rad=phase,
        gradient_rad_per_nm=magnitude,
        induction_t_nm=induction,
        induction_scale_t_nm=induction_scale_t_nm(induction),
        amplitude=_like(phase, message, "amplitude"),
        phase_sigma_rad=_like(phase, message, "phase_sigma"),
        sigmas=_sigmas(message.header),
    )


def beam_of(message: ResultMessage) -> Beam:
    """Return which way electrons go; into the image where nobody says so."""
    is_outward = message.header.get("beam") == "out_of_image"
    return "out_of_image" if is_outward else "into_image"


def _like(
    phase: NDArray[np.float32], message: ResultMessage, name: str
) -> NDArray[np.float32] | None:
    """Return a map beside the phase, where there is one."""
    if name not in message.arrays:
        return None
    array = array_of(message, name, dimensions=2)
    if array.shape != phase.shape:
        raise WireError(
            f"estimate: expected {name} of shape {phase.shape}, got {array.shape}"
        )
    return array


def _sigmas(header: Mapping[str, Any]) -> PhaseSigmas | None:
    if header.get("uncertainty") is None:
        return None
    fields = Fields(Fields(header, "estimate").mapping("uncertainty"), "uncertainty")
    return PhaseSigmas(*(fields.number(name, _SIGMAS) for name in PhaseSigmas._fields))


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
