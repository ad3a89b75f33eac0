"""Results of series that were finished before the window was opened. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ltemlive.dashboard.shown.arrays import array_of, pixel_nm_of
from ltemlive.dashboard.shown.estimates import beam_of
from ltemlive.physics.induction import phase_gradient, projected_induction
from ltemlive.wire.previews import UNITS, block_average, preview_factor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.wire.control import Answer
    from ltemlive.wire.results import ResultMessage

MOST_SIDE_PX = 1024
"""Of the maps that are kept; a whole phase may be sixteen times as wide."""


def final_revisions(answer: Answer) -> list[int]:
    """Return the revisions of finished series that an answer to ``events`` lists."""
    events = answer.values.get("events")
    listed = events if isinstance(events, list) else []
    revs = [each.get("rev") for each in listed if _is_final(each)]
    return [rev for rev in revs if type(rev) is int]


def completed(message: ResultMessage) -> ResultMessage:
    """Return an estimate that holds its phase alone with all the maps that are drawn.

    Raises
    ------
    WireError
        If it holds no phase.
    """
    phase = array_of(message, "phase", dimensions=2)
    pixel_nm = pixel_nm_of(message, "phase")
    whole = {
        "phase": phase,
        "gradient": phase_gradient(phase, pixel_nm=pixel_nm),
        "induction": projected_induction(phase, pixel_nm=pixel_nm, beam=beam_of(message)),
    }
    factor = preview_factor(phase.shape, MOST_SIDE_PX)
    arrays = {name: block_average(array, factor) for name, array in whole.items()}
    entries = [
        {"name": name, "unit": UNITS[name], "pixel_nm": pixel_nm * factor}
        for name in arrays
    ]
    return replace(message, header={**message.header, "arrays": entries}, arrays=arrays)


def _is_final(event: Any) -> bool:
    described: Mapping[str, Any] = event if isinstance(event, dict) else {}
    return described.get("kind") == "final"
