"""An estimate as a result message: every array as a preview, or one of them in full."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ltemlive.wire.fields import one_line
from ltemlive.wire.previews import UNITS, estimate_arrays, full_array, preview_factor
from ltemlive.wire.results import ResultMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ltemlive.events import PhaseEstimate


def estimate_message(
    estimate: PhaseEstimate, *, t_published: float, preview_px: int
) -> ResultMessage:
    """Return an estimate with its arrays, no side of them longer than ``preview_px``."""
    factor = preview_factor(estimate.phase_rad.shape, preview_px)
    arrays = estimate_arrays(estimate, factor=factor)
    return _estimate_message(
        estimate, arrays, t_published=t_published, pixel_nm=estimate.pixel_nm * factor
    )


def full_message(
    estimate: PhaseEstimate, array: str, *, t_published: float
) -> ResultMessage:
    """Return an estimate with one of its arrays, at full size."""
    return _estimate_message(
        estimate,
        {array: full_array(estimate, array)},
        t_published=t_published,
        pixel_nm=estimate.pixel_nm,
    )


def _estimate_message(
    estimate: PhaseEstimate,
    arrays: Mapping[str, NDArray[Any]],
    *,
    t_published: float,
    pixel_nm: float,
) -> ResultMessage:
    header = {
        "ordinal": estimate.ordinal,
        "series": estimate.series,
        "rev": estimate.rev,
        "seqs_used": estimate.seqs_used,
        "defocus_nm": estimate.defocus_nm,
        "steps": estimate.steps,
        "gradient_evaluations": estimate.gradient_evaluations,
        "objective": _finite_or_null(estimate.objective),
        "final": estimate.is_final,
        "beam": estimate.beam,
        "t_frame_last": estimate.t_frame_last,
        "t_published": t_published,
        "device": estimate.device,
        "shift_px": estimate.shift_px,
        "rotation_deg": estimate.rotation_deg,
        "magnification": estimate.magnification,
        "convergence_mrad": estimate.convergence_mrad,
        "deviations": estimate.deviations and estimate.deviations._asdict(),
        "uncertainty": estimate.sigmas and estimate.sigmas._asdict(),
        "holdout": _finite_or_null(estimate.holdout),
        "set_aside": [
            {"seq": seq, "reason": one_line(reason)} for seq, reason in estimate.set_aside
        ],
        "notes": estimate.notes,
        "arrays": [
            {"name": name, "unit": UNITS[name], "pixel_nm": pixel_nm} for name in arrays
        ],
    }
    return ResultMessage("estimate", header, arrays)


def _finite_or_null(values: Iterable[float]) -> list[float | None]:
    # A diverged step is a value, not a reason to publish nothing; JSON has no NaN.
    return [float(value) if math.isfinite(value) else None for value in values]
