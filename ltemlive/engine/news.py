"""What has changed from one model of a series to the next, in words for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.events import AdviceGiven

if TYPE_CHECKING:
    from ltemlive.recon.evidence import Problem
    from ltemlive.recon.model import SeriesModel


def news_of_frames(
    before: SeriesModel | None, now: SeriesModel, ordinal: int
) -> list[AdviceGiven]:
    """Tell which frames have been set aside, and which are used again.

    Parameters
    ----------
    before
        None: the series had no frame.
    ordinal
        Of the series.
    """
    was = dict(before.set_aside) if before is not None else {}
    aside = dict(now.set_aside)
    out = [
        AdviceGiven(f"frame {seq} set aside: {reason}", "warning", ordinal)
        for seq, reason in aside.items()
        if was.get(seq) != reason
    ]
    back = [
        AdviceGiven(f"frame {seq} is used again", "info", ordinal)
        for seq in was
        if seq not in aside
    ]
    return [*out, *back]


def news_of_problem(
    before: Problem | None, now: Problem | None, ordinal: int
) -> list[AdviceGiven]:
    """Tell what keeps several frames from determining a phase, each kind once."""
    if now is None or now.kind == "few":
        return []
    if before is not None and before.kind == now.kind:
        return []
    return [AdviceGiven(f"no phase yet: {now.text}", "warning", ordinal)]
